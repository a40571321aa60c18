//! Commands that go on for a while: a document each line.

use std::fs;

use confbus_protocol::Outcome;

use super::{URI, document, documents, fails, ran, report};
use crate::support::{ConfigRepo, Instance, Running, TestServer, eventually, expect_that};

#[test]
fn who_was_told_stands_in_lines() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let url = server.url();
    let announced = ran(&["refresh", "nobody", "--server", &url]);
    assert_eq!(documents(&announced.stdout, "confbus.refresh/1").len(), 1);

    let instance = Instance::start(&server, "orders/dev", 8081, &[]);
    eventually("the instance", || {
        let view = server.get("/_/api/instances?state=live").json();
        let is_there = !view["instances"].as_array().unwrap().is_empty();
        expect_that(is_there, (&view, instance.lines()))
    });
    let waited = ran(&["refresh", "orders", "--wait", "--server", &url]);
    assert_eq!((waited.code, &*waited.stderr), (Some(0), ""), "{waited:?}");
    assert_eq!(documents(&waited.stdout, "confbus.refresh/1").len(), 3);

    // It hears of nothing, so it says nothing either.
    let version = server.get("/orders/dev").json()["version"].clone();
    let restart = Vec::new();
    let version = version.as_str().unwrap();
    report(
        &server,
        "shop:prod:8080:1",
        version,
        Outcome::Applied { restart },
    );
    let arguments = ["refresh", "shop:**", "--wait", "--timeout=1s"];
    let late = ran(&[&arguments[..], &["--server", &url]].concat());
    assert_eq!(late.code, Some(5), "{late:?}");
    assert_eq!(documents(&late.stdout, "confbus.refresh/1").len(), 3);

    fails(&["refresh", "--server", "http://127.0.0.1:1"], 3);
    fails(&["refresh", "orders/dev/main", "--server", &url], 2);
}

#[test]
fn where_answers_differ_stands_in_lines() {
    let repo = ConfigRepo::from_sample();
    repo.push_to("next", "another", &[("orders.yml", "limit: 7\n")]);
    let uri = repo.path().display().to_string();
    let [old, new] = ["main", "next"].map(|label| {
        let label = ("spring.cloud.config.server.git.default-label", label);
        TestServer::with(&[(URI, &uri), label]).ready()
    });
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("requests.txt");
    fs::write(&list, "/orders-dev.json\n/nothing\n").unwrap();
    let (list, old, new) = (list.display().to_string(), old.url(), new.url());
    let arguments = ["shadow", "--against", &old, "--requests", &list];
    let compared = ran(&[&arguments[..], &["--server", &new]].concat());
    assert_eq!(compared.code, Some(1), "{compared:?}");
    assert_eq!(documents(&compared.stdout, "confbus.shadow/1").len(), 3);
    fails(
        &[
            "shadow",
            "--against",
            "http://127.0.0.1:1",
            "--requests",
            &list,
        ],
        3,
    );
    fails(&["shadow", "--against", &old, "--requests", "/nowhere"], 2);
}

#[test]
fn lines_of_a_watch_are_documents() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("orders.env");
    let (url, out) = (server.url(), file.display().to_string());
    let arguments = [
        "watch",
        "orders/dev",
        "--server",
        &url,
        "--out",
        &out,
        "--json",
    ];
    let running = Running::confbus(&arguments.map(str::to_owned));
    eventually("a line", || {
        let lines = running.lines();
        expect_that(file.exists() && !lines.is_empty(), &lines)
    });
    documents(&running.lines().join("\n"), "confbus.line/1");

    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/packaging/agent.toml");
    document(
        &["agent", "--check", "--config", shipped],
        0,
        "confbus.line/1",
    );
    fails(&["agent", "--check", "--config", "/nowhere"], 78);
    fails(
        &["watch", "orders/dev", "--out", &out, "--server", "ftp://x"],
        78,
    );
}
