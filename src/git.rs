//! Git: clone, fetch, and from a label to the snapshot of its commit.
//!
//! libgit2 blocks and can hang for ever, so it runs in a worker: a process of its own that is killed when it misses its
//! deadline, or a thread that is left behind where there is no program to start. Here are snapshots and deadlines;
//! everything that knows libgit2 is in `worker`, and `wire` is all that goes between the two.

mod address;
mod cage;
mod claims;
mod cloning;
mod folder;
mod home;
mod refs_news;
mod seen;
mod snapshots;
mod ssh;
mod supervisor;
mod watch;
mod wire;
mod worker;

#[cfg(fuzzing)]
pub(crate) use worker::fuzzing;

#[cfg(test)]
#[path = "../tests/it/support/git_http.rs"]
mod git_http;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    io,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    time::Duration,
};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch as channel};

use crate::{
    files::Watcher,
    look::{Limits, LookError, Query, Version, View},
};
pub(crate) use address::{Address, Location, ssh_host};
use claims::{Claim, Claims};
pub(crate) use cloning::Cloning;
pub use cloning::Megabytes;
use cloning::Watched;
pub(crate) use folder::check as check_folder;
pub(crate) use ssh::{ALGORITHMS, HostKey, KnownHosts, Login, Ssh};
use supervisor::{Command, Supervisor};
pub(crate) use worker::Checkout;

/// A program that runs Git for the server in processes of its own, by a call of [`run_worker`].
#[derive(Debug, Clone)]
pub struct Program {
    /// What is started.
    pub path: PathBuf,
    /// What it is given to know what it is for.
    pub arguments: Vec<OsString>,
}

/// Does Git's work for the server that started this process, and ends it when that server is gone.
///
/// The server's end of the conversation is standard input.
///
/// # Errors
/// When standard input is no such thing.
pub fn run_worker() -> io::Result<()> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    worker::run(stream, end_process)
}

#[expect(
    clippy::exit,
    reason = "libgit2 may hang on another thread, and nobody is there to end it"
)]
fn end_process() {
    std::process::exit(0);
}

/// What all repositories of one server share.
#[derive(Debug, Clone, Default)]
pub(crate) struct Common {
    /// Which directories for clones are in use.
    claims: Claims,
    /// Whose processes do the work; without it, threads of this one.
    program: Option<Program>,
}

impl Common {
    pub(crate) fn new(program: Option<Program>) -> Self {
        Self {
            claims: Claims::default(),
            program,
        }
    }
}

/// One repository and how it is reached.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Where the repository is.
    pub(crate) address: Address,
    /// Directory of the bare clone; it lasts between starts.
    mirror: Claim,
    /// How it is reached.
    pub(crate) reach: Reach,
    program: Option<Program>,
}

/// How repositories are reached, wherever they are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Reach {
    /// Where clones live.
    pub(crate) base_directory: PathBuf,
    /// Login, key and host checks.
    pub(crate) access: Access,
    /// How long the remote may stay silent: connecting, and between two reads.
    pub(crate) timeout: Duration,
    /// How long a whole look at the remote may take, and a first clone without enough coming of it.
    pub(crate) deadline: Duration,
    /// How long a first clone may take whatever comes of it.
    pub(crate) clone_deadline: Duration,
    /// Bounds of one snapshot.
    pub(crate) limits: Limits,
}

impl Settings {
    /// A repository at an address, with its clone below the base directory.
    pub(crate) fn new(address: Address, reach: Reach, common: &Common) -> Self {
        let mirror = reach
            .base_directory
            .join(format!("{}.git", address.directory_name()));
        Self {
            address,
            mirror: common.claims.take(&mirror),
            reach,
            program: common.program.clone(),
        }
    }

    /// Takes the directory of the clone for this process; waits a moment for another one that is about to end.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) async fn lock(&self) -> io::Result<()> {
        self.mirror.lock().await
    }
}

/// How we prove who we are, and how we know the host.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Access {
    /// User of HTTP basic authentication or of ssh; some hosts take a token there.
    #[serde(with = "wire::secret::option")]
    pub(crate) username: Option<SecretString>,
    /// Password or token.
    #[serde(with = "wire::secret::option")]
    pub(crate) password: Option<SecretString>,
    /// PEM text of an ssh key.
    #[serde(with = "wire::secret::option")]
    pub(crate) private_key: Option<SecretString>,
    /// Of the ssh key.
    #[serde(with = "wire::secret::option")]
    pub(crate) passphrase: Option<SecretString>,
    /// How ssh is spoken.
    pub(crate) ssh: Ssh,
    /// Accept any TLS certificate.
    pub(crate) skip_ssl_validation: bool,
}

/// Questions that may wait.
const QUEUE: usize = 64;
/// How much longer than a look may take somebody waits for it: to end a worker that does not answer takes a moment.
const GRACE: Duration = Duration::from_secs(5);
/// Between two looks at whether workers have ended.
const GLANCE: Duration = Duration::from_millis(5);

/// A handle to the thread that asks Git.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    settings: Arc<Settings>,
    commands: mpsc::Sender<Command>,
    /// Held by whoever works for us.
    workers: Weak<()>,
    /// The first clone as long as it goes on.
    cloning: channel::Receiver<Option<Cloning>>,
}

impl Git {
    /// Starts the thread; the worker starts with the first question.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn spawn(settings: Settings) -> io::Result<Self> {
        let settings = Arc::new(settings);
        let (watched, cloning) = Watched::new(settings.address.display_uri.clone());
        let (commands, workers) = Supervisor::spawn(Arc::clone(&settings), watched, QUEUE)?;
        Ok(Self {
            settings,
            commands,
            workers,
            cloning,
        })
    }

    /// The repository without credentials.
    pub(crate) fn display_uri(&self) -> &str {
        &self.settings.address.display_uri
    }

    /// Whether it is cloned, and not read where it is.
    pub(crate) fn is_remote(&self) -> bool {
        matches!(self.settings.address.location, Location::Remote(_))
    }

    /// Directory of the bare clone.
    pub(crate) fn mirror(&self) -> &Path {
        self.settings.mirror.path()
    }

    /// Takes the directory of the clone for this process; waits a moment for another one that is about to end.
    ///
    /// # Errors
    /// When it does not end.
    pub(crate) async fn lock(&self) -> io::Result<()> {
        self.settings.lock().await
    }

    /// Bounds of one snapshot.
    pub(crate) fn limits(&self) -> Limits {
        self.settings.reach.limits
    }

    /// Tells `bell` when files of a local repository change; `None` for a remote.
    pub(crate) fn watch(&self, bell: mpsc::Sender<()>) -> Option<Watcher> {
        watch::watch(&self.settings.address.location, bell)
    }

    /// Takes note of versions that are in service already.
    pub(crate) async fn adopt(&self, versions: Vec<Version>) {
        // What was in a work tree is not what is in the commit under it.
        if let Location::WorkTree(_) = self.settings.address.location {
            return;
        }
        // To know them saves work, and nothing else.
        _ = self.commands.send(Command::Adopt(versions)).await;
    }

    /// Looks at the repository.
    ///
    /// # Errors
    /// [`LookError`] when there is nothing to look at, or no answer in time.
    pub(crate) async fn look(&self, query: Query) -> Result<View, LookError> {
        let deadline = self.settings.reach.deadline;
        let (reply, mut answer) = oneshot::channel();
        let asked = self.commands.try_send(Command::Look { query, reply });
        asked.map_err(|_| LookError::Busy)?;
        loop {
            match tokio::time::timeout(self.patience(), &mut answer).await {
                Ok(Ok(view)) => return view,
                Ok(Err(_)) => return Err(LookError::Ended),
                Err(_) if self.is_cloning() => {}
                Err(_) => return Err(LookError::Late(deadline)),
            }
        }
    }

    /// Ends the work, where this is the last handle, and waits until nobody writes to the clone any more, or a moment.
    pub(crate) async fn end(self) {
        let Self {
            commands, workers, ..
        } = self;
        drop(commands);
        let until = tokio::time::Instant::now() + GRACE;
        while workers.strong_count() > 0 && tokio::time::Instant::now() < until {
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Tells how far the first clone is; `None` when there is none that goes on.
    pub(crate) fn cloning(&self) -> channel::Receiver<Option<Cloning>> {
        self.cloning.clone()
    }

    /// How long a look may take that is no first clone.
    pub(crate) fn patience(&self) -> Duration {
        self.settings.reach.deadline + GRACE
    }

    fn is_cloning(&self) -> bool {
        let within = self.patience();
        let cloning = *self.cloning.borrow();
        cloning.is_some_and(|cloning| cloning.goes_on(within))
    }
}
