use std::sync::{Mutex, atomic::AtomicU64};

use confbus_bus::{Binder, Counters, PublishError, Publishing};
use confbus_protocol::{Outcome, Report};
use tokio::sync::broadcast;

use super::{refusals::LONGEST, *};
use crate::ledger::{Bookkeeper, Settings, Version};

const ID: &str = "orders:dev:8081:ab12";

/// A broker that keeps its connections, whatever it takes.
#[derive(Debug, Clone)]
struct Broker(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    signals: broadcast::Sender<Signal>,
    takes: AtomicBool,
    connects: AtomicU64,
    offered: AtomicU64,
    taken: Mutex<Vec<Value>>,
}

impl Broker {
    fn new() -> Self {
        Self(Arc::new(Inner {
            signals: broadcast::Sender::new(4),
            takes: AtomicBool::new(true),
            connects: AtomicU64::new(0),
            offered: AtomicU64::new(0),
            taken: Mutex::default(),
        }))
    }

    fn takes(&self, takes: bool) {
        self.0.takes.store(takes, Relaxed);
    }

    /// How many messages it was offered since it was asked last.
    fn offered(&self) -> u64 {
        self.0.offered.swap(0, Relaxed)
    }

    /// What it has taken since it was asked last.
    fn taken(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.taken.lock().unwrap())
    }
}

impl Binder for Broker {
    fn name(&self) -> &'static str {
        "test"
    }

    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a> {
        Box::pin(async {
            self.0.offered.fetch_add(1, Relaxed);
            if !self.0.takes.load(Relaxed) {
                return Err(PublishError::Nack);
            }
            if let EventKind::Ledger { news } = &message.event.kind {
                self.0.taken.lock().unwrap().push(news.clone());
            }
            Ok(())
        })
    }

    fn subscribe(&self) -> Subscription {
        self.0.signals.subscribe().into()
    }

    fn status(&self) -> Status {
        Status::Connected { reconnects: 0 }
    }

    fn counters(&self) -> Counters {
        Counters {
            connects: self.0.connects.load(Relaxed),
            ..Counters::default()
        }
    }
}

fn replica(broker: &Broker) -> (Replica, Ledger, Bookkeeper) {
    let own = BusId::new("config-server:8888:5f2b").unwrap();
    let wanted = |_: &_, _: &_| Version {
        current: None,
        held: None,
        is_for_all: true,
    };
    let settings = Settings { file: None };
    let (ledger, bookkeeper) = Ledger::open(settings, own.clone(), Box::new(wanted));
    let bus = Bus::over(broker.clone());
    let replica = Replica::new(bus, ledger.clone(), own, Replicas::default());
    (replica, ledger, bookkeeper.sharing())
}

fn applied() -> Report {
    Report {
        instance: BusId::new(ID).unwrap(),
        application: "orders".into(),
        profiles: "dev".into(),
        label: None,
        version: None,
        running: None,
        outcome: Outcome::Applied {
            restart: Vec::new(),
        },
        transport: None,
        poll_seconds: None,
    }
}

/// As it comes from another server.
fn heard(news: Value) -> Signal {
    let origin = BusId::new("config-server:8888:77aa").unwrap();
    let refresh = BusEvent::refresh("e1".into(), 5, &origin, &Destination::everyone());
    Signal::Message(Message::of(BusEvent {
        kind: EventKind::Ledger { news },
        ..refresh
    }))
}

#[test]
fn what_found_no_room_is_asked_for() {
    let (Replica { mut hears, .. }, ledger, _bookkeeper) = replica(&Broker::new());
    for _ in 0..10_000 {
        assert!(!hears.wishes.ask.load(Relaxed));
        hears.hear(heard(json!({ "instances": [] })));
        if ledger.dropped() > 0 {
            break;
        }
    }
    assert!(hears.wishes.ask.load(Relaxed));
    assert_eq!(ledger.dropped(), 1);
}

#[test]
fn what_this_server_said_itself_is_not_learnt() {
    let (Replica { mut hears, .. }, ledger, _bookkeeper) = replica(&Broker::new());
    let own = hears.own.clone();
    let said = |news| match heard(news) {
        Signal::Message(mut message) => {
            message.event.origin_service = own.to_string();
            Signal::Message(message)
        }
        signal @ Signal::LookAgain => signal,
    };
    hears.hear(said(json!({ ASKS: true })));
    assert!(!hears.wishes.tell_all.load(Relaxed), "nobody else asks");
    for _ in 0..1_000 {
        hears.hear(said(json!({ "instances": [] })));
    }
    assert_eq!(ledger.dropped(), 0);
    hears.hear(heard(json!({ ASKS: true })));
    assert!(hears.wishes.tell_all.load(Relaxed));
}

#[test]
fn servers_speak_beside_the_events_and_not_among_them() {
    let of_events = RabbitSettings::default().with(|rabbit| {
        rabbit.exchange = "teamBus".to_owned();
        rabbit.output_exchange = Some("out".to_owned());
        rabbit.routing_key = Some("key".to_owned());
        rabbit.binding_keys = vec!["orders.#".to_owned()];
        rabbit.group = Some("group".to_owned());
        rabbit.queue_name_group_only = true;
    });
    let own = exchange(&of_events);
    assert_eq!(own.exchange, "teamBus.confbus");
    assert_eq!((own.output_exchange, own.routing_key), (None, None));
    assert_eq!((own.group, own.queue_name_group_only), (None, false));
    assert_eq!(own.binding_keys, ["#"]);
    assert_ne!(own.connection_name, of_events.connection_name);
}

#[test]
fn who_only_fell_behind_asks_and_does_not_tell() {
    let broker = Broker::new();
    let (Replica { mut hears, .. }, ..) = replica(&broker);
    let wishes = Arc::clone(&hears.wishes);
    let mut wishes_after = |connects| {
        broker.0.connects.store(connects, Relaxed);
        hears.hear(Signal::LookAgain);
        [&wishes.ask, &wishes.tell_all].map(|wish| wish.swap(false, Relaxed))
    };
    assert_eq!(wishes_after(1), [true, true], "it is connected");
    assert_eq!(wishes_after(1), [true, false], "it fell behind");
    assert_eq!(wishes_after(2), [true, true], "it is back");
}

#[tokio::test(start_paused = true)]
async fn what_a_broker_did_not_take_is_said_again() {
    let broker = Broker::new();
    let (Replica { mut tells, .. }, ledger, bookkeeper) = replica(&broker);
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(bookkeeper.run(stop.clone()));
    ledger.reported(applied());
    tells.wishes.ask.store(true, Relaxed);
    broker.takes(false);
    tells.tell().await;
    assert_eq!(broker.taken(), [Value::Null; 0]);
    broker.takes(true);
    tells.tell().await;
    assert_eq!(broker.taken(), [Value::Null; 0], "not at once");
    tokio::time::advance(PACE).await;
    tells.tell().await;
    let taken = broker.taken();
    assert_eq!(taken[0], json!({ ASKS: true }));
    assert_eq!(taken[1]["instances"][0]["id"], ID);
    tells.tell().await;
    assert_eq!(broker.taken(), [Value::Null; 0], "nobody is told twice");
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_goes_on_refusing_is_tried_less_and_less() {
    let broker = Broker::new();
    let (Replica { mut tells, .. }, ledger, bookkeeper) = replica(&broker);
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(bookkeeper.run(stop.clone()));
    ledger.reported(applied());
    tells.wishes.ask.store(true, Relaxed);
    broker.takes(false);
    let mut offered_within = async |pause: Duration| {
        for _ in 0..pause.as_secs() {
            tokio::time::advance(PACE).await;
            tells.tell().await;
        }
        broker.offered()
    };
    offered_within(LONGEST * 2).await;
    // The question and the instance, each time.
    assert_eq!(offered_within(LONGEST * 4).await, 8);
    ledger.reported(applied());
    assert_eq!(offered_within(PACE * 2).await, 1, "what is new is said");
    broker.0.connects.fetch_add(1, Relaxed);
    assert_eq!(offered_within(PACE * 2).await, 2, "over a new connection");
    broker.takes(true);
    offered_within(LONGEST).await;
    let taken = broker.taken();
    assert_eq!(taken.len(), 2, "{taken:?}");
    assert_eq!(taken[1]["instances"][0]["id"], ID);
    ledger.reported(applied());
    assert_eq!(offered_within(PACE * 2).await, 1);
    broker.taken();
    broker.takes(false);
    ledger.reported(applied());
    offered_within(LONGEST * 2).await;
    broker.takes(true);
    ledger.reported(applied());
    let offered = offered_within(PACE * 2).await;
    assert_eq!(offered, 2, "what is new, and so everything");
    stop.cancel();
    keeping.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_meanwhile_is_told_by_the_next_time() {
    let broker = Broker::new();
    let (Replica { mut tells, .. }, ledger, bookkeeper) = replica(&broker);
    let stop = CancellationToken::new();
    let keeping = tokio::spawn(bookkeeper.run(stop.clone()));
    ledger.reported(applied());
    for _ in 0..REST.as_secs() * 3 {
        tells.wishes.tell_all.store(true, Relaxed);
        tells.tell().await;
        tokio::time::advance(PACE).await;
    }
    assert_eq!(broker.taken().len(), 3);
    stop.cancel();
    keeping.await.unwrap();
}
