use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use confbus_protocol::CommitId;
use confbus_resolution::Snapshot;
use git2::Repository;

use super::{
    checkpoint::{Checkpoint, Saved},
    mirror::folders_of_packs,
    objects::{Commit, Content, Reader, Shape, unreadable},
};
use crate::look::{Blobs, Limits, LookError, Modified, Version};

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
    /// What else is known of its files, which the snapshot holds.
    shape: Shape,
    made: u64,
}

impl Snapshots {
    /// For snapshots that are not made of trees alone.
    pub(super) fn blobs(&mut self) -> &mut Blobs {
        self.moved = true;
        &mut self.blobs
    }

    /// The snapshot of a commit, if somebody holds it.
    pub(super) fn known(&self, commit: CommitId) -> Option<Version> {
        let kept = self.kept.get(&commit)?;
        Some(Version {
            snapshot: kept.snapshot.upgrade()?,
            modified: Modified::Together(kept.time),
        })
    }

    /// Makes the snapshot of a commit.
    pub(super) fn make(
        &mut self,
        repository: &Repository,
        id: CommitId,
        limits: Limits,
    ) -> Result<Version, LookError> {
        let commit = Commit::read(repository, id)?;
        let similar = self.similar(&commit);
        let content = Reader {
            odb: repository.odb().map_err(unreadable)?,
            packs: folders_of_packs(repository),
            limits,
            blobs: &mut self.blobs,
        }
        .content(commit.tree, similar)?;
        Ok(Version {
            snapshot: self.keep(id, commit.time, content),
            modified: Modified::Together(commit.time),
        })
    }

    fn keep(&mut self, id: CommitId, time: i64, content: Content) -> Arc<Snapshot> {
        let snapshot = Arc::new(Snapshot::new(id, content.files));
        self.made += 1;
        self.moved = true;
        let kept = Kept {
            snapshot: Arc::downgrade(&snapshot),
            time,
            shape: content.shape,
            made: self.made,
        };
        self.kept.insert(id, kept);
        snapshot
    }

    /// Takes up what an earlier server saved, for as long as somebody holds it.
    pub(super) fn restore(
        &mut self,
        checkpoint: &mut Checkpoint,
        limits: Limits,
    ) -> Option<Arc<Snapshot>> {
        let saved = checkpoint.load(limits, &mut self.blobs)?;
        Some(self.keep(saved.commit, saved.time, saved.content))
    }

    /// Saves what is held of a commit.
    pub(super) fn save(&self, commit: CommitId, checkpoint: &mut Checkpoint) {
        let Some(kept) = self.kept.get(&commit) else {
            return;
        };
        if let Some(snapshot) = kept.snapshot.upgrade() {
            let content = Content {
                files: snapshot.files().clone(),
                shape: kept.shape,
            };
            checkpoint.save(Saved {
                commit,
                time: kept.time,
                content,
            });
        }
    }

    /// The files of the parent, else of what was made last.
    fn similar(&self, commit: &Commit) -> Option<Content> {
        let parent = commit.parent.and_then(|parent| self.kept.get(&parent));
        let content = |kept: &Kept| {
            Some(Content {
                files: kept.snapshot.upgrade()?.files().clone(),
                shape: kept.shape,
            })
        };
        parent.and_then(content).or_else(|| {
            let alive = self.kept.values();
            let alive = alive.filter(|kept| kept.snapshot.strong_count() > 0);
            content(alive.max_by_key(|kept| kept.made)?)
        })
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
