use std::{sync::Arc, time::Duration};

use confbus_bus::{Message, Signal, Status, Subscription};
use confbus_protocol::{Action, Destination, EventKind, Member, Reactions, react};
use futures_util::{StreamExt as _, future::BoxFuture, stream::FuturesUnordered};
use tokio::{sync::mpsc, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{
    Destinations, QUEUE, Refresh, RefreshError, Request, Rooms, Settings, Told,
    announcer::{self, Announcer},
    follow_ups::{Due, Expected, FollowUps},
};
use crate::{
    environment_repository::{Announce, EnvironmentRepository, Moved},
    ledger::RefreshId,
    look::Trigger,
    metrics::Direction,
    traces::{MESSAGE, Part, TraceContext},
    webhook::Pushed,
};

/// How long a refresh for one destination waits for the remote before the event goes out anyway.
const WAIT_FOR_LOOK: Duration = Duration::from_secs(10);
/// How often the bus is looked at, and events that it did not take are made up for.
const PULSE: Duration = Duration::from_secs(2);
/// An editor or a commit changes several files at once.
const SETTLE: Duration = Duration::from_millis(20);

/// Carries refreshes out.
pub(crate) struct Refresher {
    shared: Arc<Shared>,
    pushes: mpsc::Receiver<(Pushed, TraceContext)>,
    requests: mpsc::Receiver<Request>,
    bell: mpsc::Receiver<()>,
    signals: Subscription,
}

struct Shared {
    settings: Settings,
    repository: EnvironmentRepository,
    announcer: Announcer,
    follow_ups: FollowUps,
}

impl std::fmt::Debug for Refresher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Refresher").finish_non_exhaustive()
    }
}

impl Refresher {
    /// A refresher that is also told by `bell` that a local repository changed, and says to `told` who is told of what.
    pub(crate) fn new(
        settings: Settings,
        rooms: Rooms,
        member: Member,
        bell: mpsc::Receiver<()>,
        told: mpsc::Sender<Told>,
    ) -> (Refresh, Self) {
        let (pushes_sender, pushes) = mpsc::channel(QUEUE);
        let (requests_sender, requests) = mpsc::channel(QUEUE);
        // Before the bus is there, so that its first signal is not missed.
        let signals = rooms.bus.subscribe();
        let shared = Arc::new(Shared {
            settings,
            repository: rooms.repository.clone(),
            announcer: Announcer::new(rooms, member, told),
            follow_ups: FollowUps::default(),
        });
        let refresher = Self {
            shared,
            pushes,
            requests,
            bell,
            signals,
        };
        let refresh = Refresh {
            pushes: pushes_sender,
            requests: requests_sender,
        };
        (refresh, refresher)
    }

    /// Works until `shutdown`: looks whenever there is a reason to, and tells who is concerned.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let shared = Arc::clone(&self.shared);
        let mut work: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
        work.push(Box::pin(shared.reopen()));
        let mut pulse = tokio::time::interval(PULSE);
        pulse.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // Looks are shared, so a full house finds whatever more of them would find.
            let has_room = work.len() < QUEUE;
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(()) = work.next() => {}
                () = shared.repository.unannounced().wait() => work.push(Box::pin(shared.announce())),
                Some((pushed, trace)) = self.pushes.recv(), if has_room => work.push(Box::pin(shared.push(pushed, trace))),
                due = shared.follow_ups.due(), if has_room => work.push(Box::pin(shared.follow_up(due))),
                Some(request) = self.requests.recv(), if has_room => work.push(Box::pin(shared.carry_out(request))),
                Some(()) = self.bell.recv(), if has_room => work.push(Box::pin(shared.local_change())),
                Some(signal) = self.signals.next(), if has_room => match signal {
                    Signal::LookAgain => work.push(Box::pin(shared.look_again())),
                    Signal::Message(message) => work.push(Box::pin(shared.heard(message))),
                },
                _ = pulse.tick(), if has_room => work.push(Box::pin(shared.announcer.make_up())),
            }
        }
    }
}

impl Shared {
    async fn reopen(&self) {
        let known = self.announcer.ledger.known();
        self.repository.reopen(&known).await;
    }

    /// An editor or a commit changes several files at once.
    async fn local_change(&self) {
        tokio::time::sleep(SETTLE).await;
        self.look(Trigger::Change).await;
    }

    /// What moves is announced by whoever hears of it first; what is wrong with the repository, it says itself.
    async fn look(&self, trigger: Trigger) {
        _ = self.repository.look(None, Announce::Yes(trigger)).await;
    }

    async fn carry_out(&self, request: Request) {
        match request {
            Request::Destination {
                destination,
                trace,
                reply,
            } => {
                let look = self.repository.look_in_trace(None, Announce::No, &trace);
                let looked = tokio::time::timeout(WAIT_FOR_LOOK, look).await;
                if !matches!(looked, Ok(Ok(()))) {
                    info!(event = "refresh.unseen", %destination, "the repository could not be looked at; the event goes out all the same");
                }
                // Whoever asked may have gone.
                _ = reply.send(self.refresh(&destination, &trace).await);
            }
            Request::ChangeEnvironment {
                destination,
                values,
                reply,
            } => {
                info!(event = "refresh.environment", %destination, keys = values.len(), "environment change event");
                let values = values.into_iter().map(|(key, value)| (key, Some(value)));
                let change = EventKind::EnvironmentChange {
                    values: values.collect(),
                };
                _ = reply.send(self.announcer.say(&destination, change).await);
            }
            Request::AnswersChanged {
                trigger,
                pins,
                destinations,
            } => {
                let told = self.announcer.answers_changed(trigger, pins, &destinations);
                told.await;
            }
        }
    }

    /// Tells a destination to look again, whether anything changed or not.
    async fn refresh(
        &self,
        destination: &Destination,
        trace: &TraceContext,
    ) -> Result<RefreshId, RefreshError> {
        // Before the event: what moves after it, everyone is to be told again.
        let moved = if *destination == Destination::everyone() {
            self.repository.unannounced().take().0
        } else {
            Vec::new()
        };
        let published = self.announcer.refresh(destination, &moved, trace).await;
        if published.is_err() {
            // Whoever asked knows and may ask again; nobody asked for what moved by itself.
            self.announcer.moved(Trigger::BusRefresh, moved).await;
        }
        published
    }

    async fn push(&self, pushed: Pushed, trace: TraceContext) {
        let reference = pushed.branch_or_tag();
        let moved = self.look_after_push(reference, &trace).await;
        let reference = pushed.reference.as_deref();
        if let Some(moved) = moved
            && reference.is_none_or(|reference| self.repository.serves(reference))
        {
            let names = &pushed.guessed;
            self.announcer.guessed(&moved, names, &trace).await;
        }
        // Of a tag it may be the tag's own id. What nobody reads is not waited for.
        if let Some((branch, commit)) = pushed.branch().zip(pushed.after)
            && self.repository.serves(branch)
            && !self.repository.has_named(branch, commit)
        {
            let expected = Expected {
                commit,
                guessed: pushed.guessed.iter().cloned().collect(),
            };
            self.follow_ups.expect(branch, expected);
        }
    }

    /// Looks for a push that was reported too early. Only the commit itself is it: what else comes into view may be an earlier
    /// push, and a few looks more than needed cost little.
    async fn follow_up(&self, due: Due) {
        let nowhere = TraceContext::default();
        let moved = self.look_after_push(Some(&due.branch), &nowhere).await;
        if let Some(moved) = moved.filter(|moved| !moved.is_empty()) {
            let guessed: Vec<_> = due.guessed.iter().cloned().collect();
            self.announcer.guessed(&moved, &guessed, &nowhere).await;
        }
        let branch = due.branch.clone();
        let is_seen = |commit| self.repository.has_named(&branch, commit);
        self.follow_ups.looked(due, is_seen);
    }

    /// Looks for what was pushed. Returns what moved where names are guessed; otherwise those concerned are told.
    async fn look_after_push(
        &self,
        reference: Option<&str>,
        trace: &TraceContext,
    ) -> Option<Vec<Moved>> {
        let announce = match self.settings.destinations {
            Destinations::Changed => Announce::Yes(Trigger::Push),
            Destinations::Guess => Announce::No,
        };
        let repository = &self.repository;
        _ = repository.look_in_trace(reference, announce, trace).await;
        (announce == Announce::No).then(|| self.repository.unannounced().take().0)
    }

    /// Publishes for every label that moved since the last time.
    async fn announce(&self) {
        let (moved, trigger) = self.repository.unannounced().take();
        self.announcer
            .moved(trigger.unwrap_or(Trigger::Poll), moved)
            .await;
    }

    /// Events may have been lost: look, because one of them may have been for us.
    async fn look_again(&self) {
        self.announcer.interrupted();
        self.look(Trigger::Reconnect).await;
    }

    /// Another server moved, or somebody asks all to look.
    async fn look_because_of(&self, message: &Message) {
        let traces = &self.announcer.traces;
        let elsewhere = traces.elsewhere(message.traceparent.as_deref());
        let span = traces.part(Part::Process, &elsewhere);
        let span = span.with(MESSAGE, message.event.id.clone());
        let (announce, trace) = (Announce::Yes(Trigger::Bus), span.context());
        let repository = &self.repository;
        _ = repository.look_in_trace(None, announce, &trace).await;
        span.end();
    }

    async fn heard(&self, message: Message) {
        let announcer = &self.announcer;
        let (kind, result) = announcer::counted(&message.event.kind);
        let bus = &announcer.metrics.bus;
        bus.event(Direction::In, kind, result);
        announcer.ledger.heard(&message.event);
        if let EventKind::Ack { ack_id, .. } = &message.event.kind {
            let from = &message.event.origin_service;
            announcer.traces.acked(from, ack_id.as_deref());
        }
        let reactions = Reactions {
            refresh: self.settings.listens,
            ack: self.settings.ack && announcer.bus.status() != Status::Local,
            ..Reactions::default()
        };
        for action in react(&message.event, &announcer.member, reactions) {
            match action {
                Action::Refresh => self.look_because_of(&message).await,
                Action::Ack(kind) => announcer.ack(&self.settings.ack_destination, kind).await,
                Action::ChangeEnvironment(_) | Action::Shutdown => {}
            }
        }
    }
}
