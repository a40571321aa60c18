//! A commit moved, or somebody says so: look, swap, work out who is concerned, publish.
//!
//! An event is published only after its snapshot is in service. Looks are shared by all who wait for one, and
//! what they found is announced once.

mod destinations;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use confbus_bus::{Bus, Message, Signal, Status, Subscription};
use confbus_protocol::{
    Action, BusEvent, CommitId, Destination, EventKind, Member, Reactions, react,
};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use indexmap::IndexMap;
use tokio::{
    sync::{mpsc, oneshot},
    time::MissedTickBehavior,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    environment_repository::{Announce, EnvironmentRepository},
    webhook::Pushed,
};

/// Whom to tell.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Who is told after a push.
    pub(crate) destinations: Destinations,
    /// Look again when others on the bus say so.
    pub(crate) listens: bool,
    /// Answer events that are for us with an ack, as Spring's config server does.
    pub(crate) ack: bool,
    /// Whom acks are addressed to.
    pub(crate) ack_destination: Destination,
}

/// Who is told after a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destinations {
    /// Those whose configuration files say something else than before.
    Changed,
    /// Those whose names Spring's config monitor would guess from the paths that the webhook names.
    Guess,
}

/// The event could not be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefreshError {
    /// The bus did not take it.
    #[error("the event could not be published: {0}")]
    Bus(String),
}

enum Request {
    Push(Pushed),
    Destination {
        destination: Destination,
        reply: Reply,
    },
    ChangeEnvironment {
        destination: Destination,
        values: IndexMap<String, String>,
        reply: Reply,
    },
}

type Reply = oneshot::Sender<Result<(), RefreshError>>;

/// How long a refresh for one destination waits for the remote before the event goes out anyway.
const WAIT_FOR_LOOK: Duration = Duration::from_secs(10);
/// How often events that the bus did not take are made up for.
const RETRY: Duration = Duration::from_secs(5);
/// An editor or a commit changes several files at once.
const SETTLE: Duration = Duration::from_millis(20);
/// Requests that may wait; a webhook beyond it changes nothing that the ones before it do not find.
const QUEUE: usize = 64;

/// Asks for a refresh.
#[derive(Debug, Clone)]
pub(crate) struct Refresh {
    requests: mpsc::Sender<Request>,
}

impl Refresh {
    /// A push arrived: look, swap, tell those concerned. Returns at once.
    pub(crate) fn push_arrived(&self, pushed: Pushed) {
        if self.requests.try_send(Request::Push(pushed)).is_err() {
            debug!("a push joins those that wait");
        }
    }

    /// Looks, swaps, and then tells whoever matches `destination` to look again, changed or not.
    ///
    /// # Errors
    /// [`RefreshError`] when the bus does not take the event, or too many wait.
    pub(crate) async fn destination(&self, destination: Destination) -> Result<(), RefreshError> {
        self.ask(|reply| Request::Destination { destination, reply })
            .await
    }

    /// Tells whoever matches `destination` to set these properties. This server sets nothing.
    ///
    /// # Errors
    /// [`RefreshError`] as above.
    pub(crate) async fn change_environment(
        &self,
        destination: Destination,
        values: IndexMap<String, String>,
    ) -> Result<(), RefreshError> {
        let request = |reply| Request::ChangeEnvironment {
            destination,
            values,
            reply,
        };
        self.ask(request).await
    }

    async fn ask(&self, request: impl FnOnce(Reply) -> Request) -> Result<(), RefreshError> {
        let (reply, done) = oneshot::channel();
        let stopping = || RefreshError::Bus("the server is stopping".into());
        self.requests
            .try_send(request(reply))
            .map_err(|error| match error {
                mpsc::error::TrySendError::Full(_) => {
                    RefreshError::Bus("too many refreshes wait".into())
                }
                mpsc::error::TrySendError::Closed(_) => stopping(),
            })?;
        done.await.map_err(|_| stopping())?
    }
}

/// Carries refreshes out.
pub(crate) struct Refresher {
    shared: Arc<Shared>,
    requests: mpsc::Receiver<Request>,
    bell: mpsc::Receiver<()>,
    signals: Subscription,
}

struct Shared {
    settings: Settings,
    repository: EnvironmentRepository,
    bus: Bus,
    member: Member,
    /// An event could not be published: everyone is told when the bus is back.
    missed: AtomicBool,
    /// How many connections of the bus were seen.
    connections: AtomicU64,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher").finish_non_exhaustive()
    }
}

impl Refresher {
    /// A refresher that is also told by `bell` that a local repository changed.
    pub(crate) fn new(
        settings: Settings,
        repository: EnvironmentRepository,
        bus: Bus,
        member: Member,
        bell: mpsc::Receiver<()>,
    ) -> (Refresh, Self) {
        let (sender, requests) = mpsc::channel(QUEUE);
        // Before the bus is there, so that its first signal is not missed.
        let signals = bus.subscribe();
        let shared = Arc::new(Shared {
            settings,
            repository,
            bus,
            member,
            missed: AtomicBool::new(false),
            connections: AtomicU64::new(0),
        });
        let refresher = Self {
            shared,
            requests,
            bell,
            signals,
        };
        (Refresh { requests: sender }, refresher)
    }

    /// Works until `shutdown`: looks whenever there is a reason to, and tells who is concerned.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let shared = Arc::clone(&self.shared);
        let mut work: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        let mut retry = tokio::time::interval(RETRY);
        retry.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Looks are shared, so a full house finds whatever more of them would find.
            let has_room = work.len() < QUEUE;
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(()) = work.next() => {}
                () = shared.repository.unannounced().wait() => work.push(Box::pin(shared.tell_moved())),
                Some(request) = self.requests.recv(), if has_room => work.push(Box::pin(shared.carry_out(request))),
                Some(()) = self.bell.recv(), if has_room => work.push(Box::pin(shared.local_change())),
                Some(signal) = self.signals.next(), if has_room => match signal {
                    Signal::LookAgain => work.push(Box::pin(shared.look_again())),
                    Signal::Message(message) => work.push(Box::pin(shared.heard(message))),
                },
                _ = retry.tick(), if has_room => work.push(Box::pin(shared.tell_missed())),
            }
        }
    }
}

impl Shared {
    /// An editor or a commit changes several files at once.
    async fn local_change(&self) {
        tokio::time::sleep(SETTLE).await;
        self.look().await;
    }

    /// What moves is announced by whoever hears of it first; what is wrong with the repository, it says itself.
    async fn look(&self) {
        _ = self.repository.look(Announce::Yes).await;
    }

    async fn carry_out(&self, request: Request) {
        match request {
            Request::Push(pushed) => self.push(pushed).await,
            Request::Destination { destination, reply } => {
                let looked =
                    tokio::time::timeout(WAIT_FOR_LOOK, self.repository.look(Announce::No)).await;
                if !matches!(looked, Ok(Ok(()))) {
                    info!(%destination, "the repository could not be looked at; the event goes out all the same");
                }
                // Whoever asked may have gone.
                _ = reply.send(self.refresh(&destination).await);
            }
            Request::ChangeEnvironment {
                destination,
                values,
                reply,
            } => {
                info!(%destination, keys = values.len(), "environment change event");
                let values = values.into_iter().map(|(key, value)| (key, Some(value)));
                let change = EventKind::EnvironmentChange {
                    values: values.collect(),
                };
                _ = reply.send(self.say(&destination, change).await);
            }
        }
    }

    /// Tells a destination to look again, whether anything changed or not.
    async fn refresh(&self, destination: &Destination) -> Result<(), RefreshError> {
        // Before the event: what moves after it, everyone is to be told again.
        if *destination == Destination::everyone() {
            _ = self.repository.unannounced().take();
        }
        let published = self.publish(destination, None).await;
        if published.is_err() {
            self.missed.store(true, Ordering::Relaxed);
        }
        published
    }

    async fn push(&self, pushed: Pushed) {
        if self.settings.destinations == Destinations::Changed {
            return self.look().await;
        }
        _ = self.repository.look(Announce::No).await;
        if pushed
            .reference
            .as_deref()
            .is_none_or(|reference| self.repository.serves(reference))
        {
            _ = self.repository.unannounced().take();
            for name in &pushed.guessed {
                self.tell(&Destination::complete(name), None).await;
            }
        }
    }

    /// Publishes for every label that moved since the last time.
    async fn tell_moved(&self) {
        let moved = self.repository.unannounced().take();
        let commit = destinations::common_commit(&moved);
        for destination in destinations::concerned(&moved) {
            self.tell(&destination, commit).await;
        }
    }

    /// Makes up for events that the bus did not take.
    async fn tell_missed(&self) {
        let is_there = !matches!(self.bus.status(), Status::Disconnected { .. });
        if is_there && self.missed.swap(false, Ordering::Relaxed) {
            self.tell(&Destination::everyone(), None).await;
        }
    }

    async fn tell(&self, destination: &Destination, commit: Option<CommitId>) {
        if let Err(error) = self.publish(destination, commit).await {
            self.missed.store(true, Ordering::Relaxed);
            warn!(%destination, %error, "clients hear of this when the bus takes events again");
        }
    }

    /// `commit` tells a client that runs it already that it need not ask.
    async fn publish(
        &self,
        destination: &Destination,
        commit: Option<CommitId>,
    ) -> Result<(), RefreshError> {
        let event = BusEvent::refresh(new_id(), now(), &self.member.id, destination);
        let commit = commit.map(|commit| commit.to_string());
        info!(event.id = event.id, %destination, version = commit, "refresh event");
        self.send(Message { event, commit }).await
    }

    async fn send(&self, message: Message) -> Result<(), RefreshError> {
        let published = self.bus.publish(&message).await;
        published.map_err(|error| RefreshError::Bus(error.to_string()))
    }

    /// Events may have been lost: look, because one of them may have been for us. After a gap in the connection
    /// everyone may have lost some, so everyone is told to do the same.
    async fn look_again(&self) {
        let Status::Connected { reconnects } = self.bus.status() else {
            return self.look().await;
        };
        let seen = self.connections.swap(reconnects + 1, Ordering::Relaxed);
        if seen == 0 || seen > reconnects {
            return self.look().await;
        }
        _ = self.repository.look(Announce::No).await;
        _ = self.repository.unannounced().take();
        self.tell(&Destination::everyone(), None).await;
    }

    async fn heard(&self, message: Message) {
        let ack = self.settings.ack && self.bus.status() != Status::Local;
        let reactions = Reactions {
            refresh: self.settings.listens,
            ack,
            ..Reactions::default()
        };
        for action in react(&message.event, &self.member, reactions) {
            match action {
                Action::Refresh => self.look().await,
                Action::Ack(kind) => self.ack(kind).await,
                Action::ChangeEnvironment(_) | Action::Shutdown => {}
            }
        }
    }

    async fn ack(&self, kind: EventKind) {
        if let Err(error) = self.say(&self.settings.ack_destination, kind).await {
            debug!(%error, "no ack was sent");
        }
    }

    /// Sends an event that speaks of no commit.
    async fn say(&self, destination: &Destination, kind: EventKind) -> Result<(), RefreshError> {
        let refresh = BusEvent::refresh(new_id(), now(), &self.member.id, destination);
        let event = BusEvent { kind, ..refresh };
        self.send(Message {
            event,
            commit: None,
        })
        .await
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
