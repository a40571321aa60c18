use std::sync::Arc;

use confbus_protocol::{CommitId, Destination};
use confbus_resolution::KeyChange;

use super::*;
use crate::{
    ledger::{
        entry::{RefreshId, Started},
        sight::Everything,
    },
    pins::{Address, PinStep, PinWhat},
};

/// That of somebody who may see one profile of `shop`.
struct Prod;

impl Sight for Prod {
    fn is_whole(&self) -> bool {
        false
    }

    fn has_environment(&self, application: &str, profiles: &str, _: Option<&str>) -> bool {
        (application, profiles) == ("shop", "prod")
    }

    fn has_address(&self, _: &str, _: Option<&str>, _: Option<&str>) -> bool {
        false
    }

    fn has_label(&self, _: &str) -> bool {
        true
    }

    fn may_be_meant(&self, _: &Destination) -> bool {
        false
    }
}

/// A move that instances of several addresses applied, one second after another.
fn moved() -> Records {
    let started = Started {
        trigger: Trigger::Bus,
        labels: Vec::new(),
        pins: Vec::new(),
        origin: "config-server:8888:5f2b".to_owned(),
    };
    let mut refresh = Refresh::new(RefreshId::random(), started, 0);
    refresh.labels.push(Moved {
        repository: "repo".to_owned(),
        label: "main".to_owned(),
        from: None,
        to: "9f2c1ab".to_owned(),
        generation: None,
        authorship: None,
    });
    for (second, id) in (1..).zip(["shop:prod:1:a", "shop:dev:1:b", "orders:dev:1:c"]) {
        let id = BusId::new(id).unwrap();
        refresh.tell(&id);
        refresh.happened(What::Applied, Some(&id), None, second * 1000);
    }
    let mut changes = Changes::default();
    changes.note("shop", &[("pool".to_owned(), KeyChange::Changed)].into());
    refresh.changes = Some(changes);
    let mut records = Records::default();
    records.refreshes.push_back(Arc::new(refresh));
    records
}

fn filter(profile: Option<&str>) -> HistoryFilter {
    HistoryFilter {
        application: "shop".to_owned(),
        labels: vec!["main".to_owned()],
        instances: FleetFilter {
            application: Some("shop".to_owned()),
            profile: profile.map(str::to_owned),
            label: None,
        },
        request: address("shop/prod").request().unwrap(),
        named: HashMap::from([("repo".to_owned(), "now".to_owned())]),
        pins: Arc::default(),
    }
}

fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

fn pin(address: Address) -> Pin {
    Pin {
        id: address.to_string(),
        address,
        repository: "repo".to_owned(),
        commit: CommitId::from_bytes([1; 20]),
        reason: "INC-812".to_owned(),
        by: "jo".to_owned(),
        since: 1000,
        until: 9000,
    }
}

/// A refresh without moves that tells what became of a pin.
fn stepped(step: PinStep, now: i64) -> Arc<Refresh> {
    let started = Started {
        trigger: Trigger::Pin,
        labels: Vec::new(),
        pins: vec![step],
        origin: String::new(),
    };
    Arc::new(Refresh::new(RefreshId::random(), started, now))
}

/// A move at this second.
fn moved_to(commit: &str, second: i64) -> Arc<Refresh> {
    let mut refresh = Refresh::clone(&moved().refreshes[0]);
    refresh.labels[0].to = commit.to_owned();
    refresh.started = second * 1000;
    Arc::new(refresh)
}

fn entry(profile: Option<&str>, sight: &dyn Sight) -> HistoryEntry {
    history(&moved(), &filter(profile), sight, 9000).remove(0)
}

#[test]
fn a_key_is_lost_where_it_was_removed_last() {
    let records = moved();
    let mut refresh = Refresh::clone(&records.refreshes[0]);
    let mut changes = Changes::default();
    changes.note("shop", &[("gone".to_owned(), KeyChange::Removed)].into());
    refresh.changes = Some(changes);
    let mut records = records;
    records.refreshes.push_front(Arc::new(refresh));
    let lost = |key: &str, sight: &dyn Sight| removal(&records, &filter(None), key, sight);
    let commit = lost("gone", &Everything).map(|removal| removal.commit);
    assert_eq!(commit.as_deref(), Some("9f2c1ab"));
    assert_eq!(lost("pool", &Everything), None);
    assert_eq!(lost("gone", &Prod), None);
}

#[test]
fn an_entry_tells_only_of_what_is_asked_for_and_seen() {
    for (profile, sight, keys, took) in [
        (Some("prod"), &Everything as &dyn Sight, Some(1), 1.0),
        (None, &Everything, Some(1), 2.0),
        (None, &Prod, None, 1.0),
    ] {
        let entry = entry(profile, sight);
        assert_eq!((entry.keys, entry.took_seconds), (keys, Some(took)));
    }
}

#[test]
fn what_is_pinned_is_given_until_it_is_let_go_and_moves_meanwhile_are_not() {
    let prod = pin(address("shop/prod"));
    let others = [pin(address("shop/dev")), pin(address("shop/prod/next"))];
    let mut records = Records::default();
    records.refreshes.extend([
        moved_to("a", 0),
        stepped(PinStep::pinned(&prod), 1000),
        stepped(PinStep::pinned(&others[0]), 1000),
        stepped(PinStep::pinned(&others[1]), 1000),
        moved_to("b", 2),
        stepped(PinStep::released(&prod, "ana", Some("mended")), 3000),
        moved_to("c", 5),
    ]);
    let entries = history(&records, &filter(None), &Everything, 9000);
    let held = prod.commit.to_string();
    let told = |entry: &HistoryEntry| {
        let pin = entry.pin.as_ref();
        let pin = pin.map(|pin| (pin.what, pin.by.clone(), pin.reason.clone()));
        (entry.commit.clone(), entry.lived_seconds, pin)
    };
    let by = |what, by: &str, why: &str| Some((what, by.to_owned(), why.to_owned()));
    assert_eq!(
        entries.iter().map(told).collect::<Vec<_>>(),
        [
            ("c".to_owned(), 4.0, None),
            ("b".to_owned(), 2.0, by(PinWhat::Released, "ana", "mended")),
            (held.clone(), 2.0, by(PinWhat::Pinned, "jo", "INC-812")),
            ("a".to_owned(), 1.0, None),
        ]
    );
    assert_eq!(entries[1].before, Some(held));
    // Who may not see who decides is told what was given all the same.
    let seen = history(&records, &filter(None), &Prod, 9000);
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|entry| entry.pin.is_none()));
}

#[test]
fn what_a_label_named_when_a_pin_ended_is_told_by_the_next_move_too() {
    let prod = pin(address("shop"));
    let mut records = Records::default();
    records
        .refreshes
        .push_back(stepped(PinStep::ended(&prod), 1000));
    let commit = |records: &Records| {
        let mut entries = history(records, &filter(None), &Everything, 9000);
        entries.pop().map(|entry| entry.commit)
    };
    assert_eq!(commit(&records).as_deref(), Some("now"));
    let mut next = Refresh::clone(&moved_to("c", 5));
    next.labels[0].from = Some("b".to_owned());
    records.refreshes.push_back(Arc::new(next));
    assert_eq!(commit(&records).as_deref(), Some("b"));
}

/// A filter for somebody whose address some pins hold now.
fn held_by(pins: &[&Pin]) -> HistoryFilter {
    let pins = pins.iter().map(|&pin| pin.clone()).collect();
    HistoryFilter {
        pins: Arc::new(pins::List::of(pins)),
        ..filter(None)
    }
}

fn commits(records: &Records, filter: &HistoryFilter) -> Vec<(String, Option<String>)> {
    let entries = history(records, filter, &Everything, 9000).into_iter();
    entries.map(|entry| (entry.commit, entry.before)).collect()
}

#[test]
fn a_pin_whose_begin_is_forgotten_holds_all_the_same() {
    let prod = pin(address("shop/prod"));
    let others = [pin(address("shop/dev")), pin(address("shop/prod/next"))];
    let mut records = Records::default();
    records
        .refreshes
        .extend([moved_to("a", 0), moved_to("b", 2), moved_to("c", 3)]);
    let a = ("a".to_owned(), None);
    // It holds now.
    let filter = held_by(&[&prod, &others[0], &others[1]]);
    assert_eq!(commits(&records, &filter), std::slice::from_ref(&a));
    // It was let go.
    let released = stepped(PinStep::released(&prod, "ana", None), 4000);
    records.refreshes.extend([released, moved_to("d", 5)]);
    let held = Some(prod.commit.to_string());
    let d = ("d".to_owned(), None);
    let c = |before| ("c".to_owned(), before);
    let all = commits(&records, &held_by(&[]));
    assert_eq!(all, [d.clone(), c(Some("a".to_owned())), a]);
    records.refreshes.pop_front();
    assert_eq!(commits(&records, &held_by(&[])), [d, c(held)]);
}

#[test]
fn a_pin_holds_its_repository_and_no_other() {
    let here = pin(address("shop/prod"));
    let there = Pin {
        id: "there".to_owned(),
        repository: "other".to_owned(),
        commit: CommitId::from_bytes([2; 20]),
        ..here.clone()
    };
    let moved_there = |commit: &str, second| {
        let mut refresh = Refresh::clone(&moved_to(commit, second));
        refresh.labels[0].repository = "other".to_owned();
        Arc::new(refresh)
    };
    let mut filter = filter(None);
    filter.named.insert("other".to_owned(), "there".to_owned());
    let mut records = Records::default();
    records.refreshes.extend([
        stepped(PinStep::pinned(&here), 1000),
        moved_there("a", 2),
        stepped(PinStep::pinned(&there), 3000),
        moved_to("b", 4),
        moved_there("c", 4),
        stepped(PinStep::ended(&there), 5000),
        moved_to("d", 6),
        stepped(PinStep::ended(&here), 7000),
    ]);
    let some = |text: &str| Some(text.to_owned());
    let [held, held_there] = [&here, &there].map(|pin| pin.commit.to_string());
    assert_eq!(
        commits(&records, &filter),
        [
            ("d".to_owned(), some(&held)),
            ("c".to_owned(), some(&held_there)),
            (held_there, some("a")),
            ("a".to_owned(), None),
            (held, None),
        ]
    );
}

#[test]
fn what_no_move_tells_is_what_the_label_names_in_the_same_repository() {
    let there = Pin {
        repository: "other".to_owned(),
        ..pin(address("shop"))
    };
    let mut filter = filter(None);
    filter.named.insert("other".to_owned(), "there".to_owned());
    let mut records = Records::default();
    let ended = stepped(PinStep::ended(&there), 1000);
    records.refreshes.extend([ended, moved_to("b", 2)]);
    let told = commits(&records, &filter);
    assert_eq!(told.last().map(|(commit, _)| &**commit), Some("there"));
}
