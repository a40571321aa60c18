mod acks;
mod learn;
mod summed;
mod there;

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use confbus_protocol::{Application, CommitId, Destination, Label, Profiles};
use confbus_resolution::KeyChange;
use serde_json::Value;

use super::*;
use crate::ledger::{
    Version,
    changes::Changes,
    entry::{Answered, Current, LabelMoved, Noted, RefreshId, Started, Trigger},
    sight::Everything,
    standing,
    view::{self, InstanceFilter},
};

/// A ledger, a clock, and the version that everyone is to run.
struct World {
    book: Book,
    now: i64,
    wanted: Option<String>,
    refreshes: Vec<RefreshId>,
}

/// Ids of the second generation, with and without profiles.
const A: &str = "orders:8081:a";
const B: &str = "orders:8081:b";
const SERVER: &str = "config-server:8888:5f2b";

fn commit(number: u8) -> CommitId {
    CommitId::from_bytes([number; 20])
}

fn request(application: &str, profiles: &str) -> EnvironmentRequest {
    EnvironmentRequest {
        application: Application::parse(application).unwrap(),
        profiles: Profiles::parse(profiles).unwrap(),
        label: None,
    }
}

fn id(text: &str) -> BusId {
    BusId::new(text).unwrap()
}

impl World {
    fn new() -> Self {
        Self {
            book: Book::new(id(SERVER), Records::default()),
            now: 1_000_000,
            wanted: Some(commit(1).to_string()),
            refreshes: Vec::new(),
        }
    }

    fn write(&mut self, entry: Entry) {
        self.now += 1;
        self.book.write(entry, self.now);
    }

    fn after(&mut self, seconds: i64) {
        self.now += seconds * 1000;
        self.book.forget(self.now);
    }

    /// Moves the label and publishes to everyone who is called so; the event's id is its number, `e0` at first.
    fn push(&mut self, from: u8, to: u8, destination: &str) {
        self.wanted = self.wanted.take().map(|_| commit(to).to_string());
        let moved = LabelMoved {
            repository: "repo".into(),
            label: Label::parse("main").unwrap(),
            from: Some(commit(from)),
            to: commit(to),
            authorship: None,
            generation: u64::from(to),
        };
        let id = RefreshId::random();
        let started = Started {
            trigger: Trigger::Push,
            labels: vec![moved],
            pins: Vec::new(),
            origin: SERVER.into(),
        };
        self.write(Entry::Started(id.clone(), started));
        self.refreshes.push(id);
        self.publish(destination);
    }

    fn publish(&mut self, destination: &str) {
        self.note(destination, Noted::Published);
    }

    /// The bus did not take what was published for this destination.
    fn fails(&mut self, destination: &str) {
        self.note(destination, |event| {
            Noted::Failed(event, "no broker".into())
        });
    }

    fn note(&mut self, destination: &str, noted: impl FnOnce(BusEvent) -> Noted) {
        let number = self.refreshes.len() - 1;
        let event = BusEvent::refresh(
            format!("e{number}"),
            self.now,
            &id(SERVER),
            &Destination::complete(destination),
        );
        let refresh = self.refreshes[number].clone();
        self.write(Entry::Noted(refresh, noted(event)));
    }

    fn reads(&mut self, profiles: &str, version: u8) {
        self.read(profiles, version, None, None);
    }

    /// A read under a name, as a Spring application with a header sends it.
    fn reads_as(&mut self, instance: &str, version: u8) {
        self.read("default", version, Some(instance), None);
    }

    /// A read of our own client.
    fn polls(&mut self, instance: &str, version: u8, running: u8) {
        self.read("default", version, Some(instance), Some(running));
    }

    fn read(&mut self, profiles: &str, version: u8, instance: Option<&str>, running: Option<u8>) {
        self.write(Entry::Read(Read {
            answered: Arc::new(Answered {
                request: request("orders", profiles),
                version: Some(commit(version).to_string()),
                is_environment: true,
            }),
            stands_for_more: false,
            instance: instance.map(id),
            running: running.map(|running| commit(running).to_string()),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }));
    }

    fn acks(&mut self, instance: &str, event: &str) {
        let kind = EventKind::Ack {
            ack_id: Some(event.into()),
            ack_destination_service: Some("**".into()),
            event: None,
        };
        self.hears(instance, kind);
    }

    fn hears(&mut self, origin: &str, kind: EventKind) {
        self.write(Entry::Heard(BusEvent {
            id: format!("{origin}'s"),
            origin_service: origin.into(),
            destination_service: Some("**".into()),
            timestamp: 0,
            kind,
        }));
    }

    fn reports(&mut self, instance: &str, version: u8, outcome: Outcome) {
        self.write(Entry::Reported(Report {
            instance: id(instance),
            application: "orders".into(),
            profiles: "default".into(),
            label: None,
            version: Some(commit(version).to_string()),
            running: Some(commit(1).to_string()),
            outcome,
            transport: Some("stream".into()),
            poll_seconds: Some(30),
        }));
    }

    fn applies(&mut self, instance: &str, version: u8) {
        let restart = Vec::new();
        self.reports(instance, version, Outcome::Applied { restart });
    }

    fn refuses(&mut self, instance: &str, version: u8) {
        let reason = "`pool.max`: at least 1".into();
        self.reports(instance, version, Outcome::Rejected { reason });
    }

    fn unchanged(&mut self, from: u8, to: u8) {
        let request = request("orders", "default");
        let (from, to) = (commit(from), commit(to));
        self.write(Entry::Unchanged { request, from, to });
    }

    fn instances(&self) -> Value {
        let wanted = |_: &EnvironmentRequest, _: &BusId| Version {
            current: self.wanted.clone().map(|version| Current {
                version,
                generation: None,
            }),
            held: None,
            is_for_all: true,
        };
        let filter = InstanceFilter::default();
        let view = view::instances(self.book.records(), &filter, &Everything, self.now, wanted);
        serde_json::to_value(view).unwrap()
    }

    fn instance(&self, instance: &str) -> Value {
        let all = self.instances();
        let mut all = all["instances"].as_array().unwrap().iter();
        all.find(|one| one["instance"] == instance)
            .cloned()
            .unwrap_or_default()
    }

    /// `live report`, and the same in the last refresh that told it.
    #[track_caller]
    fn check(&self, instance: &str, expected: &str) {
        assert_eq!(state_of(&self.instance(instance)), expected, "{instance}");
    }

    /// What became of an instance in the refresh with this number.
    #[track_caller]
    fn check_told(&self, number: usize, instance: &str, expected: &str) {
        let told = self.refresh(number)["told"].clone();
        let told = told.as_array().unwrap();
        let answer = told.iter().find(|answer| answer["instance"] == instance);
        assert_eq!(
            answer.map(state_of).unwrap_or_default(),
            expected,
            "{told:?}"
        );
    }

    fn refresh(&self, number: usize) -> Value {
        let id = self.refreshes[number].as_str();
        let view = view::refresh(self.book.records(), id, &Everything, self.now).unwrap();
        serde_json::to_value(view).unwrap()
    }

    fn timeline(&self, number: usize) -> Vec<String> {
        let timeline = self.refresh(number)["timeline"].clone();
        let timeline = timeline.as_array().unwrap().iter();
        timeline
            .map(|moment| moment["what"].as_str().unwrap().to_owned())
            .collect()
    }
}

fn state_of(view: &Value) -> String {
    match (view["state"].as_str(), view["evidence"].as_str()) {
        (Some(state), Some(evidence)) => format!("{state} {evidence}"),
        _ => "unknown".into(),
    }
}

#[test]
fn our_client_says_what_it_runs() {
    let mut world = World::new();
    world.reads_as(A, 1);
    world.check(A, "served read");
    world.applies(A, 1);
    world.check(A, "live report");

    world.push(1, 2, "orders");
    world.check(A, "told none");
    world.polls(A, 2, 1);
    world.check(A, "applying read");
    world.check_told(0, A, "applying read");
    world.applies(A, 2);
    world.check(A, "live report");
    world.check_told(0, A, "live report");
    assert_eq!(world.timeline(0), ["published", "fetched", "applied"]);
    assert_eq!(world.instance(A)["refresh"], world.refreshes[0].as_str());
}

#[test]
fn a_version_in_a_header_is_as_good_as_a_report() {
    let mut world = World::new();
    world.polls(A, 1, 1);
    world.check(A, "live report");
    world.push(1, 2, "orders");
    world.polls(A, 2, 2);
    world.check_told(0, A, "live report");
}

#[test]
fn a_refused_version_shows_its_reason_until_it_is_replaced() {
    let mut world = World::new();
    world.applies(A, 1);
    world.push(1, 2, "orders");
    world.polls(A, 2, 1);
    world.refuses(A, 2);
    world.check(A, "rejected report");
    assert_eq!(world.instance(A)["reason"], "`pool.max`: at least 1");
    assert_eq!(world.instance(A)["applied"], commit(1).to_string());
    world.check_told(0, A, "rejected report");

    world.polls(A, 2, 1);
    world.check(A, "rejected report");
    world.push(2, 3, "orders");
    world.check(A, "told none");
    assert_eq!(world.instance(A)["reason"], Value::Null);
    world.applies(A, 3);
    world.check(A, "live report");
}

#[test]
fn what_was_refused_is_refused_as_long_as_it_says_the_same() {
    let mut world = World::new();
    world.applies(A, 1);
    world.push(1, 2, "orders");
    world.refuses(A, 2);
    world.push(2, 3, "billing");
    world.unchanged(2, 3);
    world.check(A, "rejected report");
}

#[test]
fn keys_that_wait_for_a_restart_are_named() {
    let mut world = World::new();
    let restart = vec!["server.port".into()];
    world.reports(A, 1, Outcome::Applied { restart });
    world.check(A, "restart report");
    assert_eq!(world.instance(A)["restart"][0], "server.port");
    world.polls(A, 1, 1);
    world.check(A, "restart report");
}

#[test]
fn a_commit_that_says_the_same_leaves_nobody_behind() {
    let mut world = World::new();
    world.applies(A, 1);
    for to in 2..40 {
        world.push(to - 1, to, "billing");
        world.unchanged(to - 1, to);
    }
    world.check(A, "same report");
    world.push(39, 40, "orders");
    world.check(A, "told none");
}

#[test]
fn a_report_that_comes_late_is_the_same_all_the_same() {
    let mut world = World::new();
    world.reads_as(A, 1);
    world.push(1, 2, "billing");
    world.unchanged(1, 2);
    world.applies(A, 1);
    world.check(A, "same report");
}

#[test]
fn our_own_events_and_acks_are_nobody_elses() {
    let mut world = World::new();
    world.push(1, 2, "**");
    world.hears(SERVER, EventKind::Refresh);
    world.acks(SERVER, "e0");
    assert!(
        world.instances()["instances"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(world.book.records().refreshes.len(), 1);
}

#[test]
fn only_those_who_are_meant_are_told() {
    let mut world = World::new();
    world.applies(A, 1);
    world.push(1, 2, "billing");
    world.check_told(0, A, "");
    world.publish("ord*");
    world.check_told(0, A, "told none");
    assert_eq!(
        world.refresh(0)["destinations"],
        serde_json::json!(["billing:**", "ord*:**"])
    );
}

#[test]
fn nobody_is_told_by_an_event_that_did_not_go_out() {
    let mut world = World::new();
    world.acks(A, "unknown");
    world.push(1, 2, "orders");
    world.acks(A, "e0");
    world.push(2, 3, "orders");
    assert_eq!(world.instance(A)["refresh"], world.refreshes[1].as_str());
    world.fails("orders");
    world.check_told(1, A, "");
    assert_eq!(world.instance(A)["refresh"], world.refreshes[0].as_str());
    assert_eq!(world.timeline(1), ["failed"]);
    let refresh = world.refresh(1);
    assert_eq!(refresh["published"], Value::Null);
    assert_eq!(refresh["events"], serde_json::json!([]));
    assert_eq!(refresh["destinations"], serde_json::json!([]));
    // Nobody was asked, so nobody is silent.
    world.after(3600);
    world.check(A, "told ack");
}

#[test]
fn what_fails_takes_nothing_from_what_went_out() {
    let mut world = World::new();
    world.acks(A, "unknown");
    world.reads_as(B, 1);
    world.push(1, 2, "orders");
    world.reads_as(B, 2);
    world.publish("ord*");
    world.fails("ord*");
    world.check_told(0, A, "told none");
    world.check_told(0, B, "served read");
    assert_eq!(
        world.refresh(0)["destinations"],
        serde_json::json!(["orders:**"])
    );
    assert_eq!(world.timeline(0), ["published", "fetched", "failed"]);
}

#[test]
fn what_is_owed_is_settled_by_any_later_event_for_them() {
    let mut world = World::new();
    let [orders, billing] = ["orders", "billing"].map(Destination::complete);
    let everyone = Destination::everyone();
    let note = |world: &mut World, number: usize, noted| {
        let refresh = world.refreshes[number].clone();
        world.write(Entry::Noted(refresh, noted));
    };
    for number in [0, 1] {
        world.push(number, number + 1, "orders");
        let owed = vec![orders.clone(), billing.clone()];
        note(&mut world, number.into(), Noted::Owed(owed));
    }
    note(&mut world, 1, Noted::Taken(orders));
    assert_eq!(
        world.book.records().owed(),
        [billing.clone(), billing.clone()]
    );
    note(&mut world, 0, Noted::Taken(everyone.clone()));
    assert!(world.book.records().owed().is_empty());
    note(&mut world, 1, Noted::Owed(vec![billing; 101]));
    assert_eq!(world.book.records().owed(), [everyone]);
}

#[test]
fn contents_of_other_coordinates_are_not_compared() {
    let mut world = World::new();
    world.polls(A, 1, 1);
    world.check(A, "live report");
    // The first content that is known there, too.
    world.wanted = Some(commit(9).to_string());
    world.read("dev", 9, Some(B), Some(9));
    world.read("dev", 9, Some(A), Some(1));
    world.check(A, "applying read");
}

#[test]
fn whoever_misses_three_polls_is_silent_and_forgotten_after_a_day() {
    let mut world = World::new();
    world.applies(A, 1);
    world.after(89);
    world.check(A, "live report");
    world.after(2);
    world.check(A, "silent none");
    let meant = |fleet: Fleet| fleet.meant_by(&Destination::everyone());
    assert_eq!(world.book.instances(), 1);
    assert_eq!(
        meant(world.book.fleet(world.now)),
        0,
        "who is silent is not waited for"
    );
    world.polls(A, 1, 1);
    world.check(A, "live report");
    world.after(25 * 3600);
    world.check(A, "unknown");
}

#[test]
fn whoever_never_answers_is_forgotten_though_it_is_told_again_and_again() {
    let mut world = World::new();
    world.acks(A, "unknown");
    world.after(7 * 24 * 3600);
    for number in 1..26 {
        world.push(number, number + 1, "orders");
        world.after(3600);
    }
    world.check(A, "unknown");
}

#[test]
fn without_versions_times_tell() {
    let mut world = World::new();
    world.wanted = None;
    world.applies(A, 1);
    world.check(A, "live report");
    world.push(1, 2, "orders");
    world.check(A, "told none");
    world.reads_as(A, 2);
    world.check(A, "applying read");
    world.refuses(A, 2);
    world.check(A, "rejected report");
    world.applies(A, 3);
    world.check(A, "live report");
}

#[test]
fn nothing_grows_without_bound() {
    let mut world = World::new();
    for number in 0..12_000 {
        world.write(Entry::Read(Read {
            answered: Arc::new(Answered {
                request: request(&format!("a{number}"), "default"),
                version: None,
                is_environment: true,
            }),
            stands_for_more: false,
            instance: (number % 2 == 0).then(|| id(&format!("a{number}:1:x"))),
            running: None,
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        }));
        let records = world.book.records();
        assert!(records.coordinates.len() <= 10_000);
    }
    for number in 0..11_000 {
        world.acks(&format!("b:{number}:x"), "unknown");
    }
    let records = world.book.records();
    assert!(records.instances.len() <= 10_000 && records.instances.len() > 8_000);
    assert!(records.readers.len() <= 10_000);
    assert_eq!(world.book.known().len(), records.coordinates.len());
}

#[test]
fn refreshes_do_not_grow_without_bound() {
    let mut world = World::new();
    for number in 0..1100 {
        world.acks(&format!("b:{number}:x"), "unknown");
    }
    for number in 0..210 {
        world.push(number, number + 1, "**");
    }
    let records = world.book.records();
    assert_eq!(records.refreshes.len(), 200);
    assert_eq!(records.refreshes.back().unwrap().told.len(), 1000);
    assert!(
        records
            .instances
            .values()
            .all(|instance| instance.told.is_some())
    );

    let mut world = World::new();
    world.push(1, 2, "x");
    (0..600).for_each(|_| world.publish(&"y".repeat(600)));
    let refresh = &world.book.records().refreshes[0];
    assert_eq!((refresh.events.len(), refresh.timeline.len()), (100, 500));
    assert_eq!(refresh.destinations[1].len(), 512);
}

#[test]
fn the_keys_of_the_oldest_refreshes_are_forgotten() {
    let mut world = World::new();
    let keys = (0..100).map(|number| (format!("key-{number}"), KeyChange::Added));
    let keys = keys.collect();
    let mut changes = Changes::default();
    (0..10).for_each(|number| changes.note(&format!("app-{number}"), &keys));
    for number in 0..20 {
        world.push(number, number + 1, "**");
        let id = world.refreshes.last().unwrap().clone();
        world.write(Entry::Noted(id, Noted::Changes(changes.clone())));
    }
    let refreshes = &world.book.records().refreshes;
    let known = refreshes.iter().map(|refresh| refresh.changes.is_some());
    let known: Vec<_> = known.collect();
    // Nine times a thousand keys of ten applications.
    assert_eq!(known.iter().filter(|is_known| **is_known).count(), 9);
    assert!(known[11..].iter().all(|is_known| *is_known));
    assert_eq!(world.refresh(0)["changes"], Value::Null);
    assert_eq!(world.refresh(19)["changes"]["more"], 0);
}
