use std::{fs, path::Path, time::Duration};

use confbus_client::{
    Client, ConnectError, LastGoodError, PropertyValue, Retry, Settings, Source, Start,
};

use crate::support::{Say, Server, environment, eventually, settings};

fn quick(server: &Server, directory: &Path) -> Settings {
    let retry = Retry {
        max_attempts: 2,
        initial_interval: Duration::from_millis(1),
        ..Retry::default()
    };
    settings(&[server]).last_good_dir(directory).retry(retry)
}

fn file(directory: &Path) -> std::path::PathBuf {
    fs::read_dir(directory)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path()
}

#[tokio::test]
async fn a_start_without_a_server_takes_the_newest_accepted_version() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(
        environment("c1", r#"{"max":{"value":1,"origin":"3:6"}}"#),
        None,
    ))
    .await;
    let client = Client::connect(quick(&server, directory.path()))
        .await
        .unwrap();
    let _max = client.bind::<u32>("max").live().unwrap();
    server.say(Say::Body(
        environment("c2", r#"{"max":{"value":2,"origin":"3:6"}}"#),
        None,
    ));
    client.refresh().await.unwrap();
    server.say(Say::Body(environment("c3", r#"{"max":"many"}"#), None));
    client.refresh().await.unwrap_err();
    drop((client, _max));

    server.say(Say::Status(503, ""));
    let client = Client::connect(quick(&server, directory.path()))
        .await
        .unwrap();
    let health = client.health();
    assert!(
        matches!(health.source, Source::LastGood { .. }),
        "{health:?}"
    );
    assert!(health.unavailable.unwrap().contains("503"));
    assert_eq!(
        (health.version.as_deref(), health.last_contact),
        (Some("c2"), None)
    );
    assert_eq!(
        client.snapshot().get("max"),
        Some(&PropertyValue::Integer(2))
    );
    assert_eq!(
        client.snapshot().origin("max").unwrap().to_string(),
        "orders-dev.yml:3:6"
    );

    server.say(Say::Body(environment("c4", r#"{"max":4}"#), None));
    eventually(&client, "the server's version", |client| {
        client.health().source == Source::Server
    })
    .await;
    assert_eq!(client.snapshot().version(), Some("c4"));
}

#[tokio::test]
async fn who_wants_a_fresh_start_gets_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    Client::connect(quick(&server, directory.path()))
        .await
        .unwrap();
    server.say(Say::Status(503, ""));
    server.heads();
    Client::connect(quick(&server, directory.path()).start(Start::FreshOrFail))
        .await
        .unwrap_err();
    assert_eq!(server.heads().len(), 2);
}

#[tokio::test]
async fn a_corrupt_file_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    Client::connect(quick(&server, directory.path()))
        .await
        .unwrap();
    let path = file(directory.path());
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() = b' ';
    fs::write(&path, bytes).unwrap();

    server.say(Say::Status(503, ""));
    let error = Client::connect(quick(&server, directory.path()))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("checksum does not match"),
        "{error}"
    );

    fs::remove_file(&path).unwrap();
    let error = Client::connect(quick(&server, directory.path()))
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            ConnectError::Unavailable {
                last_good: Some(LastGoodError::Missing { .. }),
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_told_and_stops_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(quick(&server, &directory.path().join("missing")))
        .await
        .unwrap();
    assert!(client.health().last_good_file.unwrap().contains("missing"));
}
