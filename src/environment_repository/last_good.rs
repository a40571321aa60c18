//! What is in service, on disk: a start answers from it before anybody asks Git, and never goes back behind it.
//!
//! It is a journal. What comes into service is added before readers see it, as what differs from what is there already, so
//! that costs what differs; the disk is waited for aside. Now and then the journal is written anew.

mod journal;
mod restored;

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, Weak},
    time::SystemTime,
};

use confbus_protocol::Label;
use confbus_resolution::Snapshot;
use tracing::{info, warn};

use super::history::History;
use crate::look::{Limits, Modified, Pieces, Version};
use journal::{Journal, Record, Records};
use restored::Restored;

/// Bytes by which a journal outgrows what it holds before it is written anew, besides as much as that.
const SLACK: u64 = 1 << 20;

/// What is in service by the labels that name it.
pub(super) type Labels = Arc<HashMap<Label, Arc<History>>>;

/// The journal of one repository.
#[derive(Debug, Clone)]
pub(super) struct LastGood(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing before the first snapshot, or when the disk refuses.
    book: Option<Book>,
    trouble: Option<String>,
}

/// A journal and what is in it.
#[derive(Debug)]
struct Book {
    journal: Journal,
    /// Bytes after it was written anew.
    fresh: u64,
    /// By address, as long as somebody holds them.
    snapshots: HashMap<usize, (u32, Weak<Snapshot>)>,
    next: u32,
    labels: Labels,
    /// The numbers of their snapshots.
    numbers: HashMap<Label, Vec<u32>>,
    /// The last that was to be added was not.
    is_behind: bool,
}

/// What was in service before the last stop.
#[derive(Debug)]
pub(super) struct Before {
    pub(super) labels: Labels,
    /// When the remote last said that these are right.
    pub(super) confirmed: Option<SystemTime>,
}

impl LastGood {
    /// Uses the file beside a clone; it need not exist.
    pub(super) fn beside(clone: &Path, limits: Limits) -> Self {
        Self(Some(Arc::new(Inner {
            path: clone.with_extension("served"),
            limits,
            state: Mutex::default(),
        })))
    }

    /// For files that are where they were after a restart.
    pub(super) fn nothing() -> Self {
        Self(None)
    }

    /// What was in service; nothing when there is no file or it makes no sense.
    pub(super) fn load(&self) -> Option<Before> {
        let inner = self.0.as_ref()?;
        let (restored, journal) = match Restored::read(&inner.path, inner.limits) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                warn!(%error, "what was in service cannot be read; labels start anew");
                return None;
            }
        };
        let confirmed = journal.file().and_then(|file| file.metadata()?.modified());
        let labels = Arc::new(restored.histories());
        let mut state = inner.state();
        state.book = Some(Book::of(journal, restored, Arc::clone(&labels)));
        Some(Before {
            labels,
            confirmed: confirmed.ok(),
        })
    }

    /// Adds what came into service. A failure costs freshness after a restart, never an answer.
    pub(super) fn note(&self, labels: &Labels) {
        let Some(inner) = &self.0 else { return };
        let mut state = inner.state();
        let noted = match &mut state.book {
            Some(book) => book.note(labels),
            None => Book::create(&inner.path, labels).map(|book| state.book = Some(book)),
        };
        if let Err(error) = noted {
            state.note_trouble(&error);
        }
    }

    /// Waits until all is on disk, and writes the journal anew when it has grown too long. Nobody should wait for this.
    pub(super) fn settle(&self) {
        let Some(inner) = &self.0 else { return };
        match inner.settle() {
            Ok(true) => inner.state().end_trouble(),
            Ok(false) => {}
            Err(error) => inner.state().note_trouble(&error),
        }
    }

    /// Notes that the remote just said that what is in service is right.
    pub(super) fn confirm(&self) {
        let Some(inner) = &self.0 else { return };
        let state = inner.state();
        if let Some(book) = &state.book {
            let file = book.journal.file();
            // Only tells how old it is.
            _ = file.and_then(|file| file.set_modified(SystemTime::now()));
        }
    }

    /// Why what is in service is not on disk.
    pub(super) fn trouble(&self) -> Option<String> {
        self.0.as_ref()?.state().trouble.clone()
    }
}

impl Inner {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether everything is on disk.
    fn settle(&self) -> io::Result<bool> {
        let (file, outgrown, is_behind) = match &self.state().book {
            Some(book) => (book.journal.file()?, book.outgrown(), book.is_behind),
            None => return Ok(false),
        };
        file.sync_data()?;
        if let Some(labels) = outgrown {
            self.write_anew(&labels)?;
        }
        Ok(!is_behind)
    }

    /// What comes into service meanwhile is added in the end.
    fn write_anew(&self, labels: &Labels) -> io::Result<()> {
        let aside = self.path.with_extension("served-new");
        let mut fresh = Book::create(&aside, labels)?;
        fresh.journal.file()?.sync_all()?;
        let mut state = self.state();
        if let Some(book) = &state.book {
            fresh.note(&book.labels)?;
        }
        fs::rename(&aside, &self.path)?;
        state.book = Some(fresh);
        drop(state);
        if let Some(folder) = self.path.parent() {
            fs::File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl State {
    fn note_trouble(&mut self, error: &io::Error) {
        if self.trouble.is_none() {
            warn!(%error, "what is in service is not on disk; a restart would serve what was before");
            self.trouble = Some(error.kind().to_string());
        }
    }

    fn end_trouble(&mut self) {
        if self.trouble.take().is_some() {
            info!("what is in service is on disk again");
        }
    }
}

impl Book {
    fn create(path: &Path, labels: &Labels) -> io::Result<Self> {
        let mut book = Self {
            journal: Journal::create(path)?,
            fresh: 0,
            snapshots: HashMap::new(),
            next: 0,
            labels: Labels::default(),
            numbers: HashMap::new(),
            is_behind: false,
        };
        book.note(labels)?;
        book.fresh = book.journal.length();
        Ok(book)
    }

    fn of(journal: Journal, restored: Restored, labels: Labels) -> Self {
        let numbers = restored.labels.into_iter();
        let numbers: HashMap<_, _> = numbers
            .map(|(label, (_, numbers))| (label, numbers))
            .collect();
        let next = restored.snapshots.keys().max().map_or(0, |last| last + 1);
        let mut snapshots = HashMap::new();
        for number in numbers.values().flatten() {
            let snapshot = &restored.snapshots[number].snapshot;
            snapshots.insert(address(snapshot), (*number, Arc::downgrade(snapshot)));
        }
        Self {
            fresh: journal.length(),
            journal,
            snapshots,
            next,
            labels,
            numbers,
            is_behind: false,
        }
    }

    /// What to write anew, if it is time.
    fn outgrown(&self) -> Option<Labels> {
        let most = self.fresh.saturating_mul(2).saturating_add(SLACK);
        (self.journal.length() > most).then(|| Arc::clone(&self.labels))
    }

    fn note(&mut self, labels: &Labels) -> io::Result<()> {
        let known = Arc::clone(&self.labels);
        let changed: Vec<_> = labels
            .iter()
            .filter(|(label, history)| {
                let before = known.get(*label);
                !before.is_some_and(|before| Arc::ptr_eq(before, history))
            })
            .collect();
        let gone: Vec<_> = known
            .keys()
            .filter(|label| !labels.contains_key(*label))
            .collect();
        if changed.is_empty() && gone.is_empty() {
            return Ok(());
        }
        let mut entry = Entry {
            snapshots: &self.snapshots,
            known: &known,
            added: Vec::new(),
            next: self.next,
        };
        let mut numbers = Vec::new();
        self.is_behind = true;
        self.journal.append(|records| {
            for (label, history) in changed {
                let versions = history
                    .all()
                    .map(|version| entry.number(version, label, records));
                let snapshots: Vec<u32> = versions.collect::<io::Result<_>>()?;
                if self.numbers.get(label) != Some(&snapshots) {
                    records.push(&Record::Label {
                        label: label.as_str().to_owned(),
                        pinned: history.is_pinned(),
                        snapshots: snapshots.clone(),
                    })?;
                    numbers.push((label.clone(), snapshots));
                }
            }
            gone.into_iter().try_for_each(|label| {
                numbers.push((label.clone(), Vec::new()));
                records.push(&Record::Label {
                    label: label.as_str().to_owned(),
                    pinned: false,
                    snapshots: Vec::new(),
                })
            })
        })?;
        self.next = entry.next;
        let added = entry.added;
        self.snapshots
            .retain(|_, (_, snapshot)| snapshot.strong_count() > 0);
        self.snapshots.extend(
            added.into_iter().map(|(snapshot, number)| {
                (address(&snapshot), (number, Arc::downgrade(&snapshot)))
            }),
        );
        self.numbers.extend(numbers);
        self.numbers.retain(|_, snapshots| !snapshots.is_empty());
        self.labels = Arc::clone(labels);
        self.is_behind = false;
        Ok(())
    }
}

/// What is being added to a journal.
struct Entry<'b> {
    snapshots: &'b HashMap<usize, (u32, Weak<Snapshot>)>,
    known: &'b Labels,
    added: Vec<(Arc<Snapshot>, u32)>,
    next: u32,
}

impl Entry<'_> {
    /// The number of a version, which is added if need be.
    fn number(
        &mut self,
        version: &Version,
        label: &Label,
        records: &mut Records<'_>,
    ) -> io::Result<u32> {
        if let Some(number) = self.find(&version.snapshot) {
            return Ok(number);
        }
        let base = self.base(label);
        let number = self.next;
        self.next += 1;
        add(records, number, version, base.as_ref())?;
        self.added.push((Arc::clone(&version.snapshot), number));
        Ok(number)
    }

    fn find(&self, snapshot: &Arc<Snapshot>) -> Option<u32> {
        let mut added = self.added.iter();
        let added = added.find(|(added, _)| Arc::ptr_eq(added, snapshot));
        added.map(|(_, number)| *number).or_else(|| {
            let (number, known) = self.snapshots.get(&address(snapshot))?;
            let known = known.upgrade()?;
            Arc::ptr_eq(&known, snapshot).then_some(*number)
        })
    }

    /// What likely differs little: what was added just now, or what the label, or any, named before.
    fn base(&self, label: &Label) -> Option<(Arc<Snapshot>, u32)> {
        let before = self.known.get(label).or_else(|| self.known.values().next());
        let before = before.map(|before| &before.newest().snapshot);
        let before = before.and_then(|before| Some((Arc::clone(before), self.find(before)?)));
        self.added.last().cloned().or(before)
    }
}

fn add(
    records: &mut Records<'_>,
    number: u32,
    version: &Version,
    base: Option<&(Arc<Snapshot>, u32)>,
) -> io::Result<()> {
    let snapshot = &version.snapshot;
    records.push(&Record::Snapshot {
        number,
        commit: *snapshot.version().as_bytes(),
        time: match version.modified {
            Modified::Together(time) => time,
            Modified::Each(_) => 0,
        },
        has_links: version.has_links,
        base: base.map(|(_, number)| *number),
    })?;
    let mut sink = |files| records.push(&Record::Files(files));
    let mut pieces = Pieces::new(&mut sink);
    match base {
        Some((base, _)) => {
            for change in base.files().changes(snapshot.files()) {
                match change.new {
                    Some(blob) => pieces.file(change.path, blob),
                    None => pieces.without(change.path),
                }
            }
        }
        None => {
            for (path, blob) in snapshot.files().iter() {
                pieces.file(path, blob);
            }
        }
    }
    pieces.end()
}

fn address(snapshot: &Arc<Snapshot>) -> usize {
    Arc::as_ptr(snapshot).addr()
}

#[cfg(test)]
mod tests;
