use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use confbus_protocol::CommitId;

use crate::{Blob, Files, RepoPath};

/// All files of one commit; never changes.
#[derive(Debug)]
pub struct Snapshot {
    version: CommitId,
    files: Files,
    directories: OnceLock<Vec<String>>,
}

impl Snapshot {
    /// The files of a commit; a symbolic link inside the tree stands under its own path with what it leads to.
    #[must_use]
    pub fn new(version: CommitId, files: impl Into<Files>) -> Self {
        Self {
            version,
            files: files.into(),
            directories: OnceLock::new(),
        }
    }

    /// The commit.
    #[must_use]
    pub fn version(&self) -> CommitId {
        self.version
    }

    /// The file at a path.
    #[must_use]
    pub fn file(&self, path: &RepoPath) -> Option<&Arc<Blob>> {
        self.find(path.as_str()).map(|(_, blob)| blob)
    }

    /// All files.
    #[must_use]
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// The file at a path that may not be one of a file, or not be a path at all.
    pub(crate) fn find(&self, path: &str) -> Option<(&RepoPath, &Arc<Blob>)> {
        self.files.get(path)
    }

    /// All directories with a file somewhere below them, sorted.
    pub(crate) fn directories(&self) -> &[String] {
        self.directories.get_or_init(|| {
            let parents = self.files.iter().flat_map(|(path, _)| {
                let path = path.as_str();
                path.match_indices('/')
                    .map(|(slash, _)| path[..slash].to_owned())
            });
            parents.collect::<BTreeSet<_>>().into_iter().collect()
        })
    }
}

/// What stands before the name of a file: empty, or with a final `/`.
pub(crate) fn directory(path: &str) -> &str {
    path.rfind('/').map_or("", |slash| &path[..=slash])
}
