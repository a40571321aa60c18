//! Two servers, one of which hears what the other has noted.

use tokio::sync::Semaphore;

use super::*;
use crate::ledger::news::{News, Tell, Untold};

const OTHER: &str = "config-server:8888:77aa";

/// Servers that know nothing yet.
fn servers() -> (World, World) {
    let mut first = World::new();
    first.book.untold = Some(Untold::default());
    let mut second = World::new();
    second.book.own = id(OTHER);
    second.book.untold = Some(Untold::default());
    (first, second)
}

/// What a server has noted since it was asked last.
fn told(world: &mut World) -> Vec<Value> {
    world.book.tell(Tell::Changes, world.now).parts(world.now)
}

fn hear(world: &mut World, news: &[Value]) {
    for news in news {
        let news = News::of(news).unwrap();
        let place = Arc::new(Semaphore::new(1)).try_acquire_owned().unwrap();
        world.write(Entry::Learnt(Box::new(news), place));
    }
}

#[test]
fn a_name_that_is_too_long_is_neither_kept_nor_told() {
    let (mut first, _) = servers();
    let long = format!("orders:{}:8081:ab12", "x".repeat(LONGEST_TEXT));
    first.reads_as(&long, 1);
    first.applies(&long, 1);
    first.reports(&long, 1, Outcome::Leaving);
    first.acks(&long, "e0");
    assert_eq!(first.book.instances(), 0);
    let untold = first.book.untold.as_ref().unwrap();
    assert!(untold.instances.is_empty() && untold.left.is_empty());
}

#[test]
fn whoever_reports_to_one_is_shown_by_the_other() {
    let (mut first, mut second) = servers();
    first.applies(A, 1);
    first.reads_as(B, 1);
    let news = told(&mut first);
    assert_eq!(news.len(), 1, "one message for both");
    hear(&mut second, &news);
    second.check(A, "live report");
    second.check(B, "served read");
    assert_eq!(second.instance(A)["transport"], "stream");
    assert!(told(&mut first).is_empty(), "nobody is told twice");
    assert!(told(&mut second).is_empty(), "nor told what was heard");
    first.reports(A, 1, Outcome::Leaving);
    hear(&mut second, &told(&mut first));
    second.check(A, "unknown");
    first.applies(B, 1);
    first.reports(B, 1, Outcome::Leaving);
    first.applies(B, 1);
    hear(&mut second, &told(&mut first));
    second.check(B, "live report");
}

#[test]
fn neither_order_nor_repetition_makes_a_difference() {
    let (mut first, _) = servers();
    // What was refused is shown where it is wanted.
    first.wanted = Some(commit(2).to_string());
    first.applies(A, 1);
    let mut news = told(&mut first);
    first.refuses(A, 2);
    news.extend(told(&mut first));
    first.polls(A, 3, 1);
    news.extend(told(&mut first));
    first.reports(A, 3, Outcome::Leaving);
    news.extend(told(&mut first));
    let expected = first.instance(A);
    assert_ne!(expected, Value::Null, "what it refused is still shown");
    for order in [
        [0, 1, 2, 3],
        [3, 2, 1, 0],
        [3, 0, 1, 2],
        [1, 3, 2, 0],
        [2, 0, 3, 1],
    ] {
        let (_, mut second) = servers();
        (second.now, second.wanted) = (first.now, first.wanted.clone());
        for turn in order.into_iter().chain(order) {
            hear(&mut second, &news[turn..=turn]);
        }
        assert_eq!(second.instance(A), expected, "{order:?}");
    }
}

#[test]
fn who_has_left_does_not_come_back_by_what_is_heard_late() {
    let (mut first, mut second) = servers();
    first.reads_as(A, 1);
    first.applies(B, 1);
    let before = told(&mut first);
    // It takes leave of the one that has not heard of it.
    second.now = first.now;
    second.reports(A, 1, Outcome::Leaving);
    second.reports(B, 1, Outcome::Leaving);
    hear(&mut second, &before);
    for left in [A, B] {
        second.check(left, "unknown");
    }
    let leaving = told(&mut second);
    hear(&mut first, &leaving);
    hear(&mut first, &before);
    first.check(A, "unknown");
    first.check(B, "unknown");
    // Another process of this name is there.
    first.now += 1000;
    first.applies(A, 1);
    second.now = first.now;
    hear(&mut second, &told(&mut first));
    hear(&mut first, &leaving);
    for world in [&first, &second] {
        world.check(A, "live report");
    }
}

#[test]
fn who_was_away_hears_who_has_left_for_as_long_as_that_is_kept() {
    let (mut first, mut second) = servers();
    first.reads_as(A, 1);
    hear(&mut second, &told(&mut first));
    first.now = second.now;
    first.reports(A, 1, Outcome::Leaving);
    told(&mut first);
    let all = |world: &mut World| world.book.tell(Tell::All, world.now).parts(world.now);
    second.now = first.now;
    hear(&mut second, &all(&mut first));
    second.check(A, "unknown");
    assert_eq!(second.book.instances(), 0);
    first.after(2 * 60 * 60);
    assert_eq!(all(&mut first), [Value::Null; 0]);
}

#[test]
fn a_refresh_has_one_name_and_one_outcome() {
    let (mut first, mut second) = servers();
    first.applies(A, 1);
    first.applies(B, 1);
    hear(&mut second, &told(&mut first));
    first.push(1, 2, "orders");
    // Its event comes by itself, and before anything else.
    let event = BusEvent::refresh(
        "e0".into(),
        0,
        &id(SERVER),
        &Destination::complete("orders"),
    );
    second.write(Entry::Heard(event));
    let name = second.book.records.refreshes[0].id.to_string();
    first.applies(A, 2);
    hear(&mut second, &told(&mut first));
    second.now = first.now;
    second.refuses(B, 2);
    hear(&mut first, &told(&mut second));
    first.now = second.now;
    second.refreshes = first.refreshes.clone();
    for world in [&first, &second] {
        world.check_told(0, A, "live report");
        world.check_told(0, B, "rejected report");
        assert_eq!(world.refresh(0)["labels"][0]["to"], commit(2).to_string());
        assert_eq!(world.instance(A)["refresh"], first.refreshes[0].as_str());
        assert_eq!(world.book.records.refreshes.len(), 1);
    }
    let by_name = view::refresh(second.book.records(), &name, &Everything, second.now);
    assert!(by_name.is_some(), "links lead to it");
}

#[test]
fn who_was_away_is_told_everything() {
    let (mut first, mut second) = servers();
    first.applies(A, 1);
    first.push(1, 2, "orders");
    first.applies(A, 2);
    told(&mut first);
    second.wanted = first.wanted.clone();
    second.now = first.now;
    let all = first.book.tell(Tell::All, first.now).parts(first.now);
    hear(&mut second, &all);
    hear(&mut second, &all);
    second.check(A, "live report");
    second.refreshes = first.refreshes.clone();
    assert_eq!(second.book.records.refreshes.len(), 1);
    assert_eq!(second.refresh(0)["events"], first.refresh(0)["events"]);
}

#[test]
fn an_ack_with_a_read_at_one_server_is_proof_at_both() {
    let (mut first, mut second) = servers();
    for world in [&mut first, &mut second] {
        world.acks(A, "");
    }
    first.push(1, 2, "orders");
    hear(&mut second, &told(&mut first));
    second.refreshes = first.refreshes.clone();
    first.reads("default", 2);
    for world in [&mut first, &mut second] {
        world.acks(A, "e0");
    }
    second.check_told(0, A, "told ack");
    first.check_told(0, A, "live ack+read");
    hear(&mut second, &told(&mut first));
    second.check_told(0, A, "live ack+read");
}

#[test]
fn what_makes_no_sense_is_not_taken() {
    let (mut first, _) = servers();
    first.applies(A, 1);
    first.push(1, 2, "orders");
    let good = told(&mut first).remove(0);
    assert!(News::of(&good).is_ok());
    let long = "x".repeat(5000);
    for (pointer, value) in [
        ("/instances", "all".into()),
        ("/instances/0/id", "orders:*".into()),
        ("/instances/0/transport", long.into()),
        (
            "/instances/0/told",
            serde_json::json!({"refresh": "r-1", "at": 0, "since": 0}),
        ),
        ("/instances/0/last_sign", i64::MIN.into()),
        ("/instances/0/last_sign", i64::MAX.into()),
        ("/instances/0/applied/at", (-1).into()),
        ("/refreshes/0/id", "r-<script>".into()),
        ("/refreshes/0/started", i64::MIN.into()),
        ("/refreshes/0/published", i64::MAX.into()),
        (
            "/refreshes/0/timeline",
            serde_json::json!([{"time": 0, "what": "acked", "instance": null, "detail": null}]),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(pointer).unwrap() = value;
        assert!(News::of(&bad).is_err(), "{pointer}");
    }
}

#[test]
fn many_are_told_in_few_messages() {
    let (mut first, mut second) = servers();
    for number in 0..3000 {
        first.applies(&format!("orders:8081:{number}"), 1);
    }
    let news = told(&mut first);
    assert!(news.len() <= 40, "{}", news.len());
    assert!(news.iter().all(|part| part.to_string().len() < 60_000));
    hear(&mut second, &news);
    assert_eq!(second.book.instances(), 3000);
}
