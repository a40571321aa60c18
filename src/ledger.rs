//! What the server knows of each instance, and how it knows: its own report, an ack with a read, an ack, a read, nothing.
//!
//! Everyone else tells the [`Ledger`] what happened and never waits: what does not fit into its queue is counted and
//! dropped. The [`Bookkeeper`] is the only writer of the [`Records`](records::Records); what they mean is computed when somebody asks.

mod book;
mod bookkeeper;
mod changes;
mod coordinates;
mod entry;
mod fleet;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod instance;
mod news;
mod pin_step;
mod proof;
mod questions;
mod records;
mod refresh;
mod sentence;
mod sight;
mod standing;
mod state;
mod store;
#[cfg(test)]
mod tests;
mod view;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use confbus_protocol::{BusEvent, BusId, CommitId, Destination, EventKind, Report, Timestamp};
use confbus_resolution::EnvironmentRequest;
use tokio::sync::{Semaphore, mpsc, watch};

use book::Book;
pub(crate) use bookkeeper::Bookkeeper;
pub(crate) use changes::{Becomes, Changes, ChangesView, KeyView};
pub(crate) use entry::{
    Answered, Converged, Current, HeldBack, LabelMoved, Read, RefreshId, Started, Step,
};
use entry::{Entry, Trigger};
use fleet::Fleet;
pub(crate) use news::{News, Tell};
pub(crate) use pin_step::PinStepView;
pub(crate) use refresh::What;
pub use sentence::short;
pub(crate) use sentence::{Column, Goal, Sentence, Totals};
#[cfg(test)]
pub(crate) use sight::Everything;
pub(crate) use sight::Sight;
pub(crate) use standing::Standing;
pub(crate) use state::{Evidence, State};
pub(crate) use store::Settings;
use store::Store;
pub(crate) use view::{
    FleetApplication, FleetFilter, FleetInstance, FleetPart, FleetSummary, FleetView, HistoryEntry,
    HistoryFilter, InstanceFilter, InstanceView, InstancesView, ReaderView, RefreshDetails,
    RefreshView, RefreshesView, Removal, ToldView,
};

/// Entries that may wait: a note for each of ten thousand coordinates at once, and reads beside them.
const QUEUE: usize = 32 * 1024;
/// Room that reads leave to everything else: there are many of them, and the next one says the same.
const KEPT_FROM_READS: usize = QUEUE / 2;
/// What other servers told, and is not taken down yet: messages of up to 64 KiB, and what a server with a large fleet tells at
/// once.
const LEARNT: usize = 128;

/// The version that a read of these coordinates by this instance would be given now; must not wait.
pub(crate) type Wanted = dyn Fn(&EnvironmentRequest, &BusId) -> Version + Send + Sync;

/// What an instance would be given.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) current: Option<Current>,
    /// Set when that is not what the label names.
    pub(crate) held: Option<HeldBack>,
    /// Whoever asks the same is given the same.
    pub(crate) is_for_all: bool,
}

/// Takes notes, and shows what is known. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ledger {
    entries: mpsc::Sender<Entry>,
    shared: Arc<Shared>,
}

struct Shared {
    known: Arc<ArcSwap<Vec<EnvironmentRequest>>>,
    fleet: ArcSwap<Fleet>,
    owed: Vec<Destination>,
    wanted: Box<Wanted>,
    /// Places for what other servers tell.
    learnt: Arc<Semaphore>,
    dropped: AtomicU64,
    published: AtomicU64,
    /// Counts what is worth looking at again.
    moves: watch::Sender<u64>,
}

/// The server is stopping.
#[derive(Debug, thiserror::Error)]
#[error("the server is stopping")]
pub(crate) struct Closed;

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger of the server with this bus id, with what was saved by an earlier one.
    pub(crate) fn open(settings: Settings, own: BusId, wanted: Box<Wanted>) -> (Self, Bookkeeper) {
        let store = Store::new(settings);
        let book = Book::new(own, store.load().unwrap_or_default());
        let (sender, entries) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            known: Arc::new(ArcSwap::from_pointee(book.known())),
            fleet: ArcSwap::from_pointee(book.fleet(now())),
            owed: book.records().owed(),
            wanted,
            learnt: Arc::new(Semaphore::new(LEARNT)),
            dropped: AtomicU64::new(0),
            published: AtomicU64::new(0),
            moves: watch::Sender::new(0),
        });
        let bookkeeper = Bookkeeper {
            counted: book.instances(),
            book,
            entries,
            shared: Arc::clone(&shared),
            store,
            converged: None,
        };
        let ledger = Self {
            entries: sender,
            shared,
        };
        (ledger, bookkeeper)
    }

    /// An environment was answered, or the caller had it already.
    pub(crate) fn read(&self, read: Read) {
        if self.entries.capacity() > KEPT_FROM_READS {
            self.record(Entry::Read(read));
        } else {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// An instance says what became of a version.
    pub(crate) fn reported(&self, report: Report) {
        self.record(Entry::Reported(report));
    }

    /// A refresh begins.
    pub(crate) fn started(&self, started: Started) -> RefreshId {
        let id = RefreshId::random();
        self.record(Entry::Started(id.clone(), started));
        id
    }

    /// A refresh gets on. An event is noted right before the bus takes it, so that nobody's answer comes before it.
    pub(crate) fn note(&self, refresh: &RefreshId, step: Step<'_>) {
        let noted = match step {
            Step::Looked => entry::Noted::Looked,
            Step::Swapped => entry::Noted::Swapped,
            Step::Changes(changes) => entry::Noted::Changes(changes),
            Step::Owed(destinations) => entry::Noted::Owed(destinations.to_vec()),
            Step::Taken(destination) => entry::Noted::Taken(destination.clone()),
            Step::Published(event) => entry::Noted::Published(event.clone()),
            Step::Failed(event, reason) => entry::Noted::Failed(event.clone(), reason),
        };
        let is_event = matches!(noted, entry::Noted::Published(_));
        self.record(Entry::Noted(refresh.clone(), noted));
        if is_event {
            self.shared.published.fetch_add(1, Ordering::Release);
        }
    }

    /// Counts the refresh events so far. Whoever leaves out reads that repeat themselves begins anew when this changes, so
    /// that the read that stands for them comes after the event, as they do.
    pub(crate) fn published(&self) -> u64 {
        self.shared.published.load(Ordering::Acquire)
    }

    /// An event came over the bus: an ack, or a refresh that somebody else asks for.
    pub(crate) fn heard(&self, event: &BusEvent) {
        // The values of an environment change may be secret, and are nothing to take down.
        if matches!(event.kind, EventKind::Refresh | EventKind::Ack { .. }) {
            self.record(Entry::Heard(event.clone()));
            self.shared.published.fetch_add(1, Ordering::Release);
        }
    }

    /// The effective configuration of these coordinates is at `to` what it is at `from`.
    pub(crate) fn unchanged(&self, request: &EnvironmentRequest, from: CommitId, to: CommitId) {
        self.record(Entry::Unchanged {
            request: request.clone(),
            from,
            to,
        });
    }

    /// Whose configuration was asked for. Does not wait.
    pub(crate) fn known(&self) -> Arc<Vec<EnvironmentRequest>> {
        self.shared.known.load_full()
    }

    /// The same as it changes.
    pub(crate) fn coordinates(&self) -> Arc<ArcSwap<Vec<EnvironmentRequest>>> {
        Arc::clone(&self.shared.known)
    }

    /// How many instances an event for this destination may concern, at most. Does not wait.
    pub(crate) fn meant_by(&self, destination: &Destination) -> usize {
        self.shared.fleet.load().meant_by(destination)
    }

    /// A number that changes whenever more than a sign of life was written down.
    pub(crate) fn moves(&self) -> watch::Receiver<u64> {
        self.shared.moves.subscribe()
    }

    /// Who was to be told before the last stop, and was not.
    pub(crate) fn owed(&self) -> &[Destination] {
        &self.shared.owed
    }

    /// Another server told this. It takes no room from what happens here: whether there was any for it.
    #[must_use]
    pub(crate) fn learn(&self, news: News) -> bool {
        let Ok(place) = Arc::clone(&self.shared.learnt).try_acquire_owned() else {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        };
        self.record(Entry::Learnt(Box::new(news), place))
    }

    /// What happened since the start and could not be taken down.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Whether there was room for it.
    fn record(&self, entry: Entry) -> bool {
        let is_taken = self.entries.try_send(entry).is_ok();
        if !is_taken {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        is_taken
    }
}

/// RFC 3339, in UTC.
fn time(milliseconds: i64) -> String {
    Timestamp::from_millis(milliseconds).to_iso()
}

/// Milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
