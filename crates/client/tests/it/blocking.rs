//! A program without a runtime; only the server that it asks has one.

use std::time::Duration;

use confbus_client::{ConnectError, RefreshError, blocking};

use crate::support::{Say, Server, environment, settings};

const SOON: Duration = Duration::from_millis(20);
const LATE: Duration = Duration::from_secs(10);

fn body(version: &str, max: u32) -> Say {
    Say::Body(environment(version, &format!(r#"{{"max":{max}}}"#)), None)
}

#[test]
fn a_thread_reads_refreshes_and_waits() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::with_events(body("c1", 1)));
    let client = blocking::Client::connect(settings(&[&server])).unwrap();
    let max = client.bind::<u32>("max").live().unwrap();
    let mut changes = client.changes();
    assert_eq!(*max.load(), 1);
    assert!(blocking::wait_for_change(&max, SOON).is_none());
    assert!(changes.next(SOON).is_none());

    server.say(body("c2", 2));
    assert_eq!(client.refresh().unwrap(), ["max"]);
    assert_eq!(changes.next(LATE).unwrap().version.as_deref(), Some("c2"));

    // Without asking: the client's own thread hears of it.
    server.say(body("c3", 3));
    server.send_refresh("**", "c3");
    loop {
        let change = blocking::wait_for_change(&max, LATE).expect("the event is heard");
        if *change.new == 3 {
            break;
        }
    }
    assert!(client.refresh().unwrap().is_empty());
    assert_eq!(client.health().version.as_deref(), Some("c3"));

    server.say(Say::Status(503, ""));
    assert!(matches!(
        client.refresh(),
        Err(RefreshError::Unavailable(_))
    ));
}

#[test]
fn the_thread_lives_as_long_as_somebody_reads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::with_events(body("c1", 1)));
    let client = blocking::Client::connect(settings(&[&server])).unwrap();
    let max = client.bind::<u32>("max").live().unwrap();
    let mut changes = client.changes();
    drop(client);
    while server.listeners() == 0 {
        std::thread::yield_now();
    }
    server.say(body("c2", 2));
    server.send_refresh("**", "c2");
    assert_eq!(*blocking::wait_for_change(&max, LATE).unwrap().new, 2);

    drop(max);
    let ended = std::time::Instant::now();
    while changes.next(LATE).is_some() {}
    assert!(ended.elapsed() < LATE, "the thread does not end");
}

#[test]
fn who_cannot_connect_is_told_why() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start(Say::Status(401, "")));
    let error = blocking::Client::connect(settings(&[&server])).unwrap_err();
    assert!(matches!(error, ConnectError::Unavailable { .. }), "{error}");
}
