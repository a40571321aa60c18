//! Several servers: who is asked, and with what to start.

use std::time::{Duration, Instant};

use confbus_client::{BreakerState, Client, Source, Start};

use crate::support::{Say, Server, environment, eventually, settings, settled};

#[tokio::test]
async fn a_server_that_fails_again_and_again_is_left_alone() {
    let broken = Server::start(Say::Status(500, "oops")).await;
    let good = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = Client::connect(settings(&[&broken, &good])).await.unwrap();
    for _ in 0..2 {
        client.refresh().await.unwrap();
    }
    assert_eq!(broken.heads().len(), 3);
    let servers = client.health().servers;
    assert_eq!(
        (
            servers[0].breaker,
            servers[0].failures,
            servers[0].problem.as_deref()
        ),
        (BreakerState::Open, 3, Some("status 500"))
    );
    assert_eq!(
        (
            servers[1].server.as_str(),
            servers[1].breaker,
            servers[1].failures
        ),
        (good.url().as_str(), BreakerState::Closed, 0)
    );
    client.refresh().await.unwrap();
    assert_eq!(broken.heads().len(), 0, "others are asked");

    // The order is kept: once it works again, it is the first.
    broken.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    eventually(&client, "its trial", |client| {
        client.health().servers[0].breaker == BreakerState::HalfOpen
    })
    .await;
    client.refresh().await.unwrap();
    assert_eq!(client.snapshot().version(), Some("c2"));
    assert_eq!(client.health().servers[0].breaker, BreakerState::Closed);
}

#[tokio::test]
async fn failures_are_counted_until_an_answer() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    server.say(Say::Status(503, ""));
    for _ in 0..2 {
        client.refresh().await.unwrap_err();
    }
    assert!(client.health().failures >= 2);
    server.say(Say::Body(environment("c1", "{}"), None));
    client.refresh().await.unwrap();
    assert_eq!(client.health().failures, 0);
}

#[tokio::test]
async fn the_file_is_taken_when_servers_took_their_time() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let settings = settings(&[&server]).last_good_dir(directory.path());
    settled(settings.clone()).await;

    server.say(Say::Stall);
    let begun = Instant::now();
    let within = Duration::from_millis(200);
    let client = Client::connect(settings.start(Start::Fresh { within }))
        .await
        .unwrap();
    assert!((within..Duration::from_secs(5)).contains(&begun.elapsed()));
    let health = client.health();
    assert!(
        matches!(health.source, Source::LastGood { .. }),
        "{health:?}"
    );
    assert!(health.unavailable.unwrap().contains("no answer in time"));
}

#[tokio::test]
async fn a_start_from_the_file_waits_for_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let settings = settings(&[&server])
        .last_good_dir(directory.path())
        .start(Start::LastGood);
    let first = settled(settings.clone()).await;
    assert_eq!(first.health().source, Source::Server, "there was no file");
    drop(first);

    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    server.heads();
    let client = Client::connect(settings).await.unwrap();
    let max = client.bind::<u32>("max").live().unwrap();
    assert!(matches!(client.health().source, Source::LastGood { .. }));
    assert_eq!((*max.changed().await.new, client.health().failures), (2, 0));
}
