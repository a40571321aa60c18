//! What the server knows of each instance, and how it knows: its own report, an ack with a read, an ack, a read, nothing.
//!
//! Everyone else tells the [`Ledger`] what happened and never waits: what does not fit into its queue is counted and
//! dropped. The [`Bookkeeper`] is the only writer of the [`Records`]; what they mean is computed when somebody asks.

mod book;
mod coordinates;
mod entry;
mod instance;
mod proof;
mod records;
mod refresh;
mod store;
mod view;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use confbus_protocol::{BusEvent, BusId, CommitId, Report};
use confbus_resolution::EnvironmentRequest;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use book::{Book, Changes};
use entry::Entry;
pub(crate) use entry::{LabelMoved, Read, RefreshId, Started, Step};
pub(crate) use instance::State;
use records::Records;
pub(crate) use store::Settings;
use store::Store;
pub(crate) use view::{InstanceFilter, InstancesView, RefreshView, RefreshesView};

/// Entries that may wait: a note for each of ten thousand coordinates at once, and reads beside them.
const QUEUE: usize = 32 * 1024;
/// Room that reads leave to everything else: there are many of them, and the next one says the same.
const KEPT_FROM_READS: usize = QUEUE / 2;
/// Entries that are taken from the queue at once.
const BATCH: usize = 256;
/// Between two looks at the clock: what is too old is forgotten, what changed is saved.
const TICK: Duration = Duration::from_secs(1);
/// The time between two saves is at least so many times what the last one took.
const REST: u32 = 10;
/// Signs of life alone are not worth a save each second.
const SAVE_SIGNS: Duration = Duration::from_secs(30);

/// The version that a read of these coordinates would be given now; must not wait.
pub(crate) type Wanted = dyn Fn(&EnvironmentRequest) -> Option<String> + Send + Sync;

/// Takes notes, and shows what is known. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ledger {
    entries: mpsc::Sender<Entry>,
    shared: Arc<Shared>,
}

struct Shared {
    known: ArcSwap<Vec<EnvironmentRequest>>,
    wanted: Box<Wanted>,
    dropped: AtomicU64,
}

/// Writes the ledger.
pub(crate) struct Bookkeeper {
    book: Book,
    entries: mpsc::Receiver<Entry>,
    shared: Arc<Shared>,
    store: Store,
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

impl std::fmt::Debug for Bookkeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bookkeeper").finish_non_exhaustive()
    }
}

impl Ledger {
    /// Opens the ledger of the server with this bus id, with what was saved by an earlier one.
    pub(crate) fn open(settings: Settings, own: BusId, wanted: Box<Wanted>) -> (Self, Bookkeeper) {
        let store = Store::new(settings);
        let book = Book::new(own, store.load().unwrap_or_default());
        let (sender, entries) = mpsc::channel(QUEUE);
        let shared = Arc::new(Shared {
            known: ArcSwap::from_pointee(book.known()),
            wanted,
            dropped: AtomicU64::new(0),
        });
        let bookkeeper = Bookkeeper {
            book,
            entries,
            shared: Arc::clone(&shared),
            store,
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
            Step::Published(event) => entry::Noted::Published(event.clone()),
            Step::Failed(reason) => entry::Noted::Failed(reason),
        };
        self.record(Entry::Noted(refresh.clone(), noted));
    }

    /// An event came over the bus: an ack, or a refresh that somebody else asks for.
    pub(crate) fn heard(&self, event: &BusEvent) {
        self.record(Entry::Heard(event.clone()));
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

    /// What is known of instances and readers.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn instances(&self, filter: InstanceFilter) -> Result<InstancesView, Closed> {
        let records = self.records().await?;
        let shared = Arc::clone(&self.shared);
        let view = move || view::instances(&records, &filter, now(), &shared.wanted);
        // Thousands of coordinates may have to be resolved.
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// The refreshes, newest first.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refreshes(&self) -> Result<RefreshesView, Closed> {
        let records = self.records().await?;
        Ok(view::refreshes(&records, now()))
    }

    /// One refresh, if it is known.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refresh(&self, id: &str) -> Result<Option<RefreshView>, Closed> {
        let records = self.records().await?;
        Ok(view::refresh(&records, id, now()))
    }

    /// The records, with everything in them that was recorded before.
    async fn records(&self) -> Result<Records, Closed> {
        let (reply, records) = oneshot::channel();
        let asked = self.entries.send(Entry::Show(reply)).await;
        asked.map_err(|_| Closed)?;
        records.await.map_err(|_| Closed)
    }

    fn record(&self, entry: Entry) {
        if self.entries.try_send(entry).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Bookkeeper {
    /// Writes until `shutdown`, and saves what changed.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut saves = Saves::default();
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                _ = tick.tick() => {
                    self.book.forget(now());
                    self.tell_about_dropped();
                    if saves.is_due(self.book.changes) {
                        self.save(&mut saves).await;
                    }
                }
                count = self.entries.recv_many(&mut batch, BATCH) => match count {
                    0 => break,
                    _ => self.write(&mut batch),
                },
            }
        }
        self.entries.close();
        while self.entries.recv_many(&mut batch, BATCH).await > 0 {
            self.write(&mut batch);
        }
        if self.book.changes != Changes::None {
            self.save(&mut saves).await;
        }
    }

    fn write(&mut self, batch: &mut Vec<Entry>) {
        let now = now();
        for entry in batch.drain(..) {
            self.book.write(entry, now);
        }
        if std::mem::take(&mut self.book.has_new_coordinates) {
            self.shared.known.store(Arc::new(self.book.known()));
        }
    }

    fn tell_about_dropped(&self) {
        let dropped = self.shared.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            debug!(dropped, "more happened than the ledger could take down");
        }
    }

    /// A failure costs memory of the past after a restart, nothing else.
    async fn save(&mut self, saves: &mut Saves) {
        self.book.changes = Changes::None;
        if !self.store.is_kept() {
            return;
        }
        let began = Instant::now();
        let (store, records) = (self.store.clone(), self.book.records().clone());
        let saved = tokio::task::spawn_blocking(move || store.save(records)).await;
        saves.ended(
            began,
            saved.unwrap_or_else(|cause| Err(std::io::Error::other(cause))),
        );
    }
}

/// When the ledger was saved, and how.
#[derive(Debug, Default)]
struct Saves {
    last: Option<Instant>,
    took: Duration,
    is_failing: bool,
}

impl Saves {
    fn is_due(&self, changes: Changes) -> bool {
        let pause = match changes {
            Changes::None => return false,
            Changes::Signs => SAVE_SIGNS,
            Changes::Facts => TICK,
        };
        let pause = pause.max(self.took * REST);
        self.last.is_none_or(|last| last.elapsed() >= pause)
    }

    /// A failure is told once.
    fn ended(&mut self, began: Instant, saved: std::io::Result<()>) {
        self.last = Some(Instant::now());
        self.took = began.elapsed();
        if let Err(error) = &saved
            && !self.is_failing
        {
            warn!(%error, "the ledger cannot be saved; it is kept in memory");
        }
        self.is_failing = saved.is_err();
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
