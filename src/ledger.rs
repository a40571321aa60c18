//! What the server knows of each instance, and how it knows: its own report, an ack with a read, an ack, a read, nothing.
//!
//! Everyone else tells the [`Ledger`] what happened and never waits: what does not fit into its queue is counted and
//! dropped. The [`Bookkeeper`] is the only writer of the [`Records`]; what they mean is computed when somebody asks.

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
mod records;
mod refresh;
mod sentence;
mod sight;
mod standing;
mod state;
mod store;
mod view;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use arc_swap::ArcSwap;
use confbus_protocol::{BusEvent, BusId, CommitId, Destination, EventKind, Report, Timestamp};
use confbus_resolution::EnvironmentRequest;
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

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
use records::Records;
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

    /// What is known of instances and readers, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn instances(
        &self,
        filter: InstanceFilter,
        sight: impl Sight + 'static,
    ) -> Result<InstancesView, Closed> {
        let records = self.records().await?;
        let shared = Arc::clone(&self.shared);
        let view = move || view::instances(&records, &filter, &sight, now(), &shared.wanted);
        // Thousands of coordinates may have to be resolved.
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// How far the fleet is, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn fleet(
        &self,
        filter: FleetFilter,
        sight: impl Sight + 'static,
    ) -> Result<FleetView, Closed> {
        let records = self.records().await?;
        let shared = Arc::clone(&self.shared);
        let view = move || view::fleet(&records, &filter, &sight, now(), &shared.wanted);
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// How many of each address stand where, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn summary(
        &self,
        sight: impl Sight + 'static,
    ) -> Result<FleetSummary, Closed> {
        let records = self.records().await?;
        let shared = Arc::clone(&self.shared);
        let view = move || view::summary(&records, &sight, now(), &shared.wanted);
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// The moves of a label that are remembered, newest first, as far as somebody may see them.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn history(
        &self,
        filter: HistoryFilter,
        sight: impl Sight + 'static,
    ) -> Result<Vec<HistoryEntry>, Closed> {
        let records = self.records().await?;
        let view = move || view::history(&records, &filter, &sight, now());
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// The newest move that is remembered to have taken a key away, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn removal(
        &self,
        filter: &HistoryFilter,
        key: &str,
        sight: &impl Sight,
    ) -> Result<Option<Removal>, Closed> {
        let records = self.records().await?;
        Ok(view::removal(&records, filter, key, sight))
    }

    /// Where the instances stand that ask for something that is meant.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn standings(
        &self,
        is_meant: impl Fn(&EnvironmentRequest) -> bool,
    ) -> Result<Vec<Standing>, Closed> {
        let records = self.records().await?;
        Ok(standing::standings(&records, is_meant, now()))
    }

    /// The refreshes that somebody may see, newest first.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refreshes(
        &self,
        sight: impl Sight + 'static,
    ) -> Result<RefreshesView, Closed> {
        self.newest_refreshes(usize::MAX, sight).await
    }

    /// So many of them.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn newest_refreshes(
        &self,
        most: usize,
        sight: impl Sight + 'static,
    ) -> Result<RefreshesView, Closed> {
        let records = self.records().await?;
        // Thousands of instances may have to be judged.
        let view = move || view::refreshes(&records, most, &sight, now());
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// One refresh with the keys that it changes, if it is known and somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refresh(
        &self,
        id: String,
        sight: impl Sight + 'static,
    ) -> Result<Option<RefreshDetails>, Closed> {
        let records = self.records().await?;
        let view = move || view::refresh(&records, &id, &sight, now());
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// What other servers are told, in parts that are messages each.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn tell(&self, what: Tell) -> Result<Vec<Value>, Closed> {
        let (reply, told) = oneshot::channel();
        let asked = self.entries.send(Entry::Tell(what, reply)).await;
        asked.map_err(|_| Closed)?;
        let told = told.await.map_err(|_| Closed)?;
        let parts = move || told.parts(now());
        tokio::task::spawn_blocking(parts).await.map_err(|_| Closed)
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

    /// The records, with everything in them that was recorded before.
    async fn records(&self) -> Result<Arc<Records>, Closed> {
        let (reply, records) = oneshot::channel();
        let asked = self.entries.send(Entry::Show(reply)).await;
        asked.map_err(|_| Closed)?;
        records.await.map_err(|_| Closed)
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

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use confbus_protocol::{Application, Label, Profiles};
    use confbus_resolution::KeyChange;
    use serde_json::Value;
    use tokio_util::sync::CancellationToken;

    use super::{sight::Everything, *};
    use crate::look::Trigger;

    fn open(file: Option<std::path::PathBuf>) -> (Ledger, Bookkeeper) {
        let own = BusId::new("config-server:8888:5f2b").unwrap();
        let wanted = |_: &EnvironmentRequest, _: &BusId| Version {
            current: Some(Current {
                version: CommitId::from_bytes([2; 20]).to_string(),
                generation: Some(2),
            }),
            held: None,
            is_for_all: true,
        };
        Ledger::open(Settings { file }, own, Box::new(wanted))
    }

    fn read(application: &str) -> Read {
        Read {
            answered: Arc::new(Answered {
                request: EnvironmentRequest {
                    application: Application::parse(application).unwrap(),
                    profiles: Profiles::parse("dev").unwrap(),
                    label: None,
                },
                version: Some(CommitId::from_bytes([1; 20]).to_string()),
                is_environment: true,
            }),
            stands_for_more: false,
            instance: BusId::new(format!("{application}:dev:8081:ab12")).ok(),
            running: Some(CommitId::from_bytes([1; 20]).to_string()),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }

    async fn state(ledger: &Ledger) -> Value {
        let view = ledger
            .instances(InstanceFilter::default(), Everything)
            .await
            .unwrap();
        serde_json::to_value(view).unwrap()["instances"][0]["state"].clone()
    }

    #[tokio::test]
    async fn a_refresh_is_followed_from_start_to_end() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ledger.json");
        let (ledger, bookkeeper) = open(Some(file.clone()));
        let stop = CancellationToken::new();
        let running = tokio::spawn(bookkeeper.run(stop.clone()));

        ledger.read(read("orders"));
        assert_eq!(state(&ledger).await, "told");
        assert_eq!(*ledger.known(), [read("orders").answered.request.clone()]);
        let (from, to) = (CommitId::from_bytes([1; 20]), CommitId::from_bytes([2; 20]));
        let refresh = ledger.started(Started {
            trigger: Trigger::Push,
            labels: vec![LabelMoved {
                repository: "repo".into(),
                label: Label::parse("main").unwrap(),
                from: Some(from),
                to,
                authorship: None,
                generation: 2,
            }],
            pins: Vec::new(),
            origin: "config-server:8888:5f2b".into(),
        });
        ledger.note(&refresh, Step::Looked);
        ledger.note(&refresh, Step::Swapped);
        let mut changes = Changes::default();
        changes.note("orders", &[("limit".to_owned(), KeyChange::Changed)].into());
        ledger.note(&refresh, Step::Changes(changes));
        let origin = BusId::new("config-server:8888:5f2b").unwrap();
        let owed = ["billing", "orders"].map(Destination::complete);
        let event = BusEvent::refresh("e1".into(), 5, &origin, &owed[1]);
        ledger.note(&refresh, Step::Owed(&owed));
        ledger.note(&refresh, Step::Published(&event));
        ledger.note(&refresh, Step::Taken(&owed[1]));
        ledger.heard(&event);
        ledger.unchanged(&read("orders").answered.request, from, to);
        assert_eq!(state(&ledger).await, "same");

        let all = serde_json::to_value(ledger.refreshes(Everything).await.unwrap()).unwrap();
        let view = &all["refreshes"][0];
        assert_eq!(all["refreshes"].as_array().unwrap().len(), 1);
        assert_eq!(view["id"], refresh.to_string());
        assert_eq!(view["trigger"], "push");
        assert_eq!(view["labels"][0]["to"], to.to_string());
        assert_eq!(view["destinations"][0], "orders:**");
        assert_eq!(view["events"][0], "e1");
        assert_eq!(view["told"][0]["instance"], "orders:dev:8081:ab12");
        let timeline = view["timeline"].as_array().unwrap().iter();
        let timeline: Vec<_> = timeline.map(|moment| &moment["what"]).collect();
        assert_eq!(timeline, ["looked", "swapped", "published"]);
        let one = ledger
            .refresh(refresh.to_string(), Everything)
            .await
            .unwrap();
        let mut one = serde_json::to_value(one).unwrap();
        let changes = one.as_object_mut().unwrap().remove("changes").unwrap();
        assert_eq!(&one, view);
        let orders = &changes["applications"][0];
        assert_eq!(orders["keys"][0]["key"], "limit");

        stop.cancel();
        running.await.unwrap();
        assert!(ledger.refreshes(Everything).await.is_err());
        let (again, _bookkeeper) = open(Some(file));
        assert_eq!(*again.known(), [read("orders").answered.request.clone()]);
        assert_eq!(again.owed(), &owed[..1]);
    }

    #[tokio::test]
    async fn values_of_an_environment_change_are_not_taken_down() {
        let (ledger, _bookkeeper) = open(None);
        let origin = BusId::new("config-server:8888:5f2b").unwrap();
        let refresh = BusEvent::refresh("e1".into(), 5, &origin, &Destination::everyone());
        let values = [("password".to_owned(), Some("s3cret".to_owned()))].into();
        let kind = EventKind::EnvironmentChange { values };
        ledger.heard(&BusEvent { kind, ..refresh });
        assert_eq!(ledger.entries.capacity(), QUEUE);
    }

    #[test]
    fn what_others_tell_leaves_room_for_what_happens_here() {
        let (ledger, _bookkeeper) = open(None);
        let learn = || ledger.learn(News::of(&Value::Null).unwrap());
        assert!((0..LEARNT).all(|_| learn()));
        assert!(!learn());
        assert_eq!(ledger.entries.capacity(), QUEUE - LEARNT);
        assert_eq!(ledger.dropped(), 1);
    }

    #[tokio::test]
    async fn others_are_learnt_from_again_when_there_is_room() {
        let (ledger, bookkeeper) = open(None);
        let learn = || ledger.learn(News::of(&Value::Null).unwrap());
        while learn() {}
        let stop = CancellationToken::new();
        let running = tokio::spawn(bookkeeper.run(stop.clone()));
        ledger.records().await.unwrap();
        assert!(learn());
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn reads_leave_room_for_everything_else_and_nobody_waits() {
        let (ledger, mut bookkeeper) = open(None);
        (0..QUEUE).for_each(|_| ledger.read(read("orders")));
        assert_eq!(ledger.entries.capacity(), KEPT_FROM_READS);
        let request = read("orders").answered.request.clone();
        let commit = CommitId::from_bytes([1; 20]);
        (0..QUEUE).for_each(|_| ledger.unchanged(&request, commit, commit));
        assert_eq!(ledger.entries.capacity(), 0);
        assert_eq!(ledger.dropped(), QUEUE as u64);
        assert!(bookkeeper.entries.recv().await.is_some());
    }
}
