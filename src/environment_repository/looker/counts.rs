//! What looks count.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{
    super::{history::History, judgement::Judgement},
    Looker,
};
use crate::{
    diagnostics::{Diagnostic, Severity},
    look::{LookError, View},
    metrics::{Phase, Verdict},
};

/// Mistakes of one commit that are counted.
const MOST_DIAGNOSTICS: usize = 1_000;

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

    /// What is wrong with a commit, each kind of mistake by itself. Files are looked at again for it, so nobody waits.
    pub(super) fn count_diagnostics(&self, history: &Arc<History>) {
        if history.problems().next().is_none() {
            return;
        }
        let (commits, history) = (self.outcome.metrics.commits.clone(), Arc::clone(history));
        tokio::task::spawn_blocking(move || {
            let snapshot = &history.newest().snapshot;
            // One cause may have many readers.
            let problems: HashSet<_> = history.problems().collect();
            for problem in problems.into_iter().take(MOST_DIAGNOSTICS) {
                commits.diagnosed(Diagnostic::of(problem, snapshot, Severity::Error).code);
            }
        });
    }
}
