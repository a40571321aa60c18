//! An event goes out: noted before, in its trace, and counted once the bus has it.

use std::time::Instant;

use confbus_bus::Message;
use confbus_protocol::{BusEvent, Destination, EventKind};
use tracing::{debug, info};

use super::{Announcer, Underway};
use crate::{
    ledger::Step,
    metrics::Direction,
    refresh::{RefreshError, destinations::News, window::window},
    traces::{COMMIT, DESTINATION, MESSAGE, Part, REFRESH, Span},
};

impl Announcer {
    /// The commit tells a client that runs it already that it need not ask.
    pub(super) async fn publish(
        &self,
        refresh: &Underway,
        destination: &Destination,
        news: &News,
    ) -> Result<(), RefreshError> {
        let event = BusEvent::refresh(new_id(), now(), &self.member.id, destination);
        let commit = news.commit.map(|commit| commit.to_string());
        let id = event.id.as_str();
        info!(event = "refresh.announced", refresh.id = %refresh.id, bus.event = id, %destination, commit.to = commit, "refresh event");
        // Before it goes out, so that no answer is noted before it.
        self.ledger.note(&refresh.id, Step::Published(&event));
        let span = self.tell_of(refresh, &event, destination, commit.as_deref());
        let message = Message {
            event,
            commit,
            labels: news.labels.iter().cloned().collect(),
            generation: news.generation,
            window: window(self.ledger.meant_by(destination)),
            traceparent: span.context().traceparent(),
        };
        let published = self.send(&message).await;
        match &published {
            Ok(()) => span.end(),
            Err(_) => span.failed("undeliverable").end(),
        }
        match &published {
            Ok(()) => {
                self.ledger.note(&refresh.id, Step::Taken(destination));
                self.outage().told(destination, Instant::now());
            }
            Err(error) => {
                let reason = format!("{destination}: {error}");
                self.ledger
                    .note(&refresh.id, Step::Failed(&message.event, reason));
            }
        }
        published
    }

    /// Until the bus has confirmed it. Noted before it goes out, so that no answer comes before it.
    fn tell_of(
        &self,
        refresh: &Underway,
        event: &BusEvent,
        destination: &Destination,
        commit: Option<&str>,
    ) -> Span {
        let span = self.traces.part(Part::Publish, &refresh.trace);
        let span = span.with(REFRESH, refresh.id.to_string());
        let span = span.with(MESSAGE, event.id.clone());
        let mut span = span.with(DESTINATION, destination.to_string());
        if let Some(commit) = commit {
            span = span.with(COMMIT, commit.to_owned());
        }
        let at = span.context();
        self.traces.published(&event.id, destination, commit, &at);
        span
    }

    async fn send(&self, message: &Message) -> Result<(), RefreshError> {
        let begun = Instant::now();
        let published = self.bus.publish(message).await;
        let bus = &self.metrics.bus;
        bus.published(self.bus.name(), begun.elapsed());
        let result = if published.is_ok() {
            "ok"
        } else {
            "undeliverable"
        };
        bus.event(Direction::Out, counted(&message.event.kind).0, result);
        published.map_err(|error| RefreshError::Bus(error.to_string()))
    }

    pub(in crate::refresh) async fn ack(&self, destination: &Destination, kind: EventKind) {
        if let Err(error) = self.say(destination, kind).await {
            debug!(%error, "no ack was sent");
        }
    }

    /// Sends an event that speaks of no commit.
    pub(in crate::refresh) async fn say(
        &self,
        destination: &Destination,
        kind: EventKind,
    ) -> Result<(), RefreshError> {
        let refresh = BusEvent::refresh(new_id(), now(), &self.member.id, destination);
        let event = BusEvent { kind, ..refresh };
        self.send(&Message::of(event)).await
    }
}

/// The type of an event as it is counted, and what becomes of it here.
pub(in crate::refresh) fn counted(kind: &EventKind) -> (&'static str, &'static str) {
    match kind {
        EventKind::Refresh => ("refresh", "ok"),
        EventKind::Ack { .. } => ("ack", "ok"),
        EventKind::EnvironmentChange { .. } => ("environment_change", "ok"),
        EventKind::Shutdown => ("shutdown", "ignored"),
        EventKind::Ledger { .. } | EventKind::Unknown { .. } => ("unknown", "ignored"),
    }
}

fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
