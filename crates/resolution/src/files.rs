use std::{collections::BTreeMap, sync::Arc};

use crate::{Blob, RepoPath};

/// Files under their paths, sorted; never changes, and a copy costs nothing.
#[derive(Debug, Clone, Default)]
pub struct Files {
    entries: Arc<BTreeMap<RepoPath, Arc<Blob>>>,
}

/// What became of the file at a path: what was there, and what is there.
#[derive(Debug, Clone, Copy)]
pub struct FileChange<'f> {
    /// Where.
    pub path: &'f RepoPath,
    /// `None` for a new file.
    pub old: Option<&'f Arc<Blob>>,
    /// `None` for a file that is gone.
    pub new: Option<&'f Arc<Blob>>,
}

impl Files {
    /// The number of files.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The file at a path, whatever the text is.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<(&RepoPath, &Arc<Blob>)> {
        self.entries.get_key_value(path)
    }

    /// All files, sorted by path.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&RepoPath, &Arc<Blob>)> {
        self.entries.iter()
    }

    /// These files with some replaced, added (`Some`) or gone (`None`).
    #[must_use]
    pub fn with(&self, changes: impl IntoIterator<Item = (RepoPath, Option<Arc<Blob>>)>) -> Self {
        let mut entries = BTreeMap::clone(&self.entries);
        for (path, blob) in changes {
            match blob {
                Some(blob) => entries.insert(path, blob),
                None => entries.remove(&path),
            };
        }
        Self {
            entries: Arc::new(entries),
        }
    }

    /// Where the contents differ, sorted by path.
    #[must_use]
    pub fn changes<'f>(&'f self, new: &'f Self) -> Vec<FileChange<'f>> {
        let gone_or_other = self.iter().filter_map(|(path, old)| {
            let new = new.get(path.as_str()).map(|(_, blob)| blob);
            let same = new.is_some_and(|new| new.id() == old.id());
            (!same).then_some(FileChange {
                path,
                old: Some(old),
                new,
            })
        });
        let added = new
            .iter()
            .filter(|(path, _)| self.get(path.as_str()).is_none())
            .map(|(path, new)| FileChange {
                path,
                old: None,
                new: Some(new),
            });
        let mut changes: Vec<_> = gone_or_other.chain(added).collect();
        changes.sort_by_key(|change| change.path);
        changes
    }
}

impl From<BTreeMap<RepoPath, Arc<Blob>>> for Files {
    fn from(entries: BTreeMap<RepoPath, Arc<Blob>>) -> Self {
        Self {
            entries: Arc::new(entries),
        }
    }
}
