use std::time::Duration;

use confbus_client::{BusHealth, Client, Settings, Transport};

use crate::support::{Say, Server, environment, eventually, settings};

async fn connected(server: &Server) -> Client {
    connect(server, settings(&[server])).await
}

/// A client on the stream, with no round under way or asked for.
async fn connect(server: &Server, settings: Settings) -> Client {
    let client = Client::connect(settings.bus_id("orders:dev:8081:ab12"))
        .await
        .unwrap();
    eventually(&client, "the stream", |client| {
        client.health().bus == BusHealth::Connected
    })
    .await;
    // The greeting makes the client look again; this round takes part in that one or follows it.
    client.refresh().await.unwrap();
    server.heads();
    client
}

fn runs(version: &'static str) -> impl Fn(&Client) -> bool {
    move |client| client.health().version.as_deref() == Some(version)
}

#[tokio::test]
async fn an_event_for_us_is_fetched_at_once() {
    let server = Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = connected(&server).await;
    let max = client.bind::<u32>("max").live().unwrap();

    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    server.send_refresh("orders:**", "c2");
    let change = max.changed().await;
    assert_eq!((*change.new, change.version.as_deref()), (2, Some("c2")));
}

#[tokio::test]
async fn events_for_others_and_for_what_is_running_cost_no_fetch() {
    let server = Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = connected(&server).await;
    server.send_refresh("billing:**", "c9");
    server.send_refresh("orders:**", "c1");
    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    server.send_refresh("orders:dev:8081:ab12", "c2");
    eventually(&client, "c2", runs("c2")).await;
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn an_event_for_what_is_running_counts_after_a_failure() {
    let server = Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = connected(&server).await;
    server.say(Say::Status(503, ""));
    client.refresh().await.unwrap_err();
    server.say(Say::Body(environment("c1", r#"{"max":1}"#), None));
    server.send_refresh("**", "c1");
    eventually(&client, "an answer", |client| {
        client.health().unavailable.is_none()
    })
    .await;
}

#[tokio::test]
async fn a_new_stream_means_look_again() {
    let server = Server::with_events(Say::Body(environment("c1", "{}"), None)).await;
    let client = connected(&server).await;
    server.say(Say::Body(environment("c2", "{}"), None));
    server.cut_streams();
    eventually(&client, "what changed meanwhile", runs("c2")).await;
}

#[tokio::test]
async fn a_server_without_a_stream_is_polled() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    eventually(&client, "the refusal", |client| {
        client.health().bus == BusHealth::Unsupported
    })
    .await;
    let client = Client::connect(settings(&[&server]).transport(Transport::Poll))
        .await
        .unwrap();
    assert_eq!(client.health().bus, BusHealth::Off);
}

#[tokio::test]
async fn a_lost_stream_is_told() {
    let server = Server::with_events(Say::Body(environment("c1", "{}"), None)).await;
    let client = connected(&server).await;
    server.stop().await;
    eventually(&client, "the loss", |client| {
        matches!(client.health().bus, BusHealth::Disconnected { .. })
    })
    .await;
}

#[tokio::test]
async fn the_tasks_end_with_the_last_handle() {
    let server = Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let client = connected(&server).await;
    let max = client.bind::<u32>("max").live().unwrap();
    let witness = Client::connect(settings(&[&server]).transport(Transport::Poll))
        .await
        .unwrap();
    drop(client);
    server.say(Say::Body(environment("c2", r#"{"max":2}"#), None));
    server.send_refresh("**", "c2");
    assert_eq!(*max.changed().await.new, 2, "a section keeps the tasks");
    drop(max);
    eventually(&witness, "the end of the stream", |_| {
        server.listeners() == 0
    })
    .await;
}

#[cfg(feature = "amqp")]
#[tokio::test]
async fn a_broker_that_is_away_stops_nothing() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    // A port on which nobody speaks AMQP.
    let rabbit =
        confbus_client::RabbitSettings::from_url(&format!("amqp://{}", server.address)).unwrap();
    let client = Client::connect(settings(&[&server]).transport(Transport::Amqp(Box::new(rabbit))))
        .await
        .unwrap();
    assert!(matches!(
        client.health().bus,
        BusHealth::Disconnected { .. }
    ));
    server.say(Say::Body(environment("c2", "{}"), None));
    client.refresh().await.unwrap();
    assert_eq!(client.health().version.as_deref(), Some("c2"));
}

#[tokio::test]
async fn values_of_events_stand_above_the_servers_until_one_is_refused() {
    let server =
        Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), Some("\"e1\""))).await;
    let client = connect(&server, settings(&[&server]).accept_environment_changes()).await;
    let max = client.bind::<u32>("max").live().unwrap();
    server.send_values(r#"{"max":"7"}"#);
    assert_eq!(*max.changed().await.new, 7);
    client.refresh().await.unwrap();

    server.send_values(r#"{"max":"many"}"#);
    eventually(&client, "the refusal", |client| {
        client.health().refused.is_some()
    })
    .await;
    client.refresh().await.unwrap();
    assert_eq!((*max.load(), client.health().refused), (7, None));
}

#[tokio::test]
async fn a_stream_that_is_silent_is_given_up() {
    let server = Server::with_events(Say::Body(environment("c1", "{}"), None)).await;
    let client = connected(&server).await;
    let begun = tokio::time::Instant::now();
    tokio::time::pause();
    let mut silent = tokio::time::interval(Duration::from_millis(50));
    while client.health().bus == BusHealth::Connected {
        silent.tick().await;
    }
    let after = begun.elapsed().as_secs();
    assert!((44..=46).contains(&after), "{after} s");
}
