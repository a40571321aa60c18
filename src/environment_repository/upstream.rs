use std::{io, path::PathBuf, time::Duration};

use tokio::sync::{mpsc, watch};

use super::last_good::LastGood;
use crate::{
    files::{self, Directories, Watcher},
    git::{self, Cloning, Git},
    look::{LookError, Query, Version, View},
};

/// Where snapshots come from.
#[derive(Debug, Clone)]
pub(super) enum Upstream {
    /// The commits of a Git repository.
    Git(Git),
    /// Directories of this machine.
    Directories(Directories),
}

impl Upstream {
    /// A Git repository.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn git(settings: git::Settings) -> io::Result<Self> {
        Ok(Self::Git(Git::spawn(settings)?))
    }

    /// Directories of this machine.
    pub(super) fn directories(settings: files::Settings) -> Self {
        Self::Directories(Directories::new(settings))
    }

    /// Without credentials.
    pub(super) fn display_uri(&self) -> &str {
        match self {
            Self::Git(git) => git.display_uri(),
            Self::Directories(directories) => directories.display_uri(),
        }
    }

    /// Whether looking at it means asking another machine.
    pub(super) fn is_remote(&self) -> bool {
        match self {
            Self::Git(git) => git.is_remote(),
            Self::Directories(_) => false,
        }
    }

    /// Where its clone is, if there is one.
    pub(super) fn mirror(&self) -> Option<PathBuf> {
        match self {
            Self::Git(git) if git.is_remote() => Some(git.mirror().to_owned()),
            Self::Git(_) | Self::Directories(_) => None,
        }
    }

    /// What of it was in service before the last stop.
    pub(super) fn last_good(&self) -> LastGood {
        match self {
            Self::Git(git) => LastGood::beside(git.mirror(), git.limits()),
            Self::Directories(_) => LastGood::nothing(),
        }
    }

    /// Tells how far its first clone is; `None` where nothing is cloned.
    pub(super) fn cloning(&self) -> Option<watch::Receiver<Option<Cloning>>> {
        match self {
            Self::Git(git) if git.is_remote() => Some(git.cloning()),
            Self::Git(_) | Self::Directories(_) => None,
        }
    }

    /// How long a look may take that is no first clone; `None` where there is no such.
    pub(super) fn patience(&self) -> Option<Duration> {
        match self {
            Self::Git(git) if git.is_remote() => Some(git.patience()),
            Self::Git(_) | Self::Directories(_) => None,
        }
    }

    /// Takes what it needs on this machine for this process.
    ///
    /// # Errors
    /// When another process has it and does not end.
    pub(super) async fn lock(&self) -> io::Result<()> {
        match self {
            Self::Git(git) => git.lock().await,
            Self::Directories(_) => Ok(()),
        }
    }

    /// Takes note of versions that are in service already.
    pub(super) async fn adopt(&self, versions: Vec<Version>) {
        if let Self::Git(git) = self {
            git.adopt(versions).await;
        }
    }

    /// Tells `bell` when files of this machine change; `None` for a remote.
    pub(super) fn watch(&self, bell: mpsc::Sender<()>) -> Option<Watcher> {
        match self {
            Self::Git(git) => git.watch(bell),
            Self::Directories(directories) => directories.watch(bell),
        }
    }

    /// Looks at it.
    ///
    /// # Errors
    /// [`LookError`] when there is nothing to look at, or no answer in time.
    pub(super) async fn look(&self, query: Query) -> Result<View, LookError> {
        match self {
            Self::Git(git) => git.look(query).await,
            Self::Directories(directories) => directories.look(query).await,
        }
    }
}
