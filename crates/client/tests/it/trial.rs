//! The first version, which may turn out to be none that the program can run.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use confbus_client::{Client, Live, Rejection, Settings, Source, Start};
use confbus_protocol::{Outcome, Report};

use crate::support::{Say, Server, environment, eventually, settings, settled};

fn say(version: &str, source: &str) -> Say {
    Say::Body(environment(version, source), None)
}

fn kept(server: &Server, directory: &Path) -> Settings {
    settings(&[server]).last_good_dir(directory)
}

/// A server, after a client has run `c1` and saved it.
async fn after_a_good_one(directory: &Path) -> Server {
    let server = Server::with_events(say("c1", r#"{"max":1,"pool":1}"#)).await;
    settled(kept(&server, directory)).await;
    server
}

/// Waits for the newest report to be about this version.
async fn reported(client: &Client, server: &Server, version: &str) -> Report {
    eventually(client, "the report", |_| {
        let newest = server.reports().pop();
        newest.is_some_and(|report| report.version.as_deref() == Some(version))
    })
    .await;
    server.reports().pop().unwrap()
}

fn was_applied(server: &Server, version: &str) -> bool {
    server.reports().iter().any(|report| {
        report.version.as_deref() == Some(version)
            && matches!(report.outcome, Outcome::Applied { .. })
    })
}

fn runs_last_good(client: &Client) -> bool {
    let health = client.health();
    matches!(health.source, Source::LastGood { .. }) && health.version.as_deref() == Some("c1")
}

#[tokio::test]
async fn a_first_version_that_is_refused_gives_way_to_the_last_good_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":2,"pool":"many"}"#));
    server.heads();
    let client = Client::connect(kept(&server, directory.path()))
        .await
        .unwrap();
    // A look that brings nothing new is nobody's consent.
    client.refresh().await.unwrap();
    let max: Live<u32> = client.bind("max").live().unwrap();
    assert_eq!(*max.load(), 2);
    let pool: Live<u32> = client.bind("pool").live().unwrap();
    assert_eq!((*max.load(), *pool.load()), (1, 1));
    assert!(runs_last_good(&client), "{:?}", client.health());
    let refused = client.health().refused.unwrap();
    assert!(
        refused.starts_with("version c2: `pool`: expected u32"),
        "{refused}"
    );

    let report = reported(&client, &server, "c2").await;
    assert_eq!(report.running.as_deref(), Some("c1"));
    assert!(matches!(report.outcome, Outcome::Rejected { reason } if refused.ends_with(&reason)));
    // It is offered again, and refused by the section.
    client.refresh().await.unwrap_err();
    assert!(runs_last_good(&client));
    assert!(!was_applied(&server, "c2"));
    assert!(
        server
            .heads()
            .iter()
            .all(|head| !head.to_lowercase().contains("x-config-running: c2"))
    );

    server.say(say("c3", r#"{"max":3,"pool":3}"#));
    client.refresh().await.unwrap();
    assert_eq!((*max.load(), *pool.load()), (3, 3));
    assert_eq!(
        (client.health().source, client.health().refused),
        (Source::Server, None)
    );
    eventually(&client, "c3 is applied", |_| was_applied(&server, "c3")).await;
}

#[tokio::test]
async fn a_refused_first_version_does_not_replace_the_last_good_file() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":"many"}"#));
    for start in [Start::FreshOrFail, Start::default()] {
        let settings = kept(&server, directory.path()).start(start);
        let client = Client::connect(settings).await.unwrap();
        let bound = client.bind::<u32>("max").live();
        assert_eq!(bound.is_err(), start == Start::FreshOrFail);
        client.reported().await;
        let report = server.reports().pop().unwrap();
        let running = (start != Start::FreshOrFail).then_some("c1");
        assert_eq!(
            (report.version.as_deref(), report.running.as_deref()),
            (Some("c2"), running)
        );
        assert!(matches!(report.outcome, Outcome::Rejected { .. }));
    }
    assert!(!was_applied(&server, "c2"));
}

#[tokio::test]
async fn without_an_earlier_version_the_refusal_stands_until_there_is_a_newer_one() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(say("c1", r#"{"max":"many"}"#)).await;
    let client = Client::connect(kept(&server, directory.path()))
        .await
        .unwrap();
    let rejection = client.bind::<u32>("max").live().unwrap_err();
    assert!(rejection.reason().contains("expected u32"), "{rejection}");
    let report = reported(&client, &server, "c1").await;
    assert_eq!(report.running, None);
    assert!(matches!(report.outcome, Outcome::Rejected { .. }));
    client.refresh().await.unwrap_err();
    assert!(client.health().refused.is_some());

    server.say(say("c2", r#"{"max":2}"#));
    client.refresh().await.unwrap();
    assert_eq!(client.health().refused, None);
    eventually(&client, "c2 is applied", |_| was_applied(&server, "c2")).await;
    assert!(!was_applied(&server, "c1"));
}

#[tokio::test]
async fn a_last_good_version_that_does_not_fit_either_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":"many","pool":2}"#));
    let client = Client::connect(kept(&server, directory.path()))
        .await
        .unwrap();
    // One that was bound before refuses the last good one.
    let at_least_two = |pool: &u32| match pool {
        0..2 => Err(Rejection::new("too few")),
        _ => Ok(()),
    };
    let pool: Live<u32> = client.bind("pool").validate(at_least_two).live().unwrap();
    let rejection = client.bind::<u32>("max").live().unwrap_err();
    assert!(rejection.reason().contains("many"), "{rejection}");
    assert_eq!((*pool.load(), client.snapshot().version()), (2, Some("c2")));
}

#[tokio::test]
async fn a_value_that_is_read_once_refuses_as_well() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":"many"}"#));
    let client = Client::connect(kept(&server, directory.path()))
        .await
        .unwrap();
    assert_eq!(client.bind::<u32>("max").once().unwrap(), 1);
    assert!(runs_last_good(&client));
    // Nothing that is bound could refuse it now.
    client.refresh().await.unwrap_err();
    assert!(runs_last_good(&client));
    reported(&client, &server, "c2").await;
    assert!(!was_applied(&server, "c2"));
}

#[tokio::test]
async fn a_start_from_the_file_is_on_trial_when_a_server_answers() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":"many"}"#));
    let settings = kept(&server, directory.path()).start(Start::LastGood);
    let client = Client::connect(settings).await.unwrap();
    eventually(&client, "the server's version", |client| {
        client.snapshot().version() == Some("c2")
    })
    .await;
    let max: Live<u32> = client.bind("max").live().unwrap();
    assert!(*max.load() == 1 && runs_last_good(&client));
}

#[tokio::test]
async fn a_probe_that_failed_for_a_while_does_not_hold_a_version_back() {
    let directory = tempfile::tempdir().unwrap();
    let server = after_a_good_one(directory.path()).await;
    server.say(say("c2", r#"{"max":2}"#));
    let client = Client::connect(kept(&server, directory.path()))
        .await
        .unwrap();
    let is_up = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_up);
    let probe = move |max: Arc<u32>| {
        let is_up = asked.load(Ordering::SeqCst);
        async move {
            match is_up || *max == 1 {
                true => Ok(()),
                false => Err(Rejection::new("down")),
            }
        }
    };
    let max = client.bind("max").probe(probe, Duration::from_secs(5));
    let max = max.live_probed().await.unwrap();
    assert_eq!(*max.load(), 1);
    is_up.store(true, Ordering::SeqCst);
    client.refresh().await.unwrap();
    assert_eq!(*max.load(), 2);
    eventually(&client, "c2 is applied", |_| was_applied(&server, "c2")).await;
}

#[tokio::test]
async fn what_is_bound_later_refuses_for_itself_and_is_told() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(say("c1", r#"{"max":1,"pool":"many"}"#)).await;
    let client = settled(kept(&server, directory.path())).await;
    let is_sane = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_sane);
    let bind = || {
        let asked = Arc::clone(&asked);
        client.bind::<String>("pool").validate(move |_| {
            let is_sane = asked.load(Ordering::SeqCst);
            is_sane.then_some(()).ok_or_else(|| "not yet".into())
        })
    };
    // A question of its moment is none that counts.
    bind().once().unwrap_err();
    assert_eq!(client.health().refused, None);
    bind().live().unwrap_err();
    assert!(client.health().refused.unwrap().contains("not yet"));
    let is_rejected = |_: &Client| {
        let newest = server.reports().pop().unwrap();
        matches!(newest.outcome, Outcome::Rejected { .. })
    };
    eventually(&client, "the refusal", is_rejected).await;
    client.refresh().await.unwrap_err();

    is_sane.store(true, Ordering::SeqCst);
    let _pool = bind().live().unwrap();
    eventually(&client, "consent", |client| !is_rejected(client)).await;
    assert_eq!(client.health().refused, None);
}
