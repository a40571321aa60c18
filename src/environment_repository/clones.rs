use std::time::Duration;

use super::{EnvironmentRepository, repository::Repository};
use crate::git::Cloning;

/// Tells how far the first clones are.
#[derive(Debug, Clone)]
pub struct Clones(EnvironmentRepository);

/// What has come of the first clones that go on, of all together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClonesProgress {
    /// Bytes so far.
    pub bytes: u64,
    /// Bytes a second so far.
    pub bytes_per_second: u64,
    /// Until the last one is here, if its host has said how much there is.
    pub left: Option<Duration>,
}

impl Clones {
    pub(crate) fn new(repository: EnvironmentRepository) -> Self {
        Self(repository)
    }

    /// `None` when there is none that goes on.
    #[must_use]
    pub fn progress(&self) -> Option<ClonesProgress> {
        let repositories = self.0.repositories();
        let clones = repositories.iter().filter_map(Repository::cloning);
        clones.map(|cloning| of_one(&cloning)).reduce(together)
    }
}

fn of_one(cloning: &Cloning) -> ClonesProgress {
    ClonesProgress {
        bytes: cloning.progress().bytes,
        bytes_per_second: cloning.rate(),
        left: cloning.left(),
    }
}

fn together(one: ClonesProgress, other: ClonesProgress) -> ClonesProgress {
    ClonesProgress {
        bytes: one.bytes + other.bytes,
        bytes_per_second: one.bytes_per_second + other.bytes_per_second,
        left: one.left.zip(other.left).map(|(one, other)| one.max(other)),
    }
}
