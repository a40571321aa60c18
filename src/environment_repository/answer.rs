use bytes::Bytes;
use confbus_protocol::{CommitId, Environment};
use confbus_resolution::{Problem, ResolveError};

/// An answer and the commit it comes from.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) value: T,
    pub(crate) version: CommitId,
    /// Set when this is the last good answer and the label has moved on.
    pub(crate) held: Option<Held>,
}

/// Why an answer is older than its label.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    /// The commit that the label names.
    pub(crate) wanted: CommitId,
    /// What is wrong with it.
    pub(crate) problems: Vec<Problem>,
}

/// A plain file.
#[derive(Debug)]
pub(crate) struct Resource {
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
    /// There is no repository to answer from.
    NoRepository,
    /// Nothing was found, and that is not accepted.
    Empty,
    /// No such plain file.
    NotFound,
    /// Files that the answer needs cannot be used, and no earlier commit has good ones.
    Broken(Vec<Problem>),
    /// The file is larger than what is kept in memory.
    TooLarge,
    /// Git was not asked yet, or did not answer in time.
    Busy,
}

/// What an operator wants to know about the repository.
#[derive(Debug)]
pub(crate) struct RepositoryHealth {
    /// There is something to serve.
    pub(crate) serving: bool,
    /// Names of the sources that an unknown application gets.
    pub(crate) sources: Vec<String>,
    /// Answers may be old, or some are held back.
    pub(crate) degraded: bool,
    /// The repository without credentials.
    pub(crate) repository: String,
    /// The commit that the default label names.
    pub(crate) version: Option<CommitId>,
    /// Since when nobody could tell whether that is still so.
    pub(crate) confirmed_seconds_ago: Option<u64>,
    /// Why not.
    pub(crate) error: Option<String>,
    /// Files that cannot be used, over all labels in service.
    pub(crate) problems: Vec<Problem>,
}

impl From<ResolveError> for FindError {
    fn from(error: ResolveError) -> Self {
        Self::Broken(error.problems().to_vec())
    }
}
