//! Servers that may be behind what runs here: nobody goes back.

use confbus_client::{Client, FailOver, Failure, RefreshError, Start};

use crate::support::{Say, Server, environment, eventually, settings, settled};

/// Commit ids, in the order in which they were pushed.
const OLD: &str = "0101010101010101010101010101010101010101";
const NEW: &str = "0202020202020202020202020202020202020202";
const NEWEST: &str = "0303030303030303030303030303030303030303";

fn body(version: &str) -> String {
    environment(version, r#"{"max":1}"#)
}

/// What a request wants nothing older than.
fn minimum(head: &str) -> Option<&str> {
    field(head, "x-config-min-version: ")
}

/// Since when it is to be right.
fn since(head: &str) -> Option<&str> {
    field(head, "x-config-since: ")
}

fn field<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    head.lines().find_map(|line| line.strip_prefix(name))
}

#[tokio::test]
async fn a_client_asks_for_nothing_older_than_what_it_runs() {
    let server = Server::start(Say::Body(body(NEW), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    assert_eq!(minimum(&server.heads()[0]), None, "it runs nothing yet");
    client.refresh().await.unwrap();
    assert_eq!(minimum(&server.heads()[0]), Some(NEW));
}

#[tokio::test]
async fn a_server_that_lags_is_passed_over() {
    let first = Server::start(Say::Body(body(NEW), None)).await;
    let second = Server::start(Say::Body(body(NEWEST), None)).await;
    let client = Client::connect(settings(&[&first, &second])).await.unwrap();
    first.say(Say::Lagging);
    client.refresh().await.unwrap();
    assert_eq!(client.snapshot().version(), Some(NEWEST));
    let first = &client.health().servers[0];
    assert_eq!(first.failures, 0, "it is not broken");
}

#[tokio::test]
async fn a_label_on_which_a_server_lags_is_not_given_up() {
    let first = Server::start(Say::Body(body(NEW), None)).await;
    let second = Server::start(Say::Status(404, "no such label")).await;
    let settings = settings(&[&first, &second]).label("feature,main");
    let client = Client::connect(settings).await.unwrap();
    first.say(Say::Lagging);
    second.heads();
    client.refresh().await.unwrap_err();
    let heads = second.heads();
    assert!(!heads.is_empty());
    for head in &heads {
        assert!(head.starts_with("GET /orders/dev/feature "), "{head}");
    }
}

#[tokio::test]
async fn who_lags_is_passed_over_even_where_only_broken_connections_are() {
    let first = Server::start(Say::Body(body(NEW), None)).await;
    let second = Server::start(Say::Body(body(NEWEST), None)).await;
    let settings = settings(&[&first, &second]).fail_over(FailOver::ConnectionFailure);
    let client = Client::connect(settings).await.unwrap();
    first.say(Say::Lagging);
    client.refresh().await.unwrap();
    assert_eq!(client.snapshot().version(), Some(NEWEST));
}

#[tokio::test]
async fn another_server_has_to_be_right_since_it_was_asked() {
    let first = Server::start(Say::Body(body(NEW), None)).await;
    let second = Server::start(Say::Body(body(OLD), None)).await;
    let client = Client::connect(settings(&[&first, &second])).await.unwrap();
    first.say(Say::Status(500, "oops"));
    // It does not know these headers, so it is never in doubt.
    client.refresh().await.unwrap();
    let heads = second.heads();
    let asked: Vec<_> = heads.iter().map(|head| since(head)).collect();
    assert_eq!(asked, [None, Some("now")]);

    first.say(Say::Body(body(NEW), None));
    client.refresh().await.unwrap();
    first.say(Say::Status(500, "oops"));
    second.say(Say::Lagging);
    client.refresh().await.unwrap_err();
    client.refresh().await.unwrap_err();
    assert_eq!(client.snapshot().version(), Some(NEW));
    second.heads();
    second.say(Say::Body(body(OLD), None));
    client.refresh().await.unwrap();
    assert_eq!(client.snapshot().version(), Some(OLD));
    let heads = second.heads();
    let last = heads.last().and_then(|head| since(head));
    assert_eq!(last, Some("1"), "what it said of the moment");
}

#[tokio::test]
async fn who_lags_is_asked_again_until_it_is_sure() {
    let server = Server::start(Say::Body(body(NEW), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    server.say(Say::Lagging);
    let refused = client.refresh().await.unwrap_err();
    let RefreshError::Unavailable(unavailable) = &refused else {
        panic!("{refused}");
    };
    assert_eq!(unavailable.attempts()[0].failure, Failure::Lagging);
    assert_eq!(client.snapshot().version(), Some(NEW));
    let health = client.health();
    assert_eq!((health.failures, health.unavailable), (0, None));

    // Nobody polls here, and no event comes. Going back is right once the server is sure.
    server.say(Say::Body(body(OLD), None));
    eventually(
        &client,
        "the version that the server is sure of",
        |client| client.snapshot().version() == Some(OLD),
    )
    .await;
}

#[tokio::test]
async fn a_client_asks_for_nothing_older_than_what_it_was_told_of() {
    let server = Server::with_events(Say::Body(body(OLD), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    eventually(&client, "its stream", |_| server.listeners() == 1).await;
    client.refresh().await.unwrap();
    server.heads();

    server.say(Say::Lagging);
    server.send_refresh("**", NEW);
    let asked = std::cell::RefCell::new(Vec::new());
    eventually(&client, "two requests", |_| {
        asked.borrow_mut().extend(server.heads());
        asked.borrow().len() >= 2
    })
    .await;
    for head in asked.borrow().iter() {
        assert_eq!(minimum(head), Some(format!("{OLD},{NEW}").as_str()));
    }
    server.say(Say::Body(body(NEW), None));
    eventually(&client, "what it was told of", |client| {
        client.snapshot().version() == Some(NEW)
    })
    .await;
    server.heads();
    client.refresh().await.unwrap();
    assert_eq!(minimum(&server.heads()[0]), Some(NEW));
}

#[tokio::test]
async fn of_what_one_server_told_of_a_label_only_the_last_is_asked_for() {
    let (one, other) = ("configserver:8888:1", "configserver:8888:2");
    for (origin, labels, expected) in [
        (one, "main *", vec![OLD, NEWEST]),
        (one, "*", vec![OLD, NEWEST]),
        (other, "main *", vec![OLD, NEW, NEWEST]),
    ] {
        let server = Server::with_events(Say::Body(body(OLD), None)).await;
        let client = Client::connect(settings(&[&server])).await.unwrap();
        eventually(&client, "its stream", |_| server.listeners() == 1).await;
        client.refresh().await.unwrap();
        server.heads();
        server.say(Say::Lagging);
        server.relay_refresh_by(one, "main *", "**", NEW);
        server.relay_refresh_by(origin, labels, "**", NEWEST);
        let expected = expected.join(",");
        eventually(&client, &expected, |_| {
            let heads = server.heads();
            let mut asked = heads.iter().filter_map(|head| minimum(head));
            asked.any(|asked| asked == expected)
        })
        .await;
    }
}

#[tokio::test]
async fn a_commit_of_another_label_is_not_asked_for() {
    for (label, of_event, expected) in [
        ("release", "main *", OLD.to_owned()),
        ("release", "", OLD.to_owned()),
        ("release", "main release", format!("{OLD},{NEW}")),
        // The first one answers, so that the second one is not read.
        ("release,main", "main", OLD.to_owned()),
    ] {
        let server = Server::with_events(Say::Body(body(OLD), None)).await;
        let settings = settings(&[&server]).label(label);
        let client = Client::connect(settings).await.unwrap();
        eventually(&client, "its stream", |_| server.listeners() == 1).await;
        client.refresh().await.unwrap();
        server.heads();
        server.send_refresh_of(of_event, "**", NEW);
        let asked = std::cell::RefCell::new(Vec::new());
        eventually(&client, "a request", |_| {
            asked.borrow_mut().extend(server.heads());
            !asked.borrow().is_empty()
        })
        .await;
        let asked = asked.into_inner();
        assert_eq!(minimum(&asked[0]), Some(&*expected), "{label}: {of_event}");
    }
}

#[tokio::test]
async fn a_start_does_not_go_back_behind_the_last_good_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(body(NEW), None)).await;
    let settings = settings(&[&server]).last_good_dir(directory.path());
    drop(settled(settings.clone()).await);

    server.say(Say::Lagging);
    server.heads();
    let within = std::time::Duration::from_millis(100);
    let client = Client::connect(settings.start(Start::Fresh { within }))
        .await
        .unwrap();
    assert_eq!(client.snapshot().version(), Some(NEW));
    assert_eq!(minimum(&server.heads()[0]), Some(NEW));
    server.say(Say::Body(body(NEWEST), None));
    eventually(&client, "a newer one", |client| {
        client.snapshot().version() == Some(NEWEST)
    })
    .await;
}
