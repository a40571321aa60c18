//! What the server hears of us.

use confbus_client::{Client, Settings, Source, Start};
use confbus_protocol::{Outcome, Report};

use crate::support::{Say, Server, environment, eventually, settings, settled};

fn applied(restart: &[&str]) -> Outcome {
    Outcome::Applied {
        restart: restart.iter().map(|key| (*key).to_owned()).collect(),
    }
}

/// Waits for the newest report that says so.
async fn reported(client: &Client, server: &Server, is: impl Fn(&Report) -> bool) -> Report {
    eventually(client, "the report", |_| {
        server.reports().last().is_some_and(&is)
    })
    .await;
    server.reports().pop().unwrap()
}

#[tokio::test]
async fn every_version_is_reported_with_what_became_of_it() {
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1}"#), Some("\"e1\""))).await;
    let settings = settings(&[&server])
        .label("main")
        .bus_id("orders:dev:8081:x");
    let client = settled(settings).await;
    let report = reported(&client, &server, |_| true).await;
    assert_eq!(
        (
            report.instance.as_str(),
            report.application.as_str(),
            report.profiles.as_str()
        ),
        ("orders:dev:8081:x", "orders", "dev")
    );
    assert_eq!(
        (
            report.label.as_deref(),
            report.transport.as_deref(),
            report.poll_seconds
        ),
        (Some("main"), Some("stream"), None)
    );
    assert_eq!(
        (report.version.as_deref(), report.outcome),
        (Some("c1"), applied(&[]))
    );

    let _max = client.bind::<u8>("max").live().unwrap();
    client.restart_required(["port"]);
    server.say(Say::Body(
        environment("c2", r#"{"max":{"value":"x","origin":"7:6"}}"#),
        None,
    ));
    client.refresh().await.unwrap_err();
    let report = reported(&client, &server, |report| {
        report.version.as_deref() == Some("c2")
    })
    .await;
    assert_eq!(report.running.as_deref(), Some("c1"));
    let reason = r#"`max`: expected u8, found text "x" (orders-dev.yml:7:6)"#.to_owned();
    assert_eq!(report.outcome, Outcome::Rejected { reason });

    server.say(Say::Body(environment("c3", r#"{"max":3,"port":1}"#), None));
    client.refresh().await.unwrap();
    let report = reported(&client, &server, |report| {
        report.version.as_deref() == Some("c3")
    })
    .await;
    assert_eq!(
        (report.running.as_deref(), report.outcome),
        (Some("c3"), applied(&["port"]))
    );
    assert!(client.health().reports.last_taken.is_some());

    let named: Vec<bool> = server
        .heads()
        .iter()
        .map(|head| {
            let head = head.to_lowercase();
            assert!(
                head.contains("x-config-instance: orders:dev:8081:x\r\n"),
                "{head}"
            );
            head.contains("x-config-running: c1\r\n")
        })
        .collect();
    assert_eq!(named, [false, true, true]);
}

#[tokio::test]
async fn a_report_is_repeated_until_it_is_taken_and_then_no_more() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    for status in [503, 401, 408, 429] {
        server.answer_reports_with(status);
        let before = server.reports().len();
        let client = Client::connect(settings(&[&server])).await.unwrap();
        client.ready();
        for more in 1..3 {
            eventually(&client, "one more try", |_| {
                server.reports().len() >= before + more
            })
            .await;
            eventually(&client, "the problem", |client| {
                let problem = client.health().reports.problem;
                problem.is_some_and(|problem| problem.contains(&status.to_string()))
            })
            .await;
            client.refresh().await.unwrap();
        }
    }
    server.answer_reports_with(204);
    let client = Client::connect(settings(&[&server])).await.unwrap();
    eventually(&client, "the last try", |client| {
        client.health().reports.last_taken.is_some()
    })
    .await;
    assert_eq!(client.health().reports.problem, None);
    assert_quiet(&server, &client).await;
}

#[tokio::test]
async fn a_report_that_was_not_taken_is_repeated_without_a_poll() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    server.answer_reports_with(503);
    let client = Client::connect(settings(&[&server])).await.unwrap();
    client.ready();
    eventually(&client, "a second try", |_| server.reports().len() > 1).await;
    server.answer_reports_with(204);
    eventually(&client, "the last try", |client| {
        client.health().reports.last_taken.is_some()
    })
    .await;
    assert_quiet(&server, &client).await;
}

/// Several fetches bring no report.
async fn assert_quiet(server: &Server, client: &Client) {
    let before = server.reports().len();
    for _ in 0..5 {
        client.refresh().await.unwrap();
        // Now everything was posted that is to be posted.
        client.reported().await;
    }
    assert_eq!(server.reports().len(), before);
}

#[tokio::test]
async fn a_server_without_a_ledger_is_left_in_peace() {
    for status in [403, 404, 405, 400, 200] {
        let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
        server.answer_reports_with(status);
        let client = Client::connect(settings(&[&server])).await.unwrap();
        client.ready();
        eventually(&client, "the answer", |client| {
            client.health().reports.problem.is_some()
        })
        .await;
        server.say(Say::Body(environment("c2", "{}"), None));
        assert_quiet(&server, &client).await;
    }
}

#[tokio::test]
async fn who_wants_no_reports_sends_none_and_stays_unnamed() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let client = Client::connect(settings(&[&server]).report(false))
        .await
        .unwrap();
    assert_quiet(&server, &client).await;
    assert!(server.reports().is_empty());
    assert!(
        server
            .heads()
            .iter()
            .all(|head| !head.to_lowercase().contains("x-config-"))
    );
}

#[tokio::test]
async fn a_start_from_the_file_is_reported_once_a_server_answers() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let settings: Settings = settings(&[&server]).last_good_dir(directory.path());
    settled(settings.clone()).await;
    server.say(Say::Status(503, ""));
    let client = Client::connect(settings.start(Start::LastGood))
        .await
        .unwrap();
    assert!(matches!(client.health().source, Source::LastGood { .. }));
    let before = server.reports().len();
    server.say(Say::Body(environment("c1", "{}"), None));
    eventually(&client, "the report", |_| server.reports().len() > before).await;
    let report = server.reports().pop().unwrap();
    assert_eq!(
        (report.version.as_deref(), report.outcome),
        (Some("c1"), applied(&[]))
    );
}

#[tokio::test]
async fn who_leaves_says_so_to_every_server_and_asks_no_more() {
    let (one, other) = (
        Server::with_events(Say::Body(environment("c1", r#"{"max":1}"#), None)).await,
        Server::start(Say::Body(environment("c1", "{}"), None)).await,
    );
    // It does not know what that is.
    other.answer_reports_with(400);
    let settings = settings(&[&one, &other]).bus_id("orders:dev:8081:x");
    let client = settled(settings.label("main")).await;
    eventually(&client, "the stream", |_| one.listeners() == 1).await;
    client.leave().await;
    for server in [&one, &other] {
        let report = server.reports().pop().unwrap();
        assert_eq!(report.outcome, Outcome::Leaving);
        assert_eq!(
            (report.instance.as_str(), report.label.as_deref()),
            ("orders:dev:8081:x", Some("main"))
        );
    }
    eventually(&client, "the end of the stream", |_| one.listeners() == 0).await;
    one.heads();
    assert!(client.refresh().await.is_err());
    assert!(one.heads().is_empty());
    assert_eq!(client.snapshot().version(), Some("c1"));
    assert_eq!(client.bind::<u8>("max").once().unwrap(), 1);
}

#[tokio::test]
async fn who_leaves_waits_for_nobody_who_is_not_there_and_tells_nobody_who_is_not_asked_for() {
    let server = Server::start(Say::Body(environment("c1", "{}"), None)).await;
    let silent = settled(settings(&[&server]).report(false)).await;
    silent.leave().await;
    assert!(server.reports().is_empty());

    let client = settled(settings(&[&server])).await;
    server.stop().await;
    client.leave().await;
    client.leave().await;
}
