//! How events reach us. Each way only rings the bell: what an event says is never the truth, only a hint.

use std::{sync::Arc, time::SystemTime};

use confbus_bus::Message;
use confbus_protocol::{
    Action, BusEvent, BusId, CommitId, Destination, EventKind, Member, Reactions, react,
};
use tracing::{debug, info, warn};
use uuid::Uuid;

use crate::{
    bell::{Bell, Told},
    health::{Board, BusHealth},
    pace::Pace,
    store::Store,
};

#[cfg(any(feature = "amqp", feature = "kafka"))]
pub(crate) mod bus;
pub(crate) mod stream;

/// What happens when an event arrives, whichever way it came.
pub(crate) struct Listener {
    pub(crate) member: Member,
    pub(crate) reactions: Reactions,
    pub(crate) bell: Arc<Bell>,
    pub(crate) pace: Arc<Pace>,
    pub(crate) store: Arc<Store>,
    pub(crate) board: Arc<Board>,
}

impl Listener {
    /// Events may have been lost.
    pub(crate) fn look_again(&self) {
        self.bell.ring();
    }

    /// Shows how the way is doing, and logs when that changes.
    pub(crate) fn report(&self, bus: BusHealth) {
        #[cfg(feature = "metrics")]
        crate::metrics::connected("stream", &bus);
        if self.board.change(|health| health.bus = bus.clone()).bus == bus {
            return;
        }
        match bus {
            BusHealth::Disconnected { reason } => {
                warn!(reason, "no events at the moment; the poll goes on");
            }
            BusHealth::Unsupported => info!("the server has no stream of events; the poll goes on"),
            BusHealth::Connected => info!("events come"),
            BusHealth::Off | BusHealth::Connecting => {}
        }
    }

    /// Acts on an event. Returns the ack to send, once what the event asks for is applied.
    pub(crate) async fn hear(&self, message: &Message) -> Option<BusEvent> {
        let actions = react(&message.event, &self.member, self.reactions);
        let mut ack = None;
        let mut refresh = false;
        for action in actions {
            match action {
                Action::Refresh => refresh |= self.is_news(message),
                Action::ChangeEnvironment(values) => {
                    self.bell.set_overrides(values);
                    refresh = true;
                }
                Action::Ack(kind) => ack = Some(kind),
                // Never asked for in our reactions: a library does not end its process.
                Action::Shutdown => {}
            }
        }
        debug!(
            event = message.event.type_name(),
            id = message.event.id,
            refresh,
            "event heard"
        );
        if !refresh {
            return ack.map(|ack| self.ack(ack));
        }
        let pause = self.pace.until_asked(message.window);
        let Some(ack) = ack else {
            self.bell.ring_after(pause);
            return None;
        };
        let refreshed = self.bell.refresh_after(pause).await;
        refreshed.is_ok().then(|| self.ack(ack))
    }

    /// Whether an event is a reason to ask, and if so for which commit.
    fn is_news(&self, message: &Message) -> bool {
        let commit = message.commit.as_deref();
        let is_news = !self.is_running(commit);
        let told = commit.and_then(CommitId::parse);
        if let Some(commit) = told.filter(|_| is_news) {
            self.bell.tell(Told {
                origin: message.event.origin_service.clone(),
                commit,
                labels: message.labels.clone(),
            });
        }
        is_news
    }

    /// Whether the commit an event speaks of is the one that runs, and nothing went wrong since.
    fn is_running(&self, commit: Option<&str>) -> bool {
        let health = self.board.read();
        let is_well = health.unavailable.is_none() && health.refused.is_none();
        is_well && commit.is_some() && self.store.snapshot().version() == commit
    }

    fn ack(&self, kind: EventKind) -> BusEvent {
        BusEvent {
            kind,
            ..refresh_event(&self.member.id, &Destination::everyone())
        }
    }
}

/// A refresh that is said now.
pub(crate) fn refresh_event(origin: &BusId, destination: &Destination) -> BusEvent {
    let since_1970 = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    BusEvent::refresh(
        Uuid::new_v4().to_string(),
        i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX),
        origin,
        destination,
    )
}
