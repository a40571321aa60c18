use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use confbus_protocol::CommitId;
use confbus_resolution::{Blob, BlobId, Files, RepoPath, Snapshot};

use super::wire::{Content, End, File, Id};
use crate::look::{Blobs, Limits, LookError, Modified, Version};

/// Commits that a worker is told we have, so that it answers with a difference.
const MAX_BASES: usize = 64;

/// Snapshots that somebody still holds; each new one shares with another what does not differ.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    blobs: Blobs,
    kept: HashMap<CommitId, Kept>,
    /// Snapshots that were ever made.
    made: u64,
    /// Contents came or went since the unused ones were dropped.
    moved: bool,
}

#[derive(Debug)]
struct Kept {
    snapshot: Weak<Snapshot>,
    /// Of the commit, in seconds since 1970.
    time: i64,
    has_links: bool,
    made: u64,
}

impl Snapshots {
    /// The snapshot of a commit, if somebody holds it.
    pub(super) fn known(&self, commit: CommitId) -> Option<Version> {
        let kept = self.kept.get(&commit)?;
        Some(Version {
            snapshot: kept.snapshot.upgrade()?,
            modified: Modified::Together(kept.time),
            has_links: kept.has_links,
        })
    }

    /// Takes up what somebody else has made of a commit.
    pub(super) fn adopt(&mut self, version: &Version) {
        if let Modified::Together(time) = version.modified {
            self.keep(&version.snapshot, time, version.has_links);
        }
    }

    /// The snapshots that others may be told as the difference to: one that is likely, then those that were made last.
    pub(super) fn bases(&self, likely: Option<Arc<Snapshot>>) -> Vec<Arc<Snapshot>> {
        let likely = likely.filter(|likely| {
            let kept = self.kept.get(&likely.version());
            kept.is_some_and(|kept| !kept.has_links)
        });
        let mut others: Vec<_> = self.kept.values().filter(|kept| !kept.has_links).collect();
        others.sort_by_key(|kept| std::cmp::Reverse(kept.made));
        let others = others.iter().filter_map(|kept| kept.snapshot.upgrade());
        likely.into_iter().chain(others).take(MAX_BASES).collect()
    }

    /// Begins to put together the files of a commit.
    pub(super) fn begin(&mut self, base: Option<Arc<Snapshot>>) -> Assembly<'_> {
        self.moved = true;
        Assembly {
            blobs: &mut self.blobs,
            base,
            changes: Vec::new(),
            again: HashMap::new(),
        }
    }

    /// Keeps in mind what was put together, as long as somebody holds it.
    pub(super) fn keep(&mut self, snapshot: &Arc<Snapshot>, time: i64, has_links: bool) {
        self.made += 1;
        self.moved = true;
        let kept = Kept {
            snapshot: Arc::downgrade(snapshot),
            time,
            has_links,
            made: self.made,
        };
        self.kept.insert(snapshot.version(), kept);
    }

    /// Drops what nobody holds any more.
    pub(super) fn forget_unused(&mut self) {
        let before = self.kept.len();
        self.kept.retain(|_, kept| kept.snapshot.strong_count() > 0);
        if self.moved || self.kept.len() < before {
            self.moved = false;
            self.blobs.forget_unused();
        }
    }
}

/// Files that come a few at a time.
pub(super) struct Assembly<'s> {
    blobs: &'s mut Blobs,
    base: Option<Arc<Snapshot>>,
    changes: Vec<(RepoPath, Option<Arc<Blob>>)>,
    /// Contents that came already.
    again: HashMap<Id, Arc<Blob>>,
}

impl Assembly<'_> {
    /// Takes the next files.
    pub(super) fn take(&mut self, files: Vec<File>, limits: Limits) -> Result<(), LookError> {
        for File { path, content } in files {
            let path = RepoPath::parse(&path).ok_or_else(damaged)?;
            let blob = content.map(|content| self.blob(content)).transpose()?;
            self.changes.push((path, blob));
        }
        // Twice as many may differ as there may be.
        limits.check_files(self.changes.len() / 2)
    }

    fn blob(&mut self, content: Content) -> Result<Arc<Blob>, LookError> {
        let (id, blob) = match content {
            Content::Bytes(id, bytes) => {
                let make = || Blob::new(BlobId(id), bytes);
                (id, self.blobs.get(BlobId(id), make))
            }
            Content::TooLarge(id, size) => {
                let make = || Blob::too_large(BlobId(id), size);
                (id, self.blobs.get(BlobId(id), make))
            }
            Content::Again(id) => return self.again.get(&id).cloned().ok_or_else(damaged),
        };
        self.again.insert(id, Arc::clone(&blob));
        Ok(blob)
    }

    /// All files, within the limits.
    pub(super) fn files(self, end: End, limits: Limits) -> Result<Files, LookError> {
        let files = match &self.base {
            Some(base) => base.files().with(self.changes),
            None => self
                .changes
                .into_iter()
                .filter_map(|(path, blob)| Some((path, blob?)))
                .collect(),
        };
        limits.check_files(files.len())?;
        // What stands where links lead is there once.
        if !end.has_links {
            limits.check_bytes(files.iter().map(|(_, blob)| length(blob)).sum())?;
        }
        Ok(files)
    }
}

fn length(blob: &Blob) -> u64 {
    blob.bytes().map_or(0, |bytes| bytes.len() as u64)
}

fn damaged() -> LookError {
    LookError::Unreadable("what the worker answered makes no sense".into())
}
