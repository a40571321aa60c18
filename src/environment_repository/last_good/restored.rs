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
    /// The number of the next snapshot.
    pub(super) next: u32,
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
    /// Reads it to its end, or to where it is damaged. What is beyond the limits of today is left out.
    pub(super) fn read(path: &Path, limits: Limits) -> io::Result<(Self, Journal)> {
        let mut restored = Self::default();
        let (mut coming, mut blobs) = (None, Blobs::default());
        let journal = Journal::open(path, |record| {
            restored.take(record, &mut coming, &mut blobs, limits);
        })?;
        Ok((restored, journal))
    }

    /// Whether something may have been written later that was lost.
    pub(super) fn may_lack(&self, journal: &Journal) -> bool {
        journal.was_cut() || self.boot != boot()
    }

    fn take(
        &mut self,
        record: Record,
        coming: &mut Option<Coming>,
        blobs: &mut Blobs,
        limits: Limits,
    ) {
        if let Record::Files(files) = record {
            let taken = coming
                .as_mut()
                .map(|coming| coming.files.take(files, blobs));
            if let Some(Err(_)) = taken {
                *coming = None;
            }
            return;
        }
        if let Some(complete) = coming.take() {
            self.complete(complete);
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
                self.next = self.next.max(number.saturating_add(1));
                let known = base.map(|base| self.snapshots.get(&base));
                let is_lost = matches!(known, Some(None));
                let base = known.flatten().map(|base| Arc::clone(&base.snapshot));
                *coming = (!is_lost).then(|| Coming {
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
                let saved = Saved {
                    pinned,
                    served: served.into_iter().map(CommitId::from_bytes).collect(),
                    written: Written {
                        generation,
                        snapshots,
                    },
                };
                if let Ok(label) = Label::parse(&label) {
                    self.labels.insert(label, saved);
                }
            }
            Record::Forgotten(label) => {
                if let Ok(label) = Label::parse(&label) {
                    self.labels.remove(&label);
                }
            }
            Record::Floor(floor) => self.floor = floor,
            Record::Authorship { number, authorship } => {
                if let Some(version) = self.snapshots.get_mut(&number) {
                    version.authorship = Some(Arc::new(authorship));
                }
            }
        }
    }

    fn complete(&mut self, coming: Coming) {
        let Ok(files) = coming.files.files(coming.has_links) else {
            return;
        };
        let version = Version {
            snapshot: Arc::new(Snapshot::new(coming.commit, files)),
            modified: Modified::Together(coming.time),
            has_links: coming.has_links,
            authorship: None,
        };
        self.snapshots.insert(coming.number, version);
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
            let versions = numbers.map(|number| self.snapshots.get(number).cloned());
            // Without its newest one a label would go back.
            let versions: Vec<_> = versions.map_while(|version| version).collect();
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
        Standing::new(Arc::new(labels), trails)
    }
}
