//! Servers on one bus tell each other what their ledgers hold, so that each shows the whole fleet, whichever of them an instance
//! reports to.
//!
//! They do so on an exchange or a topic of their own: no application hears of it. Nobody waits for it, what is lost comes again
//! when somebody was away, and whatever is heard is bounded.

mod refusals;
#[cfg(test)]
mod tests;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

#[cfg(feature = "kafka")]
use confbus_bus::KafkaSettings;
use confbus_bus::{Bus, Message, PublishError, RabbitSettings, Signal, Status, Subscription};
use confbus_protocol::{BusEvent, BusId, Destination, EventKind};
use serde_json::{Value, json};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use tracing::debug;

use self::refusals::Refusals;
use crate::{
    ledger::{Ledger, News, Tell},
    metrics::{Direction, Replicas},
};

/// What an instance says several times within it is told once.
const PACE: Duration = Duration::from_secs(1);
/// Between two times that everything is told: whoever asks meanwhile is told by the second one.
const REST: Duration = Duration::from_secs(10);
/// What the name of the exchange or the topic ends with, so that it lies below permissions for that of Spring.
const SUFFIX: &str = ".confbus";
/// The key by which a server asks for everything.
const ASKS: &str = "asks";

/// The exchange of servers beside one of Spring's: the same broker and login, and a connection of its own, so that nothing that
/// goes wrong here costs an event.
pub(crate) fn exchange(of_events: &RabbitSettings) -> RabbitSettings {
    RabbitSettings::clone(of_events).with(|settings| {
        settings.exchange = format!("{}{SUFFIX}", of_events.exchange);
        settings.output_exchange = None;
        settings.routing_key = None;
        settings.group = None;
        settings.queue_name_group_only = false;
        settings.binding_keys = vec!["#".to_owned()];
        settings.connection_name = format!("{} of servers", of_events.connection_name);
    })
}

/// The topic of servers beside one of Spring's, likewise.
#[cfg(feature = "kafka")]
pub(crate) fn topic(of_events: &KafkaSettings) -> KafkaSettings {
    KafkaSettings::clone(of_events).with(|settings| {
        settings.topic = format!("{}{SUFFIX}", of_events.topic);
        settings.output_topic = None;
        settings.client_id = format!("{}-of-servers", of_events.client_id);
    })
}

/// Tells others what is noted here, and notes what they tell.
#[derive(Debug)]
pub(crate) struct Replica {
    heard: Subscription,
    hears: Hears,
    tells: Tells,
}

/// What comes in. It is told apart from what goes out, which waits for confirms.
#[derive(Debug)]
struct Hears {
    bus: Bus,
    ledger: Ledger,
    own: BusId,
    counts: Replicas,
    wishes: Arc<Wishes>,
    /// Connections that there were when somebody had to look again.
    connects: u64,
}

/// What goes out.
#[derive(Debug)]
struct Tells {
    bus: Bus,
    ledger: Ledger,
    own: BusId,
    counts: Replicas,
    wishes: Arc<Wishes>,
    told_all: Option<Instant>,
    refusals: Refusals,
    /// Messages that the bus has dropped, as they were counted.
    dropped: [u64; 2],
}

/// What is to be said next.
#[derive(Debug, Default)]
struct Wishes {
    /// This server may have missed something.
    ask: AtomicBool,
    /// Others may have.
    tell_all: AtomicBool,
}

impl Replica {
    pub(crate) fn new(bus: Bus, ledger: Ledger, own: BusId, counts: Replicas) -> Self {
        let wishes = Arc::<Wishes>::default();
        Self {
            // Before it is connected, so that its first signal is not missed.
            heard: bus.subscribe(),
            hears: Hears {
                bus: bus.clone(),
                connects: 0,
                ledger: ledger.clone(),
                own: own.clone(),
                counts: counts.clone(),
                wishes: Arc::clone(&wishes),
            },
            tells: Tells {
                bus,
                ledger,
                own,
                counts,
                wishes,
                told_all: None,
                refusals: Refusals::default(),
                dropped: [0; 2],
            },
        }
    }

    /// Works until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let Self {
            mut heard,
            mut hears,
            mut tells,
        } = self;
        let hearing = async {
            // The end of the bus is the end of the server.
            while let Some(signal) = heard.next().await {
                hears.hear(signal);
            }
        };
        let telling = async {
            let mut pace = tokio::time::interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                pace.tick().await;
                tells.tell().await;
            }
        };
        let work = async { tokio::join!(hearing, telling) };
        _ = shutdown.run_until_cancelled(work).await;
    }
}

impl Wishes {
    fn are_any(&self) -> bool {
        self.ask.load(Relaxed) || self.tell_all.load(Relaxed)
    }
}

impl Hears {
    fn hear(&mut self, signal: Signal) {
        match signal {
            Signal::LookAgain => {
                self.wishes.ask.store(true, Relaxed);
                let connects = self.bus.counters().connects;
                // Others may have been away as well; but who only fell behind would make them fall behind, too.
                if connects != self.connects {
                    self.wishes.tell_all.store(true, Relaxed);
                }
                self.connects = connects;
            }
            Signal::Message(message) if message.event.origin_service != self.own.as_str() => {
                self.learn(&message.event);
            }
            Signal::Message(_) => {}
        }
    }

    fn learn(&self, event: &BusEvent) {
        let EventKind::Ledger { news } = &event.kind else {
            return self.counts.news(Direction::In, "malformed", 1);
        };
        if news.get(ASKS).is_some() {
            return self.wishes.tell_all.store(true, Relaxed);
        }
        match News::of(news) {
            Ok(news) => {
                let is_learnt = self.ledger.learn(news);
                let result = if is_learnt { "ok" } else { "dropped" };
                self.counts.news(Direction::In, result, 1);
                if !is_learnt {
                    self.wishes.ask.store(true, Relaxed);
                }
            }
            Err(error) => {
                debug!(origin = event.origin_service, %error, "news are dropped");
                self.counts.news(Direction::In, "malformed", 1);
            }
        }
    }
}

impl Tells {
    /// What is not confirmed is told again with everything.
    async fn tell(&mut self) {
        self.count_dropped();
        if !matches!(self.bus.status(), Status::Connected { .. }) {
            return;
        }
        let connects = self.bus.counters().connects;
        let may_try = self.refusals.are_over(connects);
        let mut refused = None;
        let asks = may_try && self.wishes.ask.swap(false, Relaxed);
        if asks {
            refused = self.say(json!({ ASKS: true })).await.err();
            self.wishes.ask.fetch_or(refused.is_some(), Relaxed);
        }
        let is_rested = self.told_all.is_none_or(|told| told.elapsed() >= REST);
        let what = if may_try && is_rested && self.wishes.tell_all.swap(false, Relaxed) {
            self.told_all = Some(Instant::now());
            Tell::All
        } else {
            Tell::Changes
        };
        let Ok(parts) = self.ledger.tell(what).await else {
            return;
        };
        let says = asks || !parts.is_empty();
        for part in parts {
            if let Err(error) = self.say(part).await {
                // The connection may have stayed, and then nobody asks for it.
                self.wishes.tell_all.store(true, Relaxed);
                refused = Some(error);
            }
        }
        match refused {
            // What is new is said all the same, and is no try.
            Some(error) if may_try => self.refusals.add(&error, connects),
            None if !self.wishes.are_any() => self.refusals.end(),
            // It takes messages again, so that it may take the rest as well.
            None if says => self.refusals.cut_short(),
            _ => {}
        }
    }

    async fn say(&self, news: Value) -> Result<(), PublishError> {
        let refresh = BusEvent::refresh(
            uuid::Uuid::new_v4().to_string(),
            jiff::Timestamp::now().as_millisecond(),
            &self.own,
            &Destination::everyone(),
        );
        let event = BusEvent {
            kind: EventKind::Ledger { news },
            ..refresh
        };
        let said = self.bus.publish(&Message::of(event)).await;
        let result = if said.is_ok() { "ok" } else { "undeliverable" };
        self.counts.news(Direction::Out, result, 1);
        said
    }

    fn count_dropped(&mut self) {
        let counters = self.bus.counters();
        let dropped = [counters.malformed, counters.oversized];
        for (at, result) in ["malformed", "oversized"].into_iter().enumerate() {
            let more = dropped[at].saturating_sub(self.dropped[at]);
            self.counts.news(Direction::In, result, more);
        }
        self.dropped = dropped;
    }
}
