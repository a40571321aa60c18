//! What looks count.

use std::time::Duration;

use super::{super::judgement::Judgement, Looker};
use crate::{
    look::{LookError, View},
    metrics::{Phase, Verdict},
};

impl Looker {
    /// A remote was asked, and this came of it. Returns why it failed, if it did.
    pub(super) fn count_fetch(
        &self,
        view: &Result<View, LookError>,
        took: Duration,
    ) -> Option<&'static str> {
        let failure = match view {
            Ok(view) => view
                .fetched
                .as_ref()
                .and_then(|fetched| fetched.as_ref().err()),
            Err(error) => Some(error),
        };
        let metrics = &self.outcome.metrics;
        let reason = failure.map(LookError::reason);
        metrics.fetches.asked(&self.name, took, reason);
        metrics.refreshes.passed(Phase::Fetch, took);
        reason
    }

    /// Labels that moved are in service.
    pub(super) fn count_swap(&self, took: Duration) {
        let metrics = &self.outcome.metrics;
        metrics.fetches.built(&self.name, took);
        metrics.refreshes.passed(Phase::Swap, took);
    }

    /// It is known of a commit whether it can be used.
    pub(super) fn count_judgement(&self, judgement: &Judgement) {
        let verdict = match &judgement.broken {
            None => Verdict::Accepted,
            Some(broken) if broken.held_at.is_some() => Verdict::Partly,
            Some(_) => Verdict::Refused,
        };
        let metrics = &self.outcome.metrics;
        metrics.commits.judged(&self.name, verdict);
    }
}
