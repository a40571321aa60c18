//! Git: clone, fetch, and from a label to the snapshot of its commit.
//!
//! libgit2 blocks and can hang for ever, so it runs on a thread of its own behind a bounded channel. Whoever asks
//! waits no longer than a deadline; a thread that misses it is left behind and replaced.

mod credentials;
mod mirror;
mod objects;
mod options;
mod refs;
mod watch;
mod work_tree;
mod worker;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;
use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

pub(crate) use refs::Refs;
pub(crate) use watch::Watcher;
use worker::{Command, Worker};

/// One repository and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the repository is.
    pub(crate) location: Location,
    /// The repository without credentials, for names, logs and health.
    pub(crate) display_uri: String,
    /// Directory of the bare clone; it lasts between starts.
    pub(crate) mirror: PathBuf,
    /// Login, key and host checks.
    pub(crate) access: Access,
    /// How long the remote may stay silent: connecting, and between two reads.
    pub(crate) timeout: Duration,
    /// How long a whole look at the remote may take, a first clone included.
    pub(crate) deadline: Duration,
    /// Bounds of one snapshot.
    pub(crate) limits: Limits,
}

/// Where a repository is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// Cloned into a bare mirror and fetched. The address may hold credentials.
    Remote(String),
    /// Opened where it is; only its commits are served.
    Local(PathBuf),
    /// Opened where it is; the branch that is checked out is served from the files, edits included.
    WorkTree(PathBuf),
}

impl std::fmt::Debug for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remote(_) => f.write_str("Remote(…)"),
            Self::Local(path) => f.debug_tuple("Local").field(path).finish(),
            Self::WorkTree(path) => f.debug_tuple("WorkTree").field(path).finish(),
        }
    }
}

/// How we prove who we are, and how we know the host.
#[derive(Clone, Default)]
pub(crate) struct Access {
    /// User of HTTP basic authentication or of ssh.
    pub(crate) username: Option<String>,
    /// Password or token.
    pub(crate) password: Option<String>,
    /// PEM text of an ssh key.
    pub(crate) private_key: Option<String>,
    /// Of the ssh key.
    pub(crate) passphrase: Option<String>,
    /// Key files that are tried after the agent.
    pub(crate) key_files: Vec<PathBuf>,
    /// Accept any TLS certificate.
    pub(crate) skip_ssl_validation: bool,
    /// Accept any ssh host key.
    pub(crate) accept_any_host_key: bool,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Access").finish_non_exhaustive()
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

/// Whether to ask the remote first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fetch {
    /// Ask the remote; failing that, look at what is here.
    First,
    /// Look only at what is here.
    No,
}

/// What to look for.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    /// Whether to ask the remote first.
    pub(crate) fetch: Fetch,
    /// Labels whose snapshots are wanted.
    pub(crate) labels: Vec<Label>,
    /// Commits that served before and are wanted again.
    pub(crate) commits: Vec<CommitId>,
}

/// What was found.
#[derive(Debug)]
pub(crate) struct View {
    /// All branches and tags at that moment.
    pub(crate) refs: Arc<Refs>,
    /// For each label that was asked for, in order, what it names.
    pub(crate) labels: Vec<(Label, Result<Version, LookError>)>,
    /// Those of the commits asked for that are still here.
    pub(crate) commits: Vec<Version>,
    /// How the fetch went, if one was asked for; the rest is good all the same.
    pub(crate) fetched: Option<Result<(), LookError>>,
}

/// A snapshot and when it was committed.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    /// All files of the commit.
    pub(crate) snapshot: Arc<Snapshot>,
    /// Seconds since 1970.
    pub(crate) committed: i64,
}

/// Why there is no answer from Git. No message holds a credential or a path of this machine.
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
    /// A snapshot would be larger than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The object database is damaged, or a commit is not readable.
    #[error("the repository cannot be read: {0}")]
    Unreadable(String),
    /// No answer within the deadline.
    #[error("Git did not answer within {} s", .0.as_secs())]
    Late(Duration),
    /// More questions wait than the queue holds.
    #[error("Git is busy")]
    Busy,
}

/// Threads that missed their deadline and may still hold memory; with more of them we stop asking.
const MAX_ABANDONED: usize = 4;
/// Questions that may wait for the thread.
const QUEUE: usize = 64;

/// A handle to the thread that speaks libgit2.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    commands: Mutex<mpsc::Sender<Command>>,
    /// Held by every thread that is alive, those that were left behind included.
    threads: Arc<()>,
}

impl Git {
    /// Starts the thread; the repository is opened at the first question.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn spawn(settings: Settings) -> std::io::Result<Self> {
        options::apply(settings.timeout);
        let threads = Arc::new(());
        let commands = Mutex::new(Worker::spawn(
            settings.clone(),
            QUEUE,
            Arc::clone(&threads),
        )?);
        Ok(Self {
            inner: Arc::new(Inner {
                settings,
                commands,
                threads,
            }),
        })
    }

    /// The repository without credentials.
    pub(crate) fn display_uri(&self) -> &str {
        &self.inner.settings.display_uri
    }

    /// Tells `bell` when files of a local repository change; `None` for a remote.
    pub(crate) fn watch(&self, bell: mpsc::Sender<()>) -> Option<Watcher> {
        watch::watch(&self.inner.settings.location, bell)
    }

    /// Looks at the repository.
    ///
    /// # Errors
    /// [`LookError`] when there is nothing to look at, or the thread does not answer in time.
    pub(crate) async fn look(&self, query: Query) -> Result<View, LookError> {
        let deadline = self.inner.settings.deadline;
        let (reply, answer) = oneshot::channel();
        let commands = self.commands();
        match commands.try_send(Command { query, reply }) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(_)) => return Err(LookError::Busy),
            Err(mpsc::error::TrySendError::Closed(_)) => {
                self.replace(&commands, "ended");
                return Err(LookError::Busy);
            }
        }
        match tokio::time::timeout(deadline, answer).await {
            Ok(Ok(view)) => view,
            Ok(Err(_)) => Err(LookError::Busy),
            Err(_) => {
                self.replace(&commands, "missed its deadline");
                Err(LookError::Late(deadline))
            }
        }
    }

    fn commands(&self) -> mpsc::Sender<Command> {
        self.inner
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Leaves the thread behind and starts another, unless somebody else already did.
    fn replace(&self, late: &mpsc::Sender<Command>, what: &str) {
        let mut commands = self
            .inner
            .commands
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if !commands.same_channel(late) {
            return;
        }
        // Ourselves not counted.
        let alive = Arc::strong_count(&self.inner.threads) - 1;
        if alive > MAX_ABANDONED {
            error!(
                threads = alive,
                "the Git thread {what}, and no further one is started; reads go on from memory"
            );
            return;
        }
        match Worker::spawn(
            self.inner.settings.clone(),
            QUEUE,
            Arc::clone(&self.inner.threads),
        ) {
            Ok(fresh) => {
                warn!(
                    threads = alive + 1,
                    "the Git thread {what} and was replaced"
                );
                *commands = fresh;
            }
            Err(cause) => error!(error = %cause, "no new Git thread could be started"),
        }
    }
}
