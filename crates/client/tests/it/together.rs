//! All or nothing, without a network.

use confbus_client::{Live, Rejection, testing};
use serde::Deserialize;
use serde_json::json;

#[derive(Debug, PartialEq, Deserialize)]
struct Pool {
    max: u32,
    #[serde(default)]
    note: Option<String>,
}

fn sane(pool: &Pool) -> Result<(), Rejection> {
    if pool.max == 0 {
        Err(Rejection::at("pool.max", "must be at least 1, found 0"))
    } else {
        Ok(())
    }
}

#[tokio::test]
async fn one_refusal_refuses_everything() {
    let (client, mut server) = testing::client([("pool.max", json!(1)), ("flag", json!(false))]);
    let flag: Live<bool> = client.bind("flag").live().unwrap();
    let pool: Live<Pool> = client.bind("pool").validate(sane).live().unwrap();

    let rejection = server
        .push([("flag", json!(true)), ("pool.max", json!(0))])
        .unwrap_err();
    assert_eq!(
        rejection.to_string(),
        "`pool.max`: must be at least 1, found 0 (test.yml:2:1)"
    );
    assert_eq!(
        (*flag.load(), pool.load().max, client.snapshot().version()),
        (false, 1, Some("test-0"))
    );
    assert_eq!(
        client.health().refused.unwrap(),
        format!("version test-1: {rejection}")
    );

    server
        .push([("flag", json!(true)), ("pool.max", json!(2))])
        .unwrap();
    assert_eq!(
        (*flag.load(), pool.load().max, client.health().refused),
        (true, 2, None)
    );
}

#[tokio::test]
async fn the_latest_change_wins_and_names_all_keys() {
    let (client, mut server) = testing::client([("pool.max", json!(1))]);
    let pool: Live<Pool> = client.bind("pool").live().unwrap();
    let other = pool.clone();
    server.push([("pool.max", json!(2))]).unwrap();
    server
        .push([
            ("pool.max", json!(3)),
            ("pool.note", json!("n")),
            ("x", json!(1)),
        ])
        .unwrap();
    for pool in [&pool, &other] {
        let change = pool.changed().await;
        assert_eq!(
            (change.old.max, change.new.max, change.version.as_deref()),
            (1, 3, Some("test-2"))
        );
        assert_eq!(change.keys, ["pool.max", "pool.note"]);
        assert!(!format!("{change:?} {pool:?}").contains('3'));
    }
    // There and back again is no change.
    server.push([("pool.max", json!(9))]).unwrap();
    server
        .push([("pool.max", json!(3)), ("pool.note", json!("n"))])
        .unwrap();
    server.push([("pool.max", json!(4))]).unwrap();
    let change = pool.changed().await;
    assert_eq!((change.old.max, change.new.max), (3, 4));
}

#[tokio::test]
async fn keys_that_vanish_vanish() {
    let (client, mut server) = testing::client([("pool.max", json!(1)), ("pool.note", json!("n"))]);
    let pool: Live<Pool> = client.bind("pool").live().unwrap();
    server.push([("pool.max", json!(1))]).unwrap();
    assert_eq!(pool.latest().note, None);
    let rejection = server.push([("pool.note", json!("n"))]).unwrap_err();
    assert_eq!(rejection.to_string(), "`pool.max`: is missing");
}

#[tokio::test]
async fn changes_tell_every_key_with_both_sides() {
    let (client, mut server) = testing::client([("a", json!(1)), ("b", json!("old"))]);
    let mut changes = client.changes();
    server.push([("a", json!(1))]).unwrap();
    server
        .push([("a", json!(1)), ("c", json!("s3cret"))])
        .unwrap();
    let change = changes.next().await.unwrap();
    let keys: Vec<_> = change
        .keys
        .iter()
        .map(|change| {
            (
                change.key.as_str(),
                change.old.is_some(),
                change.new.is_some(),
            )
        })
        .collect();
    assert_eq!(keys, [("b", true, false), ("c", false, true)]);
    assert!(!format!("{change:?}").contains("s3cret"));
    drop((client, server));
    assert!(changes.next().await.is_none());
}

#[tokio::test]
async fn a_section_that_nobody_holds_refuses_nothing() {
    let (client, mut server) = testing::client([("max", json!(1))]);
    drop(client.bind::<u8>("max").live().unwrap());
    server.push([("max", json!("many"))]).unwrap();
}

#[tokio::test]
async fn a_check_may_bind_and_may_panic() {
    let (client, mut server) = testing::client([("max", json!(1)), ("other", json!(1))]);
    let within = client.clone();
    let bound = std::sync::Mutex::new(Vec::new());
    let _max = client
        .bind("max")
        .validate(move |max: &u8| {
            let other = within.bind::<u8>("other").live()?;
            bound.lock().unwrap().push(other);
            assert!(*max < 100, "too much");
            Ok(())
        })
        .live()
        .unwrap();
    server
        .push([("max", json!(2)), ("other", json!(2))])
        .unwrap();
    let rejection = server
        .push([("max", json!(100)), ("other", json!(3))])
        .unwrap_err();
    assert!(rejection.to_string().contains("panicked"), "{rejection}");
    // What the check bound is asked as well.
    server
        .push([("max", json!(3)), ("other", json!("x"))])
        .unwrap_err();
    server
        .push([("max", json!(3)), ("other", json!(3))])
        .unwrap();
}

#[tokio::test]
async fn a_check_cannot_tell_a_secret() {
    let (client, mut server) = testing::client([
        ("db.password", json!("long enough")),
        ("db.url", json!("postgres://a:hunter2@h")),
    ]);
    let login =
        client
            .bind("db")
            .validate(|db: &std::collections::HashMap<String, String>| {
                match db["password"].len() {
                    0..8 => Err(Rejection::at("db.password", format!("too short: {db:?}"))),
                    _ => Ok(()),
                }
            });
    let _login = login.live().unwrap();
    let rejection = server
        .push([
            ("db.password", json!("pw")),
            ("db.url", json!("postgres://a:hunter2@h")),
        ])
        .unwrap_err();
    let told = rejection.to_string();
    assert!(
        !told.contains("\"pw\"") && !told.contains("hunter2"),
        "{told}"
    );
    assert!(!format!("{client:?} {:?}", client.snapshot()).contains("long enough"));
}

#[test]
fn placeholders_are_resolved_before_binding() {
    let (client, _server) = testing::client([
        ("host", json!("db")),
        ("port", json!(5432)),
        ("url", json!("${host}:${port}/${name:orders}")),
        ("copy", json!("${port}")),
    ]);
    assert_eq!(
        client.bind::<String>("url").live().unwrap().load().as_str(),
        "db:5432/orders"
    );
    assert_eq!(*client.bind::<u16>("copy").live().unwrap().load(), 5432);
}

#[test]
fn a_circle_of_placeholders_harms_only_who_reads_it() {
    let (client, _server) = testing::client([("a", "${b}"), ("b", "${a}"), ("c", "fine")]);
    assert!(
        client
            .bind::<String>("a")
            .live()
            .unwrap_err()
            .to_string()
            .contains("leads back to itself")
    );
    assert_eq!(
        client.bind::<String>("c").live().unwrap().load().as_str(),
        "fine"
    );
}

/// A value whose `Drop` is code of the application.
struct Dropped<F: Fn()>(u32, F);

impl<F: Fn()> PartialEq for Dropped<F> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<F: Fn()> Drop for Dropped<F> {
    fn drop(&mut self) {
        (self.1)();
    }
}

#[test]
fn a_value_that_binds_when_it_is_dropped_waits_for_nobody() {
    let (client, mut server) = testing::client([("n", 1)]);
    let in_drop = client.clone();
    let value = client.bind_with(move |snapshot| {
        let client = in_drop.clone();
        let n = snapshot.bind("n")?;
        Ok::<_, Rejection>(Dropped(n, move || {
            client.bind::<u32>("n").live().unwrap();
        }))
    });
    let value = value.live().unwrap();
    server.push([("n", 2)]).unwrap();
    // Drops the second value, which only the section had.
    server.push([("n", 3)]).unwrap();
    assert_eq!(value.load().0, 3);
}

#[test]
fn a_value_that_panics_when_it_is_dropped_holds_nobody_back() {
    let (client, mut server) = testing::client([("n", 1)]);
    let value = client.bind_with(|snapshot| {
        let n = snapshot.bind("n")?;
        Ok::<_, Rejection>(Dropped(n, move || assert!(n != 2, "the test's own")))
    });
    let value = value.live().unwrap();
    let n: Live<u32> = client.bind("n").live().unwrap();
    for next in [2, 3, 4] {
        server.push([("n", next)]).unwrap();
        assert_eq!((value.load().0, *n.load()), (next, next));
    }
}

#[test]
fn who_binds_during_a_swap_is_asked_however_many_came_and_went() {
    let (client, mut server) = testing::client([("n", 1)]);
    let late: std::sync::Arc<std::sync::Mutex<Option<Live<u32>>>> = std::sync::Arc::default();
    let (in_check, kept) = (client.clone(), late.clone());
    let checked = client.bind::<u32>("n").validate(move |_| {
        for _ in 0..1000 {
            in_check.bind::<u32>("n").live()?;
        }
        *kept.lock().unwrap() = Some(in_check.bind("n").live()?);
        Ok(())
    });
    let checked = checked.live().unwrap();
    server.push([("n", 2)]).unwrap();
    let late = late.lock().unwrap().clone().unwrap();
    assert_eq!((*checked.load(), *late.load()), (2, 2));
}
