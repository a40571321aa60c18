use std::{
    collections::HashMap,
    fs, io,
    path::Path,
    sync::{Arc, Weak},
};

use confbus_protocol::Label;
use confbus_resolution::Snapshot;

use super::{
    Standing,
    journal::{Journal, Record, Records},
    restored::Restored,
};
use crate::{
    environment_repository::{history::History, trail::Trail},
    look::{Modified, Pieces, Version},
};

/// Bytes by which a journal outgrows what it holds before it is written anew, besides as much as that.
const SLACK: u64 = 1 << 20;

/// A journal, and what is in it.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) journal: Journal,
    /// Bytes after it was written anew.
    fresh: u64,
    snapshots: Numbers,
    next: u32,
    known: Standing,
    written: HashMap<Label, Written>,
    floor: u64,
    /// What was to be added last was not.
    is_behind: bool,
}

/// Numbers of snapshots by their addresses, as long as somebody holds them.
type Numbers = HashMap<usize, (u32, Weak<Snapshot>)>;

/// What the journal says of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) generation: u64,
    /// By number, newest first; none when it is not in service.
    pub(super) snapshots: Vec<u32>,
}

impl Book {
    pub(super) fn create(path: &Path, standing: &Standing) -> io::Result<Self> {
        let mut book = Self {
            journal: Journal::create(path)?,
            fresh: 0,
            snapshots: Numbers::new(),
            next: 0,
            known: Standing::default(),
            written: HashMap::new(),
            floor: 0,
            is_behind: false,
        };
        book.begin()?;
        book.note(standing)?;
        book.fresh = book.journal.length();
        Ok(book)
    }

    /// Goes on with one that was read.
    pub(super) fn of(journal: Journal, restored: Restored) -> Self {
        let mut snapshots = Numbers::new();
        let numbers = restored.labels.values();
        for number in numbers.flat_map(|label| &label.written.snapshots) {
            if let Some(version) = restored.snapshots.get(number) {
                let snapshot = &version.snapshot;
                snapshots.insert(address(snapshot), (*number, Arc::downgrade(snapshot)));
            }
        }
        let all = restored.snapshots.len().max(1) as u64;
        let written = restored.labels.into_iter();
        let written = written.map(|(label, saved)| (label, saved.written));
        Self {
            // About what is left of it once it is written anew.
            fresh: journal.length() / all * snapshots.len() as u64,
            journal,
            snapshots,
            next: restored.next,
            known: Standing::default(),
            written: written.collect(),
            floor: restored.floor,
            is_behind: false,
        }
    }

    /// Says in which start of the machine what follows is written.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        let begin = Record::Begin { boot: boot() };
        self.journal.append(|records| records.push(&begin))
    }

    /// Takes the place of another, to which something was added meanwhile.
    pub(super) fn take_over(&mut self, old: &Self) -> io::Result<()> {
        if old.known.number > 0 {
            self.note(&old.known)?;
        }
        if let Some(at) = old.journal.confirmed() {
            self.journal.confirm(at);
        }
        self.is_behind = old.is_behind;
        Ok(())
    }

    /// It could not be written anew; not before it has grown as much once more.
    pub(super) fn put_off(&mut self) {
        self.fresh = self.journal.length();
    }

    /// Whether it lacks what was to be added.
    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    /// What to write anew, if it is time.
    pub(super) fn outgrown(&self) -> Option<Standing> {
        let most = self.fresh.saturating_mul(2).saturating_add(SLACK);
        (self.journal.length() > most).then(|| self.known.clone())
    }

    /// Adds what is other than before.
    pub(super) fn note(&mut self, standing: &Standing) -> io::Result<()> {
        if standing.number < self.known.number {
            return Ok(());
        }
        self.is_behind = true;
        let mut entry = Entry {
            snapshots: &self.snapshots,
            known: &self.known,
            written: &self.written,
            floor: self.floor,
            next: self.next,
            added: Vec::new(),
            news: Vec::new(),
        };
        self.journal
            .append(|records| entry.write(standing, records))?;
        let Entry {
            next, added, news, ..
        } = entry;
        self.next = next;
        self.snapshots
            .retain(|_, (_, snapshot)| snapshot.strong_count() > 0);
        let added = added.into_iter();
        self.snapshots.extend(
            added.map(|(snapshot, number)| {
                (address(&snapshot), (number, Arc::downgrade(&snapshot)))
            }),
        );
        for (label, written) in news {
            match written {
                Some(written) => self.written.insert(label, written),
                None => self.written.remove(&label),
            };
        }
        self.floor = standing.trails.floor();
        self.known = standing.clone();
        self.is_behind = false;
        Ok(())
    }
}

/// What is being added to a journal.
struct Entry<'b> {
    snapshots: &'b Numbers,
    known: &'b Standing,
    written: &'b HashMap<Label, Written>,
    floor: u64,
    next: u32,
    added: Vec<(Arc<Snapshot>, u32)>,
    /// `None` for labels that are forgotten.
    news: Vec<(Label, Option<Written>)>,
}

impl Entry<'_> {
    fn write(&mut self, standing: &Standing, records: &mut Records<'_>) -> io::Result<()> {
        for (label, history) in standing.labels.iter() {
            let before = self.known.labels.get(label);
            if !before.is_some_and(|before| Arc::ptr_eq(before, history)) {
                self.serve(label, history, records)?;
            }
        }
        for (label, trail) in standing.trails.iter() {
            self.say(label, false, trail, Vec::new(), records)?;
        }
        for label in self.written.keys().filter(|label| !standing.knows(label)) {
            self.news.push((label.clone(), None));
            records.push(&Record::Forgotten(label.as_str().to_owned()))?;
        }
        if standing.trails.floor() != self.floor {
            records.push(&Record::Floor(standing.trails.floor()))?;
        }
        Ok(())
    }

    fn serve(
        &mut self,
        label: &Label,
        history: &History,
        records: &mut Records<'_>,
    ) -> io::Result<()> {
        let mut snapshots = Vec::new();
        for version in history.all() {
            snapshots.push(self.number(version, label, records)?);
        }
        let pinned = history.is_pinned();
        self.say(label, pinned, history.whole_trail(), snapshots, records)
    }

    /// Nothing, if it was said before.
    fn say(
        &mut self,
        label: &Label,
        pinned: bool,
        trail: &Trail,
        snapshots: Vec<u32>,
        records: &mut Records<'_>,
    ) -> io::Result<()> {
        let written = Written {
            generation: trail.generation(),
            snapshots,
        };
        if self.written.get(label) == Some(&written) {
            return Ok(());
        }
        records.push(&Record::Label {
            label: label.as_str().to_owned(),
            pinned,
            generation: written.generation,
            served: trail
                .served()
                .iter()
                .map(|commit| *commit.as_bytes())
                .collect(),
            snapshots: written.snapshots.clone(),
        })?;
        self.news.push((label.clone(), Some(written)));
        Ok(())
    }

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

    /// What likely differs little: what the label named before, what was added just now, or what any label named.
    fn base(&self, label: &Label) -> Option<(Arc<Snapshot>, u32)> {
        let labels = &self.known.labels;
        let named = |history: &Arc<History>| {
            let newest = &history.newest().snapshot;
            Some((Arc::clone(newest), self.find(newest)?))
        };
        let its_own = labels.get(label).and_then(named);
        its_own
            .or_else(|| self.added.last().cloned())
            .or_else(|| labels.values().find_map(named))
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
    pieces.end()?;
    match version.authorship.as_deref().cloned() {
        Some(authorship) => records.push(&Record::Authorship { number, authorship }),
        None => Ok(()),
    }
}

fn address(snapshot: &Arc<Snapshot>) -> usize {
    Arc::as_ptr(snapshot).addr()
}

/// Which start of the machine this is; what is written in one is read in it, whatever ends the process.
pub(super) fn boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default()
}
