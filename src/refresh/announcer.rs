mod publish;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Instant, SystemTime},
};

use confbus_bus::Bus;
use confbus_protocol::{Destination, Member};
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tracing::{debug, warn};

use super::{
    RefreshError, Rooms, Told, Whom,
    concerned::{PATIENCE, Unchanged, concerned},
    destinations::News,
    outage::Outage,
};
use crate::{
    environment_repository::{EnvironmentRepository, Moved},
    ledger::{LabelMoved, Ledger, RefreshId, Started, Step},
    look::Trigger,
    metrics::{Cause, Metrics, Phase},
    pins::PinStep,
    traces::{Part, REFRESH, TRIGGER, TraceContext, Traces},
};
pub(super) use publish::counted;

/// A refresh, and the trace that it is part of.
struct Underway {
    id: RefreshId,
    trace: TraceContext,
}

/// Publishes events, and keeps in mind who could not be told.
pub(super) struct Announcer {
    repository: EnvironmentRepository,
    pub(super) ledger: Ledger,
    pub(super) bus: Bus,
    pub(super) member: Member,
    pub(super) metrics: Arc<Metrics>,
    pub(super) traces: Traces,
    outage: Mutex<Outage>,
    told: mpsc::Sender<Told>,
}

impl Announcer {
    pub(super) fn new(rooms: Rooms, member: Member, told: mpsc::Sender<Told>) -> Self {
        let Rooms {
            repository,
            ledger,
            bus,
            metrics,
            traces,
        } = rooms;
        let outage = Outage::inherited(ledger.owed(), Instant::now());
        Self {
            repository,
            ledger,
            bus,
            member,
            metrics,
            traces,
            outage: Mutex::new(outage),
            told,
        }
    }

    /// Tells those whose configuration is different since labels moved.
    pub(super) async fn moved(&self, trigger: Trigger, moved: Vec<Moved>) {
        if moved.is_empty() {
            return;
        }
        let refresh = self.started(trigger, &moved, &Moved::trace_of(&moved));
        // A stop from here on costs those concerned no event: whoever is owed one gets it after the next start.
        let everyone = [Destination::everyone()];
        self.ledger.note(&refresh.id, Step::Owed(&everyone));
        let labels = Moved::as_one_of_each_label(&moved);
        let news = News::of(&labels, |moved| {
            self.repository.answers_unlabelled_from(moved)
        });
        let begun = Instant::now();
        let span = self.traces.part(Part::Compare, &refresh.trace);
        let concerned = concerned(
            self.repository.clone(),
            moved,
            self.ledger.known(),
            PATIENCE,
        )
        .await;
        span.end();
        let refreshes = &self.metrics.refreshes;
        refreshes.passed(Phase::Compare, begun.elapsed());
        debug!(elapsed = ?begun.elapsed(), destinations = concerned.destinations.len(), "found who is concerned");
        if let Some(changes) = concerned.changes {
            self.ledger.note(&refresh.id, Step::Changes(changes));
        }
        for Unchanged { request, from, to } in concerned.unchanged {
            self.ledger.unchanged(&request, from, to);
        }
        self.say_whom(labels, &concerned.destinations);
        self.tell_all(&refresh, &concerned.destinations, &news)
            .await;
    }

    /// Says of each commit who is told of it; nobody waits for that.
    fn say_whom(&self, labels: Vec<Moved>, destinations: &[Destination]) {
        let are_all = destinations.contains(&Destination::everyone());
        let whom = if are_all {
            Whom::Everyone
        } else {
            Whom::Applications(destinations.len())
        };
        for moved in labels {
            _ = self.told.try_send(Told {
                repository: moved.repository,
                commit: moved.new.version(),
                whom,
            });
        }
    }

    /// Tells those whose names were guessed, whatever moved.
    pub(super) async fn guessed(&self, moved: &[Moved], names: &[String], trace: &TraceContext) {
        let refresh = self.started(Trigger::Push, moved, trace);
        let destinations: Vec<_> = names
            .iter()
            .map(|name| Destination::complete(name))
            .collect();
        self.tell_all(&refresh, &destinations, &News::default())
            .await;
    }

    /// Tells a destination to look again, for somebody who waits to hear whether that worked.
    pub(super) async fn refresh(
        &self,
        destination: &Destination,
        moved: &[Moved],
        trace: &TraceContext,
    ) -> Result<RefreshId, RefreshError> {
        let refresh = self.started(Trigger::BusRefresh, moved, trace);
        self.publish(&refresh, destination, &News::default())
            .await?;
        Ok(refresh.id)
    }

    /// Tells those who are answered from another commit though no label moved.
    pub(super) async fn answers_changed(
        &self,
        trigger: Trigger,
        pins: Vec<PinStep>,
        destinations: &[Destination],
    ) {
        let refresh = self.begun(trigger, &[], pins, &TraceContext::default());
        self.tell_all(&refresh, destinations, &News::default())
            .await;
    }

    /// Makes up for events that the bus lost or did not take.
    pub(super) async fn make_up(&self) {
        let due = self.outage().due(&self.bus.status(), Instant::now());
        if due.is_empty() {
            return;
        }
        let refresh = self.started(Trigger::Reconnect, &[], &TraceContext::default());
        for destination in due {
            self.tell(&refresh, &destination, &News::default()).await;
        }
    }

    /// The bus says that events may have been lost.
    pub(super) fn interrupted(&self) {
        let status = self.bus.status();
        self.outage().interrupted(&status, Instant::now());
    }

    /// Notes a refresh whose look is over. What belongs to no trace yet begins one.
    fn started(&self, trigger: Trigger, moved: &[Moved], trace: &TraceContext) -> Underway {
        self.begun(trigger, moved, Vec::new(), trace)
    }

    fn begun(
        &self,
        trigger: Trigger,
        moved: &[Moved],
        pins: Vec<PinStep>,
        trace: &TraceContext,
    ) -> Underway {
        let label = |moved: &Moved| LabelMoved {
            repository: Arc::clone(&moved.repository),
            label: moved.label.clone(),
            from: Some(moved.old.version()),
            to: moved.new.version(),
            authorship: moved.authorship.clone(),
            generation: moved.generation,
        };
        let refresh = self.ledger.started(Started {
            trigger,
            labels: Moved::as_one_of_each_label(moved)
                .iter()
                .map(label)
                .collect(),
            pins,
            origin: self.member.id.to_string(),
        });
        let labels = Moved::as_one_of_each_label(moved).len();
        self.metrics.refreshes.moved(cause(trigger), labels);
        self.ledger.note(&refresh, Step::Looked);
        if !moved.is_empty() {
            self.ledger.note(&refresh, Step::Swapped);
        }
        let mut trace = trace.clone();
        if trace.is_nowhere() {
            let root = self.traces.root(Part::Refresh, SystemTime::now());
            let root = root.with(TRIGGER, word(trigger));
            trace = root.with(REFRESH, refresh.to_string()).context();
        }
        Underway { id: refresh, trace }
    }

    async fn tell_all(&self, refresh: &Underway, destinations: &[Destination], news: &News) {
        self.ledger.note(&refresh.id, Step::Owed(destinations));
        let begun = Instant::now();
        let meant = destinations.iter().map(|to| self.ledger.meant_by(to));
        self.metrics.refreshes.tells(meant.sum());
        // A broker confirms an event once all queues have it; nobody waits for the events of others.
        let tell = |destination| self.tell(refresh, destination, news);
        join_all(destinations.iter().map(tell)).await;
        let refreshes = &self.metrics.refreshes;
        refreshes.passed(Phase::Announce, begun.elapsed());
    }

    /// What does not get out is made up for.
    async fn tell(&self, refresh: &Underway, destination: &Destination, news: &News) {
        let Err(error) = self.publish(refresh, destination, news).await else {
            return;
        };
        if self.outage().missed(destination) {
            warn!(event = "refresh.undeliverable", %destination, error.text = %error, "clients hear of this when the bus takes events again");
        } else {
            debug!(%destination, %error, "clients hear of this, too, when the bus takes events again");
        }
    }

    /// Never held across a wait.
    fn outage(&self) -> MutexGuard<'_, Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same in a trace.
fn word(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::Push => "push",
        Trigger::BusRefresh => "busrefresh",
        Trigger::Pin => "pin",
        Trigger::Wave => "wave",
        Trigger::Poll => "poll",
        Trigger::Reconnect => "reconnect",
        Trigger::Bus => "bus",
        Trigger::Change => "change",
    }
}

/// What made the server look, as far as somebody may have to do something about it.
fn cause(trigger: Trigger) -> Cause {
    match trigger {
        Trigger::Push => Cause::Webhook,
        Trigger::BusRefresh | Trigger::Pin | Trigger::Wave => Cause::Command,
        Trigger::Poll | Trigger::Reconnect | Trigger::Bus | Trigger::Change => Cause::Poll,
    }
}
