use std::{
    cell::OnceCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use git2::Repository;

use super::{
    lease::Tell,
    mirror::{Disk, Mirror, open_exactly},
    refs::{Peeled, Table},
};
use crate::{
    git::{Location, wire::Assignment},
    look::{Fetch, LookError, Refs},
};
use confbus_protocol::Label;

/// Where commits come from.
#[derive(Debug)]
pub(super) enum Source {
    /// A remote, by way of a clone.
    Mirror(Box<Mirror>),
    /// A repository of this machine; its refs are read at each look.
    Here {
        path: PathBuf,
        has_work_tree: bool,
        peeled: Peeled,
    },
}

impl Source {
    pub(super) fn new(assignment: Assignment) -> Self {
        let here = |path: &PathBuf, has_work_tree| Self::Here {
            path: path.clone(),
            has_work_tree,
            peeled: Peeled::new(),
        };
        match &assignment.address.location {
            Location::Local(path) => here(path, false),
            Location::WorkTree(path) => here(path, true),
            Location::Remote(address) => {
                let address = address.clone();
                Self::Mirror(Box::new(Mirror::found(assignment, address)))
            }
        }
    }

    /// Asks the remote, if there is one; `None` if that was not wanted. Of a first clone it tells how far it is.
    pub(super) fn fetch(
        &mut self,
        fetch: &Fetch,
        labels: &[Label],
        tell: Box<Tell>,
    ) -> Option<Result<(), LookError>> {
        match (fetch, self) {
            (Fetch::No, _) => None,
            (_, Self::Here { .. }) => Some(Ok(())),
            (fetch, Self::Mirror(mirror)) => Some(mirror.fetch(fetch, labels, tell)),
        }
    }

    /// All branches and tags.
    pub(super) fn refs(&mut self) -> Result<Arc<Refs>, LookError> {
        match self {
            Self::Mirror(mirror) => mirror.refs(),
            Self::Here { path, peeled, .. } => {
                let repository = open_here(path)?;
                Ok(Table::read(&repository, peeled)?.refs)
            }
        }
    }

    /// Whether all refs were read in this look.
    pub(super) fn listed(&self) -> bool {
        match self {
            Self::Mirror(mirror) => mirror.listed,
            Self::Here { .. } => true,
        }
    }

    /// Whether something is still at the remote only.
    pub(super) fn is_partial(&self) -> bool {
        match self {
            Self::Mirror(mirror) => mirror.is_partial(),
            Self::Here { .. } => false,
        }
    }

    /// Whether the branch that is checked out is served from files.
    pub(super) fn has_work_tree(&self) -> bool {
        matches!(
            self,
            Self::Here {
                has_work_tree: true,
                ..
            }
        )
    }

    /// The repository, not opened yet.
    pub(super) fn repository(&self) -> Lazy {
        Lazy {
            place: match self {
                Self::Mirror(mirror) => Place::Mirror(mirror.disk().clone()),
                Self::Here { path, .. } => Place::Here(path.clone()),
            },
            repository: OnceCell::new(),
        }
    }
}

/// A repository that is opened when it is needed. It is closed after each look: what libgit2 would keep costs memory,
/// and opening it does not cost much.
pub(super) struct Lazy {
    place: Place,
    repository: OnceCell<Repository>,
}

enum Place {
    Mirror(Disk),
    Here(PathBuf),
}

impl Lazy {
    pub(super) fn get(&self) -> Result<&Repository, LookError> {
        if let Some(repository) = self.repository.get() {
            return Ok(repository);
        }
        let repository = match &self.place {
            Place::Mirror(disk) => disk.open_for_looks()?,
            Place::Here(path) => open_here(path)?,
        };
        Ok(self.repository.get_or_init(|| repository))
    }
}

fn open_here(path: &Path) -> Result<Repository, LookError> {
    open_exactly(path)
        .map_err(|_| LookError::NoRepository("the path is not a Git repository".into()))
}
