use std::{collections::HashMap, path::Path, sync::Arc};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;

use super::journal::{Journal, Record};
use crate::{
    environment_repository::history::History,
    look::{Assembly, Blobs, Limits, Modified, Version},
};

/// What a journal holds.
#[derive(Debug, Default)]
pub(super) struct Restored {
    pub(super) snapshots: HashMap<u32, Version>,
    pub(super) labels: HashMap<Label, (bool, Vec<u32>)>,
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
    pub(super) fn read(path: &Path, limits: Limits) -> std::io::Result<(Self, Journal)> {
        let mut restored = Self::default();
        let (mut coming, mut blobs) = (None, Blobs::default());
        let journal = Journal::open(path, |record| {
            restored
                .take(record, &mut coming, &mut blobs, limits)
                .is_some()
        })?;
        Ok((restored, journal))
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
            Record::Label {
                label,
                pinned,
                snapshots,
            } => {
                let label = Label::parse(&label).ok()?;
                let are_here = snapshots
                    .iter()
                    .all(|number| self.snapshots.contains_key(number));
                are_here.then_some(())?;
                if snapshots.is_empty() {
                    self.labels.remove(&label);
                } else {
                    self.labels.insert(label, (pinned, snapshots));
                }
            }
            Record::Files(_) => {}
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

    /// What was in service.
    pub(super) fn histories(&self) -> HashMap<Label, Arc<History>> {
        let histories = self.labels.iter().filter_map(|(label, (pinned, numbers))| {
            let versions = numbers.iter().map(|number| self.snapshots[number].clone());
            let history = History::restored(versions.collect(), *pinned)?;
            Some((label.clone(), Arc::new(history)))
        });
        histories.collect()
    }
}
