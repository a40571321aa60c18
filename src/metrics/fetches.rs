use std::{sync::Arc, time::Duration};

use super::{
    bounded::Bounded,
    description::{GIT_FETCH_DURATION, GIT_FETCH_FAILURES, SNAPSHOT_BUILD_DURATION},
    family::{Counters, Histograms},
    page::Page,
};

/// Repositories that are told apart.
const REPOSITORIES: usize = 200;

/// Looks at remotes, and what became of what they brought.
#[derive(Debug, Clone)]
pub(crate) struct Fetches {
    repositories: Arc<Bounded>,
    took: Histograms,
    failures: Counters,
    built: Histograms,
}

impl Default for Fetches {
    fn default() -> Self {
        Self {
            repositories: Arc::new(Bounded::to(REPOSITORIES)),
            took: Histograms::of(&GIT_FETCH_DURATION),
            failures: Counters::of(&GIT_FETCH_FAILURES),
            built: Histograms::of(&SNAPSHOT_BUILD_DURATION),
        }
    }
}

impl Fetches {
    /// A remote was asked; a failure comes with what stood in the way.
    pub(crate) fn asked(&self, repository: &str, took: Duration, failure: Option<&'static str>) {
        let repository = self.repositories.name(repository);
        let result = if failure.is_none() { "ok" } else { "failed" };
        self.took.note(&[repository, result], took.as_secs_f64());
        if let Some(reason) = failure {
            self.failures.add(&[repository, reason], 1);
        }
    }

    /// Snapshots were put in service.
    pub(crate) fn built(&self, repository: &str, took: Duration) {
        let repository = self.repositories.name(repository);
        self.built.note(&[repository], took.as_secs_f64());
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.took.write(page);
        self.failures.write(page);
        self.built.write(page);
    }
}
