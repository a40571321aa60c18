use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Blob, BlobId, Files, RepoPath};
use git2::{Odb, Oid, Repository};

use super::{
    links,
    refs::{commit_id, oid},
    sizes::Sizes,
    trees::{Differences, compare, too_many},
};
use crate::look::{Blobs, Limits, LookError, Refs, Target};

/// A commit that is named by its id, full or from seven digits on, and can be reached from a branch or tag.
pub(super) fn reachable_commit(
    repository: &Repository,
    refs: &Refs,
    label: &Label,
) -> Option<Target> {
    if !Refs::may_be_commit(label) {
        return None;
    }
    let text = label.as_str().to_ascii_lowercase();
    let commit = repository.find_commit_by_prefix(&text).ok()?.id();
    if refs.tips().any(|tip| oid(tip) == commit) {
        return Some(Target::Commit(commit_id(commit)));
    }
    let mut walk = repository.revwalk().ok()?;
    refs.tips().try_for_each(|tip| walk.push(oid(tip))).ok()?;
    // What cannot be read ends the walk: it would be met again without end.
    walk.map_while(Result::ok)
        .any(|reached| reached == commit)
        .then(|| Target::Commit(commit_id(commit)))
}

/// A commit as it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Commit {
    /// Seconds since 1970.
    pub(super) time: i64,
    pub(super) tree: Oid,
    pub(super) parent: Option<CommitId>,
}

impl Commit {
    pub(super) fn read(repository: &Repository, commit: CommitId) -> Result<Self, LookError> {
        let commit = repository.find_commit(oid(commit)).map_err(unreadable)?;
        Ok(Self {
            time: commit.time().seconds(),
            tree: commit.tree_id(),
            parent: commit.parent_ids().next().map(commit_id),
        })
    }
}

/// All files of a tree, and what must be known to make those of another tree from them.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) files: Files,
    pub(super) shape: Shape,
}

/// What is known of files beside themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Where they stand in Git.
    pub(super) tree: Oid,
    /// Of all that are kept in memory.
    pub(super) bytes: u64,
    /// Some stand where links lead.
    pub(super) has_links: bool,
}

/// Reads trees and blobs of one repository.
pub(super) struct Reader<'r> {
    pub(super) odb: Odb<'r>,
    /// Folders.
    pub(super) packs: [PathBuf; 2],
    pub(super) limits: Limits,
    pub(super) blobs: &'r mut Blobs,
}

impl Reader<'_> {
    /// All files of a tree; only what differs from the known one is read.
    pub(super) fn content(
        &mut self,
        tree: Oid,
        known: Option<Content>,
    ) -> Result<Content, LookError> {
        if let Some(known) = known
            && !known.shape.has_links
        {
            let most = self.limits.files + known.files.len();
            match compare(&self.odb, Some(known.shape.tree), tree, most) {
                // What a link leads to may have changed without it.
                Ok(differences) if !differences.touches_links => {
                    return self.changed(known, tree, differences);
                }
                // The known one may have been lost, and this one be whole.
                Ok(_) | Err(LookError::Unreadable(_)) => {}
                Err(error) => return Err(error),
            }
        }
        self.whole(tree)
    }

    fn whole(&mut self, tree: Oid) -> Result<Content, LookError> {
        let found = compare(&self.odb, None, tree, self.limits.files)?;
        let (mut entries, mut bytes) = (BTreeMap::new(), 0);
        // Worth it for many files only.
        let mut sizes = Sizes::of(&self.packs);
        for (path, id) in found.files {
            let Some(id) = id else { continue };
            let blob = self.blob(id, |id| sizes.size(id))?;
            bytes += length(&blob);
            self.check_bytes(bytes)?;
            entries.insert(path, blob);
        }
        let has_links = found.touches_links;
        let targets = links::targets(&self.odb, found.links)?;
        links::follow_all(&mut entries, targets, self.limits)?;
        Ok(Content {
            files: entries.into(),
            shape: Shape {
                tree,
                bytes,
                has_links,
            },
        })
    }

    fn changed(
        &mut self,
        known: Content,
        tree: Oid,
        differences: Differences,
    ) -> Result<Content, LookError> {
        let mut bytes = known.shape.bytes;
        let mut changes: Vec<(RepoPath, Option<Arc<Blob>>)> = Vec::new();
        for (path, id) in differences.files {
            let before = known.files.get(path.as_str());
            bytes -= before.map_or(0, |(_, blob)| length(blob));
            let blob = id.map(|id| self.blob(id, |_| None)).transpose()?;
            bytes += blob.as_deref().map_or(0, length);
            changes.push((path, blob));
        }
        self.check_bytes(bytes)?;
        let files = known.files.with(changes);
        if files.len() > self.limits.files {
            return Err(too_many(self.limits.files));
        }
        Ok(Content {
            files,
            shape: Shape {
                tree,
                bytes,
                has_links: false,
            },
        })
    }

    fn check_bytes(&self, bytes: u64) -> Result<(), LookError> {
        if bytes <= self.limits.total_bytes {
            return Ok(());
        }
        Err(LookError::TooLarge(format!(
            "the files of the commit have more than {} bytes",
            self.limits.total_bytes
        )))
    }

    /// A file's content; its size is asked of `size` first.
    fn blob(
        &mut self,
        id: Oid,
        size: impl FnOnce(Oid) -> Option<u64>,
    ) -> Result<Arc<Blob>, LookError> {
        let (odb, limits) = (&self.odb, self.limits);
        self.blobs
            .try_get(blob_id(id), || read(odb, id, size(id), limits))
    }
}

fn length(blob: &Blob) -> u64 {
    blob.bytes().map_or(0, |bytes| bytes.len() as u64)
}

fn read(odb: &Odb<'_>, id: Oid, size: Option<u64>, limits: Limits) -> Result<Blob, LookError> {
    let size = match size {
        Some(size) => size,
        None => odb.read_header(id).map_err(unreadable)?.0 as u64,
    };
    if size > limits.file_bytes {
        return Ok(Blob::too_large(blob_id(id), size));
    }
    let blob = odb.read(id).map_err(unreadable)?;
    Ok(Blob::new(blob_id(id), blob.data()))
}

/// The content address as the pure core names it.
pub(super) fn blob_id(id: Oid) -> BlobId {
    let mut bytes = [0; 20];
    bytes.copy_from_slice(&id.as_bytes()[..20]);
    BlobId(bytes)
}

pub(super) fn unreadable(error: git2::Error) -> LookError {
    LookError::Unreadable(error.message().to_owned())
}

#[cfg(test)]
mod tests {
    use git2::{FileMode, build::TreeUpdateBuilder};

    use super::*;
    use crate::git::mirror::folders_of_packs;

    const LIMITS: Limits = Limits {
        files: 6,
        file_bytes: 100,
        total_bytes: 60,
    };

    /// Files and what stands in them.
    type State<'s> = &'s [(&'s str, &'s str)];

    /// A tree of files; what begins with `->` is a link.
    fn tree(repository: &Repository, files: State<'_>) -> Oid {
        let empty = repository.treebuilder(None).unwrap().write().unwrap();
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            let (text, mode) = match text.strip_prefix("->") {
                Some(target) => (target, FileMode::Link),
                None => (*text, FileMode::Blob),
            };
            update.upsert(*path, repository.blob(text.as_bytes()).unwrap(), mode);
        }
        let empty = repository.find_tree(empty).unwrap();
        update.create_updated(repository, &empty).unwrap()
    }

    fn shown(content: &Content) -> Vec<(String, String)> {
        let files = content.files.iter().map(|(path, blob)| {
            let text = str::from_utf8(blob.bytes().unwrap()).unwrap();
            (path.as_str().to_owned(), text.to_owned())
        });
        files.collect()
    }

    fn content(
        repository: &Repository,
        files: State<'_>,
        known: Option<Content>,
    ) -> Result<Content, LookError> {
        let mut reader = Reader {
            odb: repository.odb().unwrap(),
            packs: folders_of_packs(repository),
            limits: LIMITS,
            blobs: &mut Blobs::default(),
        };
        reader.content(tree(repository, files), known)
    }

    #[test]
    fn what_is_made_of_differences_is_what_is_read_as_a_whole() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let states: [State<'_>; 8] = [
            &[("a.yml", "a"), ("d/x.yml", "x"), ("d.yml", "d")],
            &[("a.yml", "b"), ("d/x.yml", "x"), ("d.yml", "d")],
            &[("a.yml", "b"), ("d", "no folder"), ("d.yml", "d")],
            &[("a.yml/x", "b"), ("d/e/f/x.yml", "x"), ("d0", "d")],
            &[("a", "->d/x.yml"), ("d/x.yml", "x"), ("l", "->d")],
            &[("a", "->d/x.yml"), ("d/x.yml", "y"), ("l", "->d")],
            &[("a", "no link"), ("d/x.yml", "y")],
            &[],
        ];
        for old in states {
            for new in states {
                let known = content(&repository, old, None).unwrap();
                let made = content(&repository, new, Some(known)).unwrap();
                let whole = content(&repository, new, None).unwrap();
                assert_eq!(shown(&made), shown(&whole), "{old:?} {new:?}");
                assert_eq!(made.shape.bytes, whole.shape.bytes, "{old:?} {new:?}");
            }
        }
    }

    #[test]
    fn limits_hold_for_differences_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_bare(folder.path()).unwrap();
        let long = "x".repeat(31);
        let full: [(&str, &str); 6] = ["1", "2", "3", "4", "5", "6"].map(|name| (name, "x"));
        let cases: [(State<'_>, State<'_>); 2] = [
            (&full, &[&full[..], &[("7", "x")]].concat()),
            (
                &[("1", &long)],
                &[("1", &long), ("2", &long[1..]), ("3", "")],
            ),
        ];
        for (good, bad) in cases {
            let known = content(&repository, good, None).unwrap();
            assert!(content(&repository, bad, None).is_err());
            assert!(content(&repository, bad, Some(known)).is_err());
        }
    }
}
