use std::{
    collections::HashMap,
    sync::{Arc, Weak},
};

use confbus_protocol::CommitId;
use confbus_resolution::Snapshot;

use crate::look::{Authorship, Blobs, Modified, Version};

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
    authorship: Option<Arc<Authorship>>,
    /// Nobody was asked yet who made the commit.
    is_nameless: bool,
    made: u64,
}

impl Snapshots {
    /// The snapshot of a commit, if somebody holds it. One that was written down before authors were is not known the first
    /// time, so that it is read once more.
    pub(super) fn known(&mut self, commit: CommitId) -> Option<Version> {
        let kept = self.kept.get_mut(&commit)?;
        if std::mem::take(&mut kept.is_nameless) {
            return None;
        }
        Some(Version {
            snapshot: kept.snapshot.upgrade()?,
            modified: Modified::Together(kept.time),
            has_links: kept.has_links,
            authorship: kept.authorship.clone(),
        })
    }

    /// Takes up what somebody else has made of a commit.
    pub(super) fn adopt(&mut self, version: &Version) {
        self.keep(version);
    }

    /// The snapshots that others may be told as the difference to: one that is likely, then those that were made last.
    pub(super) fn bases(&self, likely: Option<Arc<Snapshot>>) -> Vec<Arc<Snapshot>> {
        let likely = likely.filter(|likely| {
            let kept = self.kept.get(&likely.version());
            // Another of the same version is of a work tree.
            let is_it = |kept: &Kept| Weak::ptr_eq(&kept.snapshot, &Arc::downgrade(likely));
            kept.is_some_and(|kept| !kept.has_links && is_it(kept))
        });
        let mut others: Vec<_> = self.kept.values().filter(|kept| !kept.has_links).collect();
        others.sort_by_key(|kept| std::cmp::Reverse(kept.made));
        let others = others.iter().filter_map(|kept| kept.snapshot.upgrade());
        likely.into_iter().chain(others).take(MAX_BASES).collect()
    }

    /// For files that are put together.
    pub(super) fn blobs(&mut self) -> &mut Blobs {
        self.moved = true;
        &mut self.blobs
    }

    /// Keeps in mind what was put together, as long as somebody holds it.
    pub(super) fn keep(&mut self, version: &Version) {
        let Modified::Together(time) = version.modified else {
            return;
        };
        self.made += 1;
        self.moved = true;
        let kept = Kept {
            snapshot: Arc::downgrade(&version.snapshot),
            time,
            has_links: version.has_links,
            authorship: version.authorship.clone(),
            is_nameless: version.authorship.is_none(),
            made: self.made,
        };
        self.kept.insert(version.snapshot.version(), kept);
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

#[cfg(test)]
mod tests {
    use confbus_resolution::Files;

    use super::*;

    #[test]
    fn what_has_no_author_is_read_once_more() {
        let commit = CommitId::from_bytes([7; 20]);
        let mut version = Version {
            snapshot: Arc::new(Snapshot::new(commit, Files::default())),
            modified: Modified::Together(0),
            has_links: false,
            authorship: None,
        };
        let mut snapshots = Snapshots::default();
        snapshots.adopt(&version);
        assert!(snapshots.known(commit).is_none());
        assert!(snapshots.known(commit).is_some(), "once is enough");

        let authorship = Authorship::new("Ana", 1_795_172_491, "Raise the limit");
        version.authorship = Some(Arc::new(authorship));
        snapshots.adopt(&version);
        assert!(snapshots.known(commit).is_some());
    }
}
