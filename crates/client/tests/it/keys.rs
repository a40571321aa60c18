//! Single keys: callbacks, and what only a restart brings.

use std::time::Duration;

use confbus_client::testing;
use serde_json::json;
use tokio::sync::mpsc;

use crate::support::eventually;

#[tokio::test]
async fn a_callback_hears_its_keys_with_both_sides() {
    let (client, mut server) = testing::client([
        ("feature.a", json!("old")),
        ("feature.gone", json!(1)),
        ("other", json!(1)),
    ]);
    let (tell, mut told) = mpsc::unbounded_channel();
    let _subscription = client.on_change("feature.*", move |change| {
        tell.send(change.clone()).unwrap();
    });
    server
        .push([("other", json!(2)), ("feature.a", json!("new"))])
        .unwrap();
    let moved = told.recv().await.unwrap();
    assert_eq!(moved.to_string(), "feature.a: old → new");
    assert_eq!(moved.version.as_deref(), Some("test-1"));
    let place = |side: &Option<confbus_client::Written>| {
        side.as_ref().unwrap().origin().unwrap().to_string()
    };
    assert_eq!(
        (place(&moved.old), place(&moved.new)),
        ("test.yml:1:1".to_owned(), "test.yml:2:1".to_owned())
    );
    let gone = told.recv().await.unwrap();
    assert_eq!(
        (gone.key.as_str(), gone.new.is_none()),
        ("feature.gone", true)
    );
}

#[tokio::test]
async fn a_callback_that_panics_is_counted_and_called_again() {
    let (client, mut server) = testing::client([("a", 0), ("b", 0)]);
    let (tell, mut told) = mpsc::unbounded_channel();
    let _subscription = client.on_change("*", move |change| {
        assert!(change.key != "a", "not this one");
        tell.send(change.key.clone()).unwrap();
    });
    for value in 1..3 {
        server.push([("a", value), ("b", value)]).unwrap();
        assert_eq!(told.recv().await.as_deref(), Some("b"));
        eventually(&client, "the count", |client| {
            client.health().callback_panics == u64::try_from(value).unwrap()
        })
        .await;
    }
}

#[tokio::test]
async fn a_slow_callback_holds_up_nothing_and_gets_the_latest() {
    let (client, mut server) = testing::client([("a", 0)]);
    let (go_on, wait) = std::sync::mpsc::channel::<()>();
    let (tell, mut told) = mpsc::unbounded_channel();
    let subscription = client.on_change("a", move |change| {
        tell.send(change.shown()).unwrap();
        _ = wait.recv_timeout(Duration::from_secs(10));
    });
    server.push([("a", 1)]).unwrap();
    assert_eq!(told.recv().await.unwrap(), "0 → 1");
    server.push([("a", 2)]).unwrap();
    server.push([("a", 3)]).unwrap();
    go_on.send(()).unwrap();
    assert_eq!(told.recv().await.unwrap(), "1 → 3");
    drop(subscription);
    go_on.send(()).unwrap();
    server.push([("a", 4)]).unwrap();
    assert_eq!(told.recv().await, None);
}

#[test]
fn a_key_waits_for_a_restart_until_it_is_what_it_was() {
    let (client, mut server) = testing::client([("server.port", 1), ("db.pool", 1)]);
    client.restart_required(["server.port", "db.*"]);
    let mut restart = |port, pool| {
        let applied = server.push([("server.port", port), ("db.pool", pool)]);
        applied.unwrap().restart
    };
    assert_eq!(restart(2, 2), ["db.pool", "server.port"]);
    assert_eq!(restart(1, 2), ["db.pool"]);
    assert_eq!(client.health().restart, ["db.pool"]);
    assert!(restart(1, 1).is_empty());
}

#[test]
fn secrets_are_masked_by_type() {
    let (client, mut server) = testing::client([("db.password", "hunter2")]);
    let mut changes = client.changes();
    server.push([("db.password", "hunter3")]).unwrap();
    let set = futures_util::FutureExt::now_or_never(changes.next())
        .flatten()
        .unwrap();
    let told = format!("{set:?} {:?} {}", set.keys[0].old, set.keys[0]);
    assert!(!told.contains("hunter"), "{told}");
    assert!(set.keys[0].new.as_ref().unwrap().is_secret());
}
