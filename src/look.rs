//! The vocabulary of a look: what is asked of an upstream, and what is found there.

mod authorship;
mod blobs;
mod pieces;
mod reason;
mod refs;

use std::{collections::HashMap, sync::Arc, time::Duration};

use confbus_protocol::Label;
use confbus_resolution::{RepoPath, Snapshot};
use serde::{Deserialize, Serialize};

pub(crate) use authorship::Authorship;
pub(crate) use blobs::Blobs;
pub(crate) use pieces::{Assembly, File, Pieces};
use reason::reason_of;
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Some stand where symbolic links lead.
    pub(crate) has_links: bool,
    /// That of the commit; nothing for what is none, or was written down before this was.
    pub(crate) authorship: Option<Arc<Authorship>>,
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
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Files in one commit.
    pub(crate) files: usize,
    /// Bytes of one file; a larger one is listed but cannot be read.
    pub(crate) file_bytes: u64,
    /// Bytes of all files of one commit.
    pub(crate) total_bytes: u64,
}

impl Limits {
    /// # Errors
    /// When there are more files than allowed.
    pub(crate) fn check_files(self, files: usize) -> Result<(), LookError> {
        if files <= self.files {
            return Ok(());
        }
        Err(LookError::too_many_files(self.files))
    }

    /// # Errors
    /// When all files together have more bytes than allowed.
    pub(crate) fn check_bytes(self, bytes: u64) -> Result<(), LookError> {
        if bytes <= self.total_bytes {
            return Ok(());
        }
        let message = format!(
            "the files of the commit have more than {} bytes",
            self.total_bytes
        );
        Err(LookError::TooLarge(message))
    }
}

/// Why a look found nothing. No message holds a credential or a path of this machine.
#[derive(Debug, Clone, thiserror::Error, Serialize, Deserialize)]
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
    /// The remote answers, but not fast enough.
    #[error("the remote is too slow: {0}")]
    Slow(String),
    /// It is at the remote, but not here yet.
    #[error("it is still being fetched")]
    NotYet,
    /// A snapshot would be larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The object database is damaged, or a commit is not readable.
    #[error("the repository cannot be read: {0}")]
    Unreadable(String),
    /// This machine's disk refuses.
    #[error("the disk cannot be used: {0}")]
    Disk(String),
    /// No answer within the deadline.
    #[error("no answer within {} s", .0.as_secs())]
    Late(Duration),
    /// Whoever looks for us came to an end, or others did just now.
    #[error("the Git worker ended, and another one is on its way")]
    Ended,
    /// More questions wait than the queue holds.
    #[error("too many looks wait")]
    Busy,
}

impl LookError {
    /// What stood in the way, in one word.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Unreachable(why) => reason_of(why),
            Self::Late(_) | Self::Slow(_) => "timeout",
            Self::Disk(_) => "disk",
            Self::Ended | Self::Busy | Self::NotYet => "worker",
            Self::NoSuchLabel | Self::NoRepository(_) | Self::TooLarge(_) | Self::Unreadable(_) => {
                "protocol"
            }
        }
    }

    pub(crate) fn too_many_files(limit: usize) -> Self {
        Self::TooLarge(format!("the commit has more than {limit} files"))
    }
}
