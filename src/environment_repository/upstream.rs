use std::io;

use tokio::sync::mpsc;

use super::Remembered;
use crate::{
    files::{self, Directories, Watcher},
    git::{self, Git},
    look::{LookError, Query, View},
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

    /// What survives a restart beside it.
    pub(super) fn remembered(&self) -> Remembered {
        match self {
            Self::Git(git) => Remembered::beside(git.mirror()),
            Self::Directories(_) => Remembered::nothing(),
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
