use std::{collections::HashMap, io, path::Path, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;

use super::{
    Standing,
    book::{Written, boot},
    journal::{Journal, Record},
};
use crate::{
    environment_repository::{
        history::History,
        trail::{Heard, Trail, Trails},
    },
    look::{Assembly, Blobs, Limits, Modified, Version},
};

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) snapshots: HashMap<u32, Version>,
    pub(super) labels: HashMap<Label, Saved>,
    pub(super) floor: u64,
    /// The start of the machine in which it was written last.
    boot: String,
}

/// What it says of a label.
#[derive(Debug)]
pub(super) struct Saved {
    pinned: bool,
    served: Vec<CommitId>,
    pub(super) written: Written,
}

/// A snapshot whose files are still coming.
#[derive(Debug)]
struct Coming {
    number: u32,
    commit: CommitId,
    time: i64,
    has_links: bool,
    files: Assembly,
}

impl Restored {
    /// Reads as much as makes sense.
    pub(super) fn read(path: &Path, limits: Limits) -> io::Result<(Self, Journal)> {
        let mut restored = Self::default();
        let (mut coming, mut blobs) = (None, Blobs::default());
        let journal = Journal::open(path, |record| {
            restored
                .take(record, &mut coming, &mut blobs, limits)
                .is_some()
        })?;
        Ok((restored, journal))
    }

    /// Whether something may have been written later that was lost.
    pub(super) fn may_lack(&self, journal: &Journal) -> bool {
        journal.was_cut() || self.boot != boot()
    }

    /// Nothing when the record does not follow from those before.
    fn take(
        &mut self,
        record: Record,
        coming: &mut Option<Coming>,
        blobs: &mut Blobs,
        limits: Limits,
    ) -> Option<()> {
        if let Record::Files(files) = record {
            return coming.as_mut()?.files.take(files, blobs).ok();
        }
        if let Some(complete) = coming.take() {
            self.complete(complete)?;
        }
        match record {
            Record::Begin { boot } => self.boot = boot,
            Record::Snapshot {
                number,
                commit,
                time,
                has_links,
                base,
            } => {
                let base = match base {
                    Some(base) => Some(Arc::clone(&self.snapshots.get(&base)?.snapshot)),
                    None => None,
                };
                *coming = Some(Coming {
                    number,
                    commit: CommitId::from_bytes(commit),
                    time,
                    has_links,
                    files: Assembly::new(base, limits),
                });
            }
            Record::Files(_) => {}
            Record::Label {
                label,
                pinned,
                generation,
                served,
                snapshots,
            } => {
                let mut numbers = snapshots.iter();
                let are_here = numbers.all(|number| self.snapshots.contains_key(number));
                are_here.then_some(())?;
                let written = Written {
                    generation,
                    snapshots,
                };
                let saved = Saved {
                    pinned,
                    served: served.into_iter().map(CommitId::from_bytes).collect(),
                    written,
                };
                self.labels.insert(Label::parse(&label).ok()?, saved);
            }
            Record::Forgotten(label) => _ = self.labels.remove(&Label::parse(&label).ok()?),
            Record::Floor(floor) => self.floor = floor,
        }
        Some(())
    }

    fn complete(&mut self, coming: Coming) -> Option<()> {
        let files = coming.files.files(coming.has_links).ok()?;
        let version = Version {
            snapshot: Arc::new(Snapshot::new(coming.commit, files)),
            modified: Modified::Together(coming.time),
            has_links: coming.has_links,
        };
        self.snapshots.insert(coming.number, version);
        Some(())
    }

    /// What was in service. Where something may be lacking, generations go ahead of all that there may have been.
    pub(super) fn standing(&self, may_lack: bool) -> Standing {
        let moving = self.labels.iter().filter(|(_, saved)| !saved.pinned);
        let trails = moving.map(|(label, saved)| {
            let trail = Trail::new(saved.written.generation, saved.served.clone());
            (label.clone(), Arc::new(trail))
        });
        let mut trails = Trails::new(trails.collect(), self.floor);
        if may_lack {
            trails = trails.go_ahead();
        }
        let mut labels = HashMap::new();
        for (label, saved) in &self.labels {
            let numbers = saved.written.snapshots.iter();
            let versions: Vec<_> = numbers
                .map(|number| self.snapshots[number].clone())
                .collect();
            let Some(newest) = versions.first() else {
                continue;
            };
            let commit = newest.snapshot.version();
            let trail = if saved.pinned {
                Trail::of_commit(commit)
            } else {
                trails.resume(label, commit, Heard::Before)
            };
            let history = History::restored(versions, saved.pinned, trail);
            labels.extend(history.map(|history| (label.clone(), Arc::new(history))));
        }
        Standing {
            labels: Arc::new(labels),
            trails,
        }
    }
}
