//! The vocabulary of a look: what is asked of an upstream, and what is found there.

mod blobs;
mod refs;

use std::{collections::HashMap, sync::Arc, time::Duration};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{RepoPath, Snapshot};
use serde::{Deserialize, Serialize};

pub(crate) use blobs::Blobs;
pub(crate) use refs::{Refs, Target};

/// Why a look happens, and so a refresh; the weakest reason first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Trigger {
    /// Nobody asked for it, or only a read did.
    Poll,
    /// The bus came back.
    Reconnect,
    /// Another member of the bus published a refresh.
    Bus,
    /// Somebody called `busrefresh` here.
    BusRefresh,
    /// Somebody pinned an address or let it go, or the time of a pin was over.
    Pin,
    /// A wave took a step, or brought back what was before.
    Wave,
    /// Files of this machine changed.
    Change,
    /// A webhook's delivery.
    Push,
}

/// What to ask the remote for first; failing that, what is here is looked at.
///
/// What lies on this machine is always looked at as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Nothing: look only at what is here.
    No,
    /// These refs, by full names (`refs/heads/main`) or by texts of labels (`main` is both the branch and the tag);
    /// all others stay as they were known last.
    Refs(Vec<String>),
    /// A listing of all branches and tags, and all that is new.
    All,
}

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// What to ask the remote for first.
    pub(crate) fetch: Fetch,
    /// Labels whose snapshots are wanted.
    pub(crate) labels: Vec<Label>,
    /// Commits that served before and are wanted again.
    pub(crate) commits: Vec<CommitId>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct View {
    /// Whether refs or wanted snapshots differ from those of the look before; if not, `labels` may be empty.
    pub(crate) news: bool,
    /// Whether `refs` was read as a whole in this look.
    pub(crate) listed: bool,
    /// All branches and tags as they are known.
    pub(crate) refs: Arc<Refs>,
    /// For each label that was asked for, in order, what it names.
    pub(crate) labels: Vec<(Label, Result<Version, LookError>)>,
    /// Those of the commits asked for that are still here.
    pub(crate) commits: Vec<Version>,
    /// How the fetch went, if one was asked for; the rest is good all the same.
    pub(crate) fetched: Option<Result<(), LookError>>,
}

/// A snapshot and how old its files are.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// All files of the commit.
    pub(crate) snapshot: Arc<Snapshot>,
    /// When they were changed last.
    pub(crate) modified: Modified,
}

/// When files were changed last, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Modified {
    /// All when the commit was made.
    Together(i64),
    /// Each at its own time.
    Each(Arc<HashMap<RepoPath, i64>>),
}

impl Modified {
    /// When this file was changed last.
    pub(crate) fn of(&self, path: &RepoPath) -> i64 {
        match self {
            Self::Together(seconds) => *seconds,
            Self::Each(seconds) => seconds.get(path).copied().unwrap_or_default(),
        }
    }
}

/// Bounds of one snapshot; more is refused rather than served in part.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Files in one commit.
    pub(crate) files: usize,
    /// Bytes of one file; a larger one is listed but cannot be read.
    pub(crate) file_bytes: u64,
    /// Bytes of all files of one commit.
    pub(crate) total_bytes: u64,
}

/// Why a look found nothing. No message holds a credential or a path of this machine.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum LookError {
    /// The label names nothing.
    #[error("no such branch, tag or commit")]
    NoSuchLabel,
    /// Nothing was ever cloned, or the path is no repository.
    #[error("there is no repository yet: {0}")]
    NoRepository(String),
    /// The remote could not be asked.
    #[error("the remote cannot be reached: {0}")]
    Unreachable(String),
    /// It is at the remote, but not here yet.
    #[error("it is still being fetched")]
    NotYet,
    /// A snapshot would be larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The object database is damaged, or a commit is not readable.
    #[error("the repository cannot be read: {0}")]
    Unreadable(String),
    /// No answer within the deadline.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// More questions wait than the queue holds.
    #[error("too many looks wait")]
    Busy,
}
