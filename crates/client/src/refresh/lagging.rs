//! Servers that may be behind what runs: nothing is taken of them until they are sure.

use std::time::Duration;

use confbus_protocol::{CommitId, Environment, Minimum};
use tracing::debug;

use super::Refresher;
use crate::{
    error::{RefreshError, Unavailable},
    fetch::{Answer, Place},
    jitter,
};

/// How long this goes on.
#[derive(Debug, Default)]
pub(super) struct Lagging {
    /// In a row, in which all who answered may be behind.
    rounds: u32,
    /// What events had told of in the last one.
    told: Vec<CommitId>,
}

impl Lagging {
    /// One more round. News is that somebody has looked, maybe this very server: so it is asked again as soon as at first.
    fn note(&mut self, told: &[CommitId]) {
        let is_news = !told.is_empty() && self.told != told;
        let is_told_again = !told.is_empty() && self.pause().is_none();
        self.rounds = if is_news || is_told_again {
            1
        } else {
            self.rounds.saturating_add(1)
        };
        self.told = told.to_vec();
    }

    /// Until the next round; none where it may take long, or nobody lags.
    pub(super) fn pause(&self) -> Option<Duration> {
        jitter::soon(self.rounds)
    }
}

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
        self.lagging.note(told);
        if self.lagging.pause().is_some() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn after(lagging: &mut Lagging, rounds: usize, told: &[u8]) -> u32 {
        let told: Vec<_> = told
            .iter()
            .map(|&number| CommitId::from_bytes([number; 20]))
            .collect();
        (0..rounds).for_each(|_| lagging.note(&told));
        lagging.rounds
    }

    #[test]
    fn who_is_told_more_asks_as_soon_as_at_first() {
        let mut lagging = Lagging::default();
        assert_eq!(after(&mut lagging, 4, &[]), 4);
        assert_eq!(after(&mut lagging, 1, &[1]), 1, "by an event");
        assert_eq!(after(&mut lagging, 4, &[1]), 5, "it is still the same");
        assert_eq!(
            after(&mut lagging, 1, &[1, 1]),
            1,
            "another server has it, too"
        );
        assert_eq!(after(&mut lagging, 5, &[1, 1]), 6);
        assert!(lagging.pause().is_some());
        assert_eq!(after(&mut lagging, 1, &[1, 1]), 7);
        assert_eq!(lagging.pause(), None, "it may take long");
        assert_eq!(after(&mut lagging, 1, &[1, 1]), 1, "told again");
        assert_eq!(after(&mut lagging, 8, &[]), 9, "nobody told anything");
    }
}
