use std::{fmt, sync::Arc};

use bytes::Bytes;
use confbus_protocol::{CommitId, Environment};
use confbus_resolution::{EnvironmentRequest, Problem, ResolveError};

use super::Past;
use crate::{
    git::Cloning,
    look::LookError,
    lookups::LookupError,
    pins,
    vault::VaultError,
    waves::{Pause, WaveView},
};

/// An answer and the commits it comes from: one for each label of each repository that has a part in it.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) commits: Vec<CommitId>,
    /// Set when this is not the answer of the commit that the label names.
    pub(crate) held: Option<Held>,
    /// Where its labels have been.
    pub(crate) past: Past,
}

/// Why an answer is older than its label.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The commit that the label names.
    pub(crate) wanted: CommitId,
    pub(crate) because: Because,
}

/// Why another commit answers than the one that the label names.
#[derive(Debug, Clone)]
pub(crate) enum Because {
    /// What is wrong with that one.
    Problems(Vec<Problem>),
    /// Somebody holds the address there.
    Pinned,
    /// That one is on its way, step by step, and not here yet.
    Wave(Pause),
}

/// What a read would be given.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) version: String,
    /// That of its label; nothing with several labels or repositories.
    pub(crate) generation: Option<u64>,
    /// Set when this is not what the label names.
    pub(crate) held: Option<Held>,
}

/// As people are told: the first of the problems, `pinned`, or how far a wave is.
impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Problems(problems) => match problems.first() {
                Some(problem) => problem.fmt(f),
                None => f.write_str("it cannot be used"),
            },
            Self::Pinned => f.write_str("pinned"),
            Self::Wave(pause) => pause.fmt(f),
        }
    }
}

/// A plain file.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Where it lies: in its tree, or below the search location that led to it.
    pub(crate) path: Box<str>,
    pub(crate) bytes: Bytes,
    /// When its commit was made, in seconds since 1970.
    pub(crate) modified: i64,
}

/// A plain file and the environment of the same commit, for its placeholders.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) resource: Resource,
    pub(crate) environment: Environment,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum FindError {
    /// The label names nothing.
    NoSuchLabel,
    /// The label is a full commit id that nobody has.
    NoSuchCommit,
    /// There is no repository to answer from.
    NoRepository,
    /// Nothing was found, and that is not accepted.
    Empty,
    /// No such plain file.
    NotFound,
    /// Files that the answer needs cannot be used, and no earlier commit has good ones.
    Broken(Vec<Problem>),
    /// A search location has a wildcard where none may be.
    Wildcard(String),
    /// The file is larger than what is kept in memory, or the request leads to too much.
    TooLarge,
    /// Nobody was asked yet.
    NotYet,
    /// Git did not answer in time, or not at all.
    Busy,
    /// Somebody holds the address at this commit, which is not here.
    Pinned(CommitId),
    /// The address is still given this commit, which is not at hand yet.
    Staged(CommitId),
    /// A Vault gave no secrets.
    Vault(VaultError),
    /// A store that is looked up gave no answer, and none is kept.
    Lookup(LookupError),
}

impl FindError {
    /// Whether there may be an answer soon, so that no other one may be given in its place.
    pub(super) fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::NotYet | Self::Pinned(_) | Self::Staged(_) | Self::Lookup(LookupError::Busy)
        )
    }
}

impl From<&LookError> for FindError {
    fn from(error: &LookError) -> Self {
        match error {
            LookError::NoSuchLabel => Self::NoSuchLabel,
            LookError::TooLarge(_) => Self::TooLarge,
            LookError::NotYet => Self::NotYet,
            _ => Self::Busy,
        }
    }
}

/// What an operator wants to know about the whole; nothing is fetched for it.
#[derive(Debug)]
pub(crate) struct Health {
    /// There is something to serve.
    pub(crate) serving: bool,
    /// What the probes found.
    pub(crate) probes: Vec<Probe>,
    /// The repositories that are open.
    pub(crate) upstreams: Vec<UpstreamHealth>,
    /// What is held on purpose.
    pub(crate) pins: Arc<pins::List>,
    /// What is on its way, step by step.
    pub(crate) waves: Vec<WaveView>,
}

/// What a probe found.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) request: EnvironmentRequest,
    /// Names of the sources.
    pub(crate) sources: Result<Vec<String>, FindError>,
}

/// What an operator wants to know about one repository.
#[derive(Debug)]
pub(crate) struct UpstreamHealth {
    /// Without credentials.
    pub(crate) repository: String,
    /// The commit that the default label names.
    pub(crate) version: Option<CommitId>,
    /// Since when nobody could tell whether that is still so.
    pub(crate) confirmed_seconds_ago: Option<u64>,
    /// Why not.
    pub(crate) error: Option<String>,
    /// Why a start would serve something older.
    pub(crate) disk_error: Option<String>,
    /// The first clone, as long as it goes on.
    pub(crate) cloning: Option<Cloning>,
    /// Files that cannot be used, over all labels in service.
    pub(crate) problems: Vec<Problem>,
}

impl UpstreamHealth {
    /// Answers may be old, or some are held back.
    pub(crate) fn is_degraded(&self) -> bool {
        self.error.is_some() || self.disk_error.is_some() || !self.problems.is_empty()
    }
}

impl From<VaultError> for FindError {
    fn from(error: VaultError) -> Self {
        Self::Vault(error)
    }
}

impl From<LookupError> for FindError {
    fn from(error: LookupError) -> Self {
        Self::Lookup(error)
    }
}

impl From<ResolveError> for FindError {
    fn from(error: ResolveError) -> Self {
        match error {
            ResolveError::Wildcard { location } => Self::Wildcard(location),
            ResolveError::TooLarge => Self::TooLarge,
            error => Self::Broken(error.problems().to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_takes_the_place_of_what_only_has_to_wait() {
        assert!(FindError::Lookup(LookupError::Busy).may_pass());
        assert!(!FindError::Lookup(LookupError::TooMuch(1)).may_pass());
    }
}
