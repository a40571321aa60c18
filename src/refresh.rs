//! A commit moved, or somebody says so: look, swap, work out who is concerned, publish.
//!
//! An event is published only after its snapshot is in service. Looks are shared by all who wait for one, and
//! what they found is announced once.

mod destinations;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use confbus_bus::{Bus, Message, Signal, Status, Subscription};
use confbus_protocol::{Action, BusEvent, Destination, EventKind, Member, Reactions, react};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use crate::{
    environment_repository::{Announce, EnvironmentRepository},
    git::{Fetch, LookError},
    webhook::Pushed,
};

/// When to look without being told, and whom to tell.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Time between two looks at the repository, varied by a fifth; `None` looks only when told.
    pub(crate) interval: Option<Duration>,
    /// Who is told after a push.
    pub(crate) destinations: Destinations,
    /// Answer events that are for us with an ack, as Spring's config server does.
    pub(crate) ack: bool,
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
    #[error("the refresh event could not be published: {0}")]
    Bus(String),
}

enum Request {
    Push(Pushed),
    Destination {
        destination: Destination,
        reply: oneshot::Sender<Result<(), RefreshError>>,
    },
}

/// Longest wait after failed looks.
const MAX_INTERVAL: Duration = Duration::from_secs(300);
/// How long a refresh for one destination waits for the remote before the event goes out anyway.
const WAIT_FOR_LOOK: Duration = Duration::from_secs(10);
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
    /// [`RefreshError`] when the bus does not take the event.
    pub(crate) async fn destination(&self, destination: Destination) -> Result<(), RefreshError> {
        let (reply, done) = oneshot::channel();
        let stopping = || RefreshError::Bus("the server is stopping".into());
        self.requests
            .send(Request::Destination { destination, reply })
            .await
            .map_err(|_| stopping())?;
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
        });
        let refresher = Self {
            shared,
            requests,
            bell,
            signals,
        };
        (Refresh { requests: sender }, refresher)
    }

    /// Works until `shutdown`: restores what was in service, then looks whenever there is a reason to.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let shared = Arc::clone(&self.shared);
        shared.repository.restore().await;
        let mut work: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        work.push(Box::pin(shared.poll()));
        let mut connected_before = false;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(()) = work.next() => {}
                Some(request) = self.requests.recv(), if work.len() < QUEUE => work.push(Box::pin(shared.carry_out(request))),
                Some(()) = self.bell.recv() => {
                    tokio::time::sleep(SETTLE).await;
                    while self.bell.try_recv().is_ok() {}
                    work.push(Box::pin(shared.look_and_tell()));
                }
                () = shared.repository.moved() => shared.tell_moved().await,
                Some(signal) = self.signals.next() => match signal {
                    Signal::LookAgain => {
                        let again = std::mem::replace(&mut connected_before, true);
                        work.push(Box::pin(shared.connected(again)));
                    }
                    Signal::Message(message) => work.push(Box::pin(shared.heard(message))),
                },
            }
        }
    }
}

impl Shared {
    /// Looks now and then; after failures less and less often.
    async fn poll(&self) {
        let mut failures = 0;
        loop {
            failures = if self.look(Announce::Yes).await.is_ok() {
                0
            } else {
                failures + 1
            };
            self.tell_moved().await;
            let Some(interval) = self.settings.interval else {
                if failures == 0 {
                    return;
                }
                tokio::time::sleep(jittered(backed_off(Duration::from_secs(1), failures))).await;
                continue;
            };
            tokio::time::sleep(jittered(backed_off(interval, failures))).await;
        }
    }

    async fn look(&self, announce: Announce) -> Result<(), LookError> {
        self.repository.look(Fetch::First, &[], announce).await
    }

    async fn look_and_tell(&self) {
        // The repository says once what is wrong with it.
        _ = self.look(Announce::Yes).await;
        self.tell_moved().await;
    }

    async fn carry_out(&self, request: Request) {
        match request {
            Request::Push(pushed) => self.push(pushed).await,
            Request::Destination { destination, reply } => {
                if !matches!(
                    tokio::time::timeout(WAIT_FOR_LOOK, self.look(Announce::No)).await,
                    Ok(Ok(()))
                ) {
                    info!(%destination, "the repository could not be looked at; the event goes out all the same");
                }
                // Whoever asked may have gone.
                _ = reply.send(self.publish(&destination).await);
            }
        }
    }

    async fn push(&self, pushed: Pushed) {
        if self.settings.destinations == Destinations::Changed {
            return self.look_and_tell().await;
        }
        _ = self.look(Announce::No).await;
        if !pushed
            .reference
            .as_deref()
            .is_none_or(|reference| self.repository.serves(reference))
        {
            return;
        }
        for name in &pushed.guessed {
            self.tell(&Destination::complete(name)).await;
        }
    }

    /// Publishes for every label that moved since the last time.
    async fn tell_moved(&self) {
        let moved = self.repository.take_moved();
        for destination in destinations::concerned(&moved) {
            self.tell(&destination).await;
        }
    }

    async fn tell(&self, destination: &Destination) {
        if let Err(error) = self.publish(destination).await {
            self.missed.store(true, Ordering::Relaxed);
            warn!(%destination, %error, "clients hear of this when the bus is back");
        }
    }

    async fn publish(&self, destination: &Destination) -> Result<(), RefreshError> {
        let (id, now) = (new_id(), now());
        let event = BusEvent::refresh(id, now, &self.member.id, destination);
        let commit = self
            .repository
            .default_version()
            .map(|commit| commit.to_string());
        info!(event.id = event.id, %destination, version = commit, "refresh event");
        self.send(Message { event, commit }).await
    }

    async fn send(&self, message: Message) -> Result<(), RefreshError> {
        self.bus
            .publish(&message)
            .await
            .map_err(|error| RefreshError::Bus(error.to_string()))
    }

    /// The bus is there: look, because a webhook may have been missed, and after a gap tell everyone to do the same.
    async fn connected(&self, again: bool) {
        let missed = self.missed.swap(false, Ordering::Relaxed);
        if !again && !missed {
            return self.look_and_tell().await;
        }
        _ = self.look(Announce::No).await;
        _ = self.repository.take_moved();
        self.tell(&Destination::everyone()).await;
    }

    async fn heard(&self, message: Message) {
        let ack = self.settings.ack && self.bus.status() != Status::Local;
        for action in react(
            &message.event,
            &self.member,
            Reactions {
                ack,
                ..Reactions::default()
            },
        ) {
            match action {
                Action::Refresh => self.look_and_tell().await,
                Action::Ack(kind) => self.ack(kind).await,
                Action::ChangeEnvironment(_) | Action::Shutdown => {}
            }
        }
    }

    async fn ack(&self, kind: EventKind) {
        let event = BusEvent {
            id: new_id(),
            origin_service: self.member.id.as_str().to_owned(),
            destination_service: Some(Destination::everyone().as_str().to_owned()),
            timestamp: now(),
            kind,
        };
        if let Err(error) = self
            .send(Message {
                event,
                commit: None,
            })
            .await
        {
            debug!(%error, "no ack was sent");
        }
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// Twice as long after each failure.
fn backed_off(interval: Duration, failures: u32) -> Duration {
    let longest = MAX_INTERVAL.max(interval);
    interval
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(longest)
}

/// A fifth more or less, so that many servers do not ask the same host at the same moment.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_make_looks_rarer_up_to_a_bound() {
        let interval = Duration::from_secs(30);
        let waits: Vec<_> = (0..6)
            .map(|failures| backed_off(interval, failures).as_secs())
            .collect();
        assert_eq!(waits, [30, 60, 120, 240, 300, 300]);
        assert_eq!(backed_off(Duration::from_secs(600), 3).as_secs(), 600);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..100 {
            let wait = jittered(Duration::from_secs(30));
            assert!((24.0..=36.0).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }
}
