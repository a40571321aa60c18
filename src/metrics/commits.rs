use std::sync::Arc;

use super::{
    bounded::Bounded,
    description::{COMMITS, DIAGNOSTICS},
    family::Counters,
    page::Page,
};
use crate::diagnostics::Code;

/// Repositories that are told apart.
const REPOSITORIES: usize = 200;

/// Whether a commit can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Accepted,
    /// Some are given an earlier one.
    Partly,
    /// There is no earlier one for them.
    Refused,
}

/// Commits to which labels moved.
#[derive(Debug, Clone)]
pub(crate) struct Commits {
    repositories: Arc<Bounded>,
    judged: Counters,
    diagnosed: Counters,
}

impl Default for Commits {
    fn default() -> Self {
        Self {
            repositories: Arc::new(Bounded::to(REPOSITORIES)),
            judged: Counters::of(&COMMITS),
            diagnosed: Counters::of(&DIAGNOSTICS),
        }
    }
}

impl Commits {
    pub(crate) fn judged(&self, repository: &str, verdict: Verdict) {
        let result = match verdict {
            Verdict::Accepted => "accepted",
            Verdict::Partly => "partly",
            Verdict::Refused => "refused",
        };
        let repository = self.repositories.name(repository);
        self.judged.add(&[repository, result], 1);
    }

    /// Something of this kind is wrong in a commit.
    pub(crate) fn diagnosed(&self, code: Code) {
        self.diagnosed.add(&[&code.to_string()], 1);
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.judged.write(page);
        self.diagnosed.write(page);
    }
}
