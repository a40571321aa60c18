use std::{fs, path::Path, time::Duration};

use confbus_client::{
    Client, ConnectError, LastGoodError, LastGoodFile, LastGoodKey, PropertyValue, Retry, Secrets,
    Settings, Source, Start,
};

use crate::support::{Say, Server, environment, eventually, settings, settled};

fn quick(server: &Server, directory: &Path) -> Settings {
    let mut retry = Retry::attempts(2);
    retry.initial_interval = Duration::from_millis(1);
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
    let client = settled(quick(&server, directory.path())).await;
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
async fn nobody_waits_for_servers_that_are_not_running() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), None)).await;
    let hour = Duration::from_secs(3600);
    let mut retry = Retry::attempts(3);
    (retry.initial_interval, retry.max_interval) = (hour, hour);
    let settings = quick(&server, directory.path())
        .retry(retry)
        .start(Start::Fresh { within: hour });
    settled(settings.clone()).await;
    server.stop().await;

    let connected = tokio::time::timeout(Duration::from_secs(20), Client::connect(settings));
    let client = connected.await.expect("nobody waits").unwrap();
    let health = client.health();
    assert!(
        matches!(health.source, Source::LastGood { .. }),
        "{health:?}"
    );
    assert!(health.unavailable.unwrap().contains("connection refused"));
    assert_eq!(client.snapshot().version(), Some("c1"));
}

#[tokio::test]
async fn who_wants_a_fresh_start_gets_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    settled(quick(&server, directory.path())).await;
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
    settled(quick(&server, directory.path())).await;
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
    let client = settled(quick(&server, &directory.path().join("missing"))).await;
    assert!(client.health().last_good_file.unwrap().contains("missing"));
}

#[tokio::test]
async fn a_start_from_the_file_says_which_secrets_are_missing() {
    let directory = tempfile::tempdir().unwrap();
    let source = r#"{"db.password":"hunter2","db.pool":8,"db.dsn.url":"pg://a@h","login":"a:${DB.PASS_WORD}","host":"h"}"#;
    let server = Server::start(Say::Body(environment("c1", source), None)).await;
    settled(quick(&server, directory.path())).await;
    assert!(
        !fs::read_to_string(file(directory.path()))
            .unwrap()
            .contains("hunter2")
    );

    server.say(Say::Status(503, ""));
    let client = Client::connect(quick(&server, directory.path()))
        .await
        .unwrap();
    let snapshot = client.snapshot();
    let left_out: Vec<&str> = snapshot.left_out().collect();
    assert_eq!(left_out, ["db.password", "db.dsn.url", "login"]);
    assert_eq!(snapshot.get("login"), None);
    assert_eq!(*client.bind::<u32>("db.pool").live().unwrap().load(), 8);
    let refused = |key| {
        client
            .bind::<Option<String>>(key)
            .once()
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused("db.password"),
        "`db.password`: its value looks secret and was left out of the last good file: a server has it (orders-dev.yml)"
    );
    assert!(refused("login").contains("refers to `db.password`, whose value looks secret"));

    server.say(Say::Body(environment("c1", source), None));
    eventually(&client, "the server's version", |client| {
        client.health().source == Source::Server
    })
    .await;
    let login = client.bind::<String>("login").once().unwrap();
    assert_eq!(
        (login.as_str(), client.snapshot().left_out().count()),
        ("a:hunter2", 0)
    );
}

#[tokio::test]
async fn an_encrypted_file_holds_everything() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(
        environment("c1", r#"{"db.password":"hunter2"}"#),
        None,
    ))
    .await;
    let key = Secrets::Encrypt(LastGoodKey::new([7; 32]));
    let kept = LastGoodFile::new(directory.path()).secrets(key);
    let settings = quick(&server, directory.path()).last_good(kept);
    settled(settings.clone()).await;
    server.say(Say::Status(503, ""));
    let client = Client::connect(settings).await.unwrap();
    assert_eq!(
        client.bind::<String>("db.password").once().unwrap(),
        "hunter2"
    );

    let without_key = quick(&server, directory.path());
    let error = Client::connect(without_key).await.unwrap_err().to_string();
    assert!(error.contains("it is encrypted; give its key"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_not_written_is_written_later_without_a_poll() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("later");
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = settled(quick(&server, &missing)).await;
    assert!(client.health().last_good_file.is_some());
    server.say(Say::Status(503, ""));
    fs::create_dir(&missing).unwrap();
    eventually(&client, "the file", |client| {
        client.health().last_good_file.is_none()
    })
    .await;
    assert!(file(&missing).exists());
}
