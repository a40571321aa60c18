//! Whoever has seen more than a server knows is answered once it has looked, and does not wait for long.

use std::{net::TcpStream, path::Path, thread};

use crate::support::{Answer, ConfigRepo, GitDaemon, Request, TestServer, eventually, expect_that};

const UNKNOWN: &str = "0123456789012345678901234567890123456789";
const MINIMUM: &str = "X-Config-Min-Version";
const SINCE: &str = "X-Config-Since";

/// Looks only when somebody's doubt makes it.
fn start(daemon: &GitDaemon, folder: &Path, settings: &[(&str, &str)]) -> TestServer {
    let url = daemon.url();
    let usual = [
        ("spring.cloud.config.server.git.uri", &*url),
        ("spring.cloud.config.server.git.refresh-rate", "3600"),
    ];
    let server = TestServer::in_folder(folder, &[&usual, settings].concat()).ready();
    server.line_with("fetch=All");
    server
}

fn ask(server: &TestServer, header: &str, value: &str) -> Answer {
    server.send(&Request::get("/orders/dev").header(header, value))
}

/// A reader that has not been answered yet.
fn reader(server: &TestServer) -> TcpStream {
    let request = Request::get("/orders/dev").header(MINIMUM, UNKNOWN);
    request.sent(server.port()).unwrap()
}

#[track_caller]
fn assert_sent_away(answer: &Answer) {
    assert_eq!((answer.status, &*answer.body), (503, ""), "{answer:?}");
    assert!(answer.header("x-config-lagging").is_some(), "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");
}

fn metric(server: &TestServer, line: &str) -> f64 {
    let page = server.get("/metrics").body;
    let mut lines = page.lines();
    let value = lines.find_map(|own| own.strip_prefix(line));
    value.map_or(0.0, |value| value.trim().parse().unwrap())
}

#[track_caller]
fn waiting(server: &TestServer, readers: f64) {
    eventually("so many who wait", || {
        let waiting = metric(server, "confbus_waiting_reads ");
        expect_that(waiting == readers, waiting)
    });
}

#[test]
fn a_reader_whose_commit_is_on_its_way_is_answered_with_it() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    // However slow this machine is.
    let server = start(
        &daemon,
        folder.path(),
        &[("confbus.limits.lag-timeout", "10s")],
    );
    for (header, number) in [(MINIMUM, 1), (SINCE, 2), (MINIMUM, 3)] {
        let text = format!("greeting: {number}\n");
        let new = repo.push("a step", &[("orders.yml", &text)]);
        let value = if header == SINCE { "now" } else { &new };
        let answer = ask(&server, header, value);
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.json()["version"], *new);
        assert_eq!(answer.header("x-config-lagging"), None);
    }
    let answered = "confbus_lagging_reads_total{result=\"answered\"} ";
    assert_eq!(metric(&server, answered), 3.0);
}

#[test]
fn who_has_waited_too_long_is_sent_away() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(
        &daemon,
        folder.path(),
        &[("confbus.limits.lag-timeout", "1s")],
    );
    assert_sent_away(&ask(&server, MINIMUM, UNKNOWN));
    let away = "confbus_lagging_reads_total{result=\"sent_away\"} ";
    assert_eq!(metric(&server, away), 1.0);
    assert_eq!(server.get("/orders/dev").status, 200, "nobody else waits");
}

#[test]
fn a_look_that_fails_is_not_waited_for() {
    let repo = ConfigRepo::from_sample();
    let (mut daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let server = start(
        &daemon,
        folder.path(),
        &[("confbus.limits.lag-timeout", "10s")],
    );
    daemon.stop();
    let new = repo.push("a step", &[("orders.yml", "greeting: new\n")]);
    // Whoever waited on would be answered once the remote is there.
    let answer = thread::scope(|scope| {
        let reader = scope.spawn(|| ask(&server, MINIMUM, &new));
        server.line_with("git.unreachable");
        daemon.start();
        reader.join().unwrap()
    });
    assert_sent_away(&answer);
    eventually("the commit", || {
        let answer = ask(&server, MINIMUM, &new);
        expect_that(answer.status == 200, &answer)
    });
}

#[test]
fn no_more_than_so_many_wait_and_who_goes_leaves_a_place() {
    let repo = ConfigRepo::from_sample();
    let (daemon, folder) = (GitDaemon::serve(&repo), tempfile::tempdir().unwrap());
    let settings = [
        ("confbus.limits.lag-timeout", "10s"),
        ("confbus.limits.lagging-reads", "3"),
    ];
    let server = start(&daemon, folder.path(), &settings);
    let mut readers: Vec<_> = (0..3).map(|_| reader(&server)).collect();
    waiting(&server, 3.0);
    assert_sent_away(&ask(&server, MINIMUM, UNKNOWN));
    readers.pop();
    waiting(&server, 2.0);
    readers.push(reader(&server));
    waiting(&server, 3.0);
    assert_eq!(server.get("/orders/dev").status, 200, "nobody else waits");
    drop(readers);
    waiting(&server, 0.0);
}
