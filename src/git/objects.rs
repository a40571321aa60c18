use std::{collections::BTreeMap, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::{Blob, BlobId, Files, RepoPath};
use git2::{Odb, Oid, Repository};

use super::{
    links,
    refs::{commit_id, oid},
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
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    /// Where they stand in Git.
    tree: Oid,
    /// Of all that are kept in memory.
    bytes: u64,
    /// Some stand where links lead.
    has_links: bool,
}

/// Reads trees and blobs of one repository.
pub(super) struct Reader<'r> {
    pub(super) odb: Odb<'r>,
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
            let differences = compare(&self.odb, Some(known.shape.tree), tree, most)?;
            // What a link leads to may have changed without it.
            if !differences.touches_links {
                return self.changed(known, tree, differences);
            }
        }
        self.whole(tree)
    }

    fn whole(&mut self, tree: Oid) -> Result<Content, LookError> {
        let found = compare(&self.odb, None, tree, self.limits.files)?;
        let (mut entries, mut bytes) = (BTreeMap::new(), 0);
        for (path, id) in found.files {
            let Some(id) = id else { continue };
            let blob = self.blob(id)?;
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
            let blob = id.map(|id| self.blob(id)).transpose()?;
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

    fn blob(&mut self, id: Oid) -> Result<Arc<Blob>, LookError> {
        let (odb, limits) = (&self.odb, self.limits);
        self.blobs.try_get(blob_id(id), || read(odb, id, limits))
    }
}

fn length(blob: &Blob) -> u64 {
    blob.bytes().map_or(0, |bytes| bytes.len() as u64)
}

fn read(odb: &Odb<'_>, id: Oid, limits: Limits) -> Result<Blob, LookError> {
    let (size, _) = odb.read_header(id).map_err(unreadable)?;
    let size = size as u64;
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
