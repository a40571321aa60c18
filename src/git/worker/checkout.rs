//! What lies in a folder of this machine, and the commits of its repository, for a program that ends after one look.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use confbus_protocol::CommitId;
use confbus_resolution::{RepoPath, Snapshot};
use git2::{Oid, Repository};

use super::{
    objects::{Commit, Reader, unreadable},
    options,
    refs::{commit_id, oid},
    work_tree,
};
use crate::look::{Assembly, Blobs, Limits, LookError, Pieces};

/// Nothing is asked of a remote; libgit2 wants a number.
const NO_REMOTE: Duration = Duration::from_secs(5);

/// A folder with files, and its repository if it has one.
pub(crate) struct Checkout {
    root: PathBuf,
    repository: Option<Repository>,
    limits: Limits,
}

impl Checkout {
    /// The folder must be the root of its repository, or belong to none.
    ///
    /// # Errors
    /// With what is wrong with the folder.
    pub(crate) fn open(folder: &Path, limits: Limits) -> Result<Self, LookError> {
        options::apply(NO_REMOTE);
        let none = |text: String| LookError::NoRepository(text);
        let root = folder.canonicalize().ok().filter(|root| root.is_dir());
        let root = root.ok_or_else(|| none(format!("{} is no directory", folder.display())))?;
        let repository = Repository::discover(&root).ok();
        let tree = repository.as_ref().and_then(Repository::workdir);
        let tree = tree.and_then(|tree| tree.canonicalize().ok());
        if tree.as_ref().is_some_and(|tree| *tree != root) {
            return Err(none(
                "the directory is only a part of its repository; check the whole, with search paths in --config"
                    .into(),
            ));
        }
        Ok(Self {
            root,
            repository,
            limits,
        })
    }

    /// The files as they lie there now, but for those that Git ignores.
    ///
    /// # Errors
    /// When they cannot be read, or are too many.
    pub(crate) fn files(&self) -> Result<Snapshot, LookError> {
        let snapshot = self.assembled(CommitId::from_bytes([0; 20]), |pieces| {
            work_tree::send(&self.root, self.limits, &HashMap::new(), pieces)?;
            Ok(false)
        })?;
        let Some(repository) = &self.repository else {
            return Ok(snapshot);
        };
        let index = repository.index().map_err(unreadable)?;
        let is_ignored = |path: &RepoPath| {
            let path = Path::new(path.as_str());
            index.get_path(path, 0).is_none() && repository.is_path_ignored(path).unwrap_or(false)
        };
        let files = snapshot.files().iter();
        let kept: BTreeMap<_, _> = files
            .filter(|(path, _)| !is_ignored(path))
            .map(|(path, blob)| (path.clone(), Arc::clone(blob)))
            .collect();
        Ok(Snapshot::new(snapshot.version(), kept))
    }

    /// The files of a commit, read as a server reads them.
    ///
    /// # Errors
    /// When they cannot be read, or are too many.
    pub(crate) fn commit(&self, id: CommitId) -> Result<Snapshot, LookError> {
        let repository = self.repository()?;
        let commit = Commit::read(repository, id)?;
        let reader = Reader::new(repository, self.limits)?;
        let plan = reader.plan(commit.tree, None)?;
        self.assembled(id, |pieces| Ok(reader.send(plan, pieces)?.has_links))
    }

    /// The commit that a text names: a branch, a tag, an id, `HEAD~1`.
    ///
    /// # Errors
    /// When it names none.
    pub(crate) fn named(&self, text: &str) -> Result<CommitId, LookError> {
        let found = self.repository()?.revparse_single(text);
        let commit = found.and_then(|object| object.peel_to_commit());
        Ok(commit_id(commit.map_err(|_| LookError::NoSuchLabel)?.id()))
    }

    /// The last commit that both have in their history: what came to the other one since is nobody's change here.
    pub(crate) fn common(&self, one: CommitId, other: CommitId) -> Option<CommitId> {
        let repository = self.repository.as_ref()?;
        let base: Oid = repository.merge_base(oid(one), oid(other)).ok()?;
        Some(commit_id(base))
    }

    fn repository(&self) -> Result<&Repository, LookError> {
        let missing = || LookError::NoRepository("the directory is in no Git repository".into());
        self.repository.as_ref().ok_or_else(missing)
    }

    fn assembled(
        &self,
        id: CommitId,
        send: impl FnOnce(&mut Pieces<'_>) -> Result<bool, LookError>,
    ) -> Result<Snapshot, LookError> {
        let mut received = Vec::new();
        let mut sink = |files| {
            received.push(files);
            Ok(())
        };
        let mut pieces = Pieces::new(&mut sink);
        let has_links = send(&mut pieces)?;
        let unreceived = |error: std::io::Error| LookError::Unreadable(error.to_string());
        pieces.end().map_err(unreceived)?;
        let (mut assembly, mut blobs) = (Assembly::new(None, self.limits), Blobs::default());
        for files in received {
            assembly.take(files, &mut blobs)?;
        }
        Ok(Snapshot::new(id, assembly.files(has_links)?))
    }
}
