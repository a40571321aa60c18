use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};

use super::*;
use crate::ledger::entry::{RefreshId, Started};

/// That of somebody who may see `orders`, and how often it was judged by names.
#[derive(Default)]
struct Orders(AtomicUsize);

impl Sight for Orders {
    fn is_whole(&self) -> bool {
        false
    }

    fn has_environment(&self, application: &str, _: &str, _: Option<&str>) -> bool {
        self.0.fetch_add(1, Ordering::Relaxed);
        application == "orders"
    }

    fn has_address(&self, application: &str, _: Option<&str>, _: Option<&str>) -> bool {
        application == "orders"
    }

    fn has_label(&self, _: &str) -> bool {
        true
    }

    fn may_be_meant(&self, destination: &Destination) -> bool {
        ["**", "orders:**"].contains(&destination.as_str())
    }
}

fn instance(application: &str) -> BusId {
    BusId::new(format!("{application}:dev:8081:ab12")).unwrap()
}

/// A refresh that told two applications, each also by its name.
fn told(origin: &str) -> Refresh {
    let started = Started {
        trigger: Trigger::Bus,
        labels: Vec::new(),
        pins: Vec::new(),
        origin: origin.to_owned(),
    };
    let mut refresh = Refresh::new(RefreshId::random(), started, 5);
    for (order, destination) in ["**", "orders:**", "payments:**"].into_iter().enumerate() {
        let event = Event {
            id: format!("of {destination}"),
            order: order as u64,
            destination: Some(destination.to_owned()),
        };
        refresh.publish(event, destination.to_owned(), 5);
    }
    for application in ["orders", "payments"] {
        let instance = instance(application);
        refresh.tell(&instance);
        for what in [What::Acked, What::Fetched, What::Applied] {
            refresh.happened(what, Some(&instance), None, 6);
        }
    }
    refresh
}

fn view(records: &Records, sight: &dyn Sight) -> Value {
    let view = serde_json::to_value(refreshes(records, usize::MAX, sight, 9)).unwrap();
    view["refreshes"].clone()
}

#[test]
fn who_asked_and_which_events_are_shown_to_those_who_see_them() {
    let mut records = Records::default();
    let mut old = told("config-server:8888:5f2b");
    // Noted before destinations were.
    old.events[1].destination = None;
    for refresh in [
        told("orders:dev:8081:ab12"),
        told("payments:dev:8081:ab12"),
        old,
    ] {
        records.refreshes.push_back(Arc::new(refresh));
    }
    let some = view(&records, &Orders::default());
    for (number, origin, events) in [
        (
            2,
            json!("orders:dev:8081:ab12"),
            json!(["of **", "of orders:**"]),
        ),
        (1, Value::Null, json!(["of **", "of orders:**"])),
        (0, Value::Null, json!(["of **"])),
    ] {
        let seen = &some[number];
        assert_eq!((&seen["origin"], &seen["events"]), (&origin, &events));
        assert!(!seen.to_string().contains("payments"), "{seen}");
    }
    let all = view(&records, &crate::ledger::sight::Everything);
    assert_eq!(all[0]["origin"], "config-server:8888:5f2b");
    let ids = json!(["of **", "of orders:**", "of payments:**"]);
    assert!((0..3).all(|number| all[number]["events"] == ids), "{all}");
}

#[test]
fn an_instance_is_judged_once_for_all_refreshes() {
    let mut records = Records::default();
    for _ in 0..10 {
        let refresh = told("orders:dev:8081:ab12");
        records.refreshes.push_back(Arc::new(refresh));
    }
    let sight = Orders::default();
    let seen = view(&records, &sight);
    assert_eq!(seen.as_array().unwrap().len(), 10);
    assert_eq!(sight.0.load(Ordering::Relaxed), 2);
}
