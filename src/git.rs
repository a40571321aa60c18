//! Git: clone, fetch, and from a label to the snapshot of its commit.
//!
//! libgit2 blocks and can hang for ever, so it runs on a thread of its own behind a bounded channel. Whoever asks
//! waits no longer than a deadline; a thread that misses it is left behind and replaced.

mod address;
mod checkpoint;
mod claims;
mod credentials;
mod durable;
mod intake;
mod links;
mod mirror;
mod objects;
mod options;
mod refs;
mod seen;
mod sizes;
mod smart_http;
mod snapshots;
mod source;
mod trees;
mod watch;
mod work_tree;
mod worker;

#[cfg(test)]
#[path = "../tests/it/support/git_http.rs"]
mod git_http;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::{mpsc, oneshot};
use tracing::{error, warn};

use crate::{
    files::Watcher,
    look::{Limits, LookError, Query, View},
};
pub(crate) use address::{Address, Location};
use claims::Claim;
pub(crate) use claims::Claims;
use worker::{Command, Worker};

/// One repository and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the repository is.
    pub(crate) address: Address,
    /// Directory of the bare clone; it lasts between starts.
    mirror: Claim,
    /// How it is reached.
    pub(crate) reach: Reach,
}

/// How repositories are reached, wherever they are.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    /// Where clones live.
    pub(crate) base_directory: PathBuf,
    /// Login, key and host checks.
    pub(crate) access: Access,
    /// How long the remote may stay silent: connecting, and between two reads.
    pub(crate) timeout: Duration,
    /// How long a whole look at the remote may take, a first clone included.
    pub(crate) deadline: Duration,
    /// Bounds of one snapshot.
    pub(crate) limits: Limits,
}

impl Settings {
    /// A repository at an address, with its clone below the base directory.
    pub(crate) fn new(address: Address, reach: Reach, claims: &Claims) -> Self {
        let mirror = reach
            .base_directory
            .join(format!("{}.git", address.directory_name()));
        Self {
            address,
            mirror: claims.take(&mirror),
            reach,
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
        options::apply(settings.reach.timeout);
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
        &self.inner.settings.address.display_uri
    }

    /// Whether it is cloned, and not read where it is.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.inner.settings.address.location, Location::Remote(_))
    }

    /// Directory of the bare clone.
    pub(crate) fn mirror(&self) -> &Path {
        self.inner.settings.mirror.path()
    }

    /// Tells `bell` when files of a local repository change; `None` for a remote.
    pub(crate) fn watch(&self, bell: mpsc::Sender<()>) -> Option<Watcher> {
        watch::watch(&self.inner.settings.address.location, bell)
    }

    /// Looks at the repository.
    ///
    /// # Errors
    /// [`LookError`] when there is nothing to look at, or the thread does not answer in time.
    pub(crate) async fn look(&self, query: Query) -> Result<View, LookError> {
        let deadline = self.inner.settings.reach.deadline;
        let (reply, answer) = oneshot::channel();
        let commands = self.commands();
        match commands.try_send(Command::Look { query, reply }) {
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
