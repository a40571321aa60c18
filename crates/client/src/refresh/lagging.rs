//! Servers that may be behind what runs: nothing is taken of them until they are sure.

use confbus_protocol::{CommitId, Environment, Minimum};
use tracing::debug;

use super::Refresher;
use crate::{
    error::{RefreshError, Unavailable},
    fetch::{Answer, Place},
    jitter,
};

impl Refresher {
    /// Whether an answer is another version, by another server than gave what runs.
    pub(super) fn is_of_other(&self, answer: &Answer) -> bool {
        let is_other = |place: Place| place.server != answer.place.server;
        let is_news = |(environment, _): &(Box<Environment>, _)| {
            environment.version != self.running.environment.version
        };
        self.running.place.is_some_and(is_other) && answer.news.as_ref().is_some_and(is_news)
    }

    /// Keeps what runs: what a server has that may be behind may be older.
    pub(super) fn lagging(&mut self, unavailable: Unavailable, told: &[CommitId]) -> RefreshError {
        // The look that this question makes is enough for both.
        self.since_now = true;
        let is_told_again = !told.is_empty() && jitter::soon(self.lagging).is_none();
        self.lagging = if is_told_again {
            1
        } else {
            self.lagging.saturating_add(1)
        };
        if jitter::soon(self.lagging).is_some() {
            self.answered();
            debug!(reason = %unavailable, "keeping what is running until a server is sure");
            return RefreshError::Unavailable(unavailable);
        }
        self.failures = 0;
        // Maybe of another label. What runs here is still not given up for something older.
        self.rounds.forget(told);
        self.without_news(unavailable)
    }
}

/// What an answer must not be older than: what runs, and what events told of.
pub(super) fn minimum(running: &Environment, told: &[CommitId]) -> Minimum {
    let version = running.version.as_deref();
    let mut minimum = version.and_then(Minimum::parse).unwrap_or_default();
    told.iter().for_each(|commit| minimum.add(*commit));
    minimum
}
