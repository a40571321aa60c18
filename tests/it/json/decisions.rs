//! Pins and waves: a line for each server, whatever becomes of it at the others.

use serde_json::{Value, json};

use super::{URI, documents, fails, ran};
use crate::support::{ConfigRepo, Request, TestServer, eventually, expect_that};

const NOBODY: &str = "http://127.0.0.1:1";

/// A command at several servers, its exit code, and the line of each.
#[track_caller]
fn at(servers: &[&str], arguments: &[&str], name: &str) -> (i32, Vec<Value>) {
    let servers = servers.join(",");
    let ran = ran(&[arguments, &["--server", &servers]].concat());
    let lines = documents(&ran.stdout, name);
    let failed = lines.iter().filter(|line| line["result"] == "failed");
    let errors = documents(&ran.stderr, "confbus.error/1");
    let said = errors.iter().map(|error| &error["message"]);
    assert!(failed.map(|line| &line["error"]).eq(said), "{ran:?}");
    (ran.code.unwrap(), lines)
}

fn results(lines: &[Value]) -> Vec<&str> {
    let lines = lines.iter();
    lines.map(|line| line["result"].as_str().unwrap()).collect()
}

#[test]
fn a_pin_is_a_line_for_each_server() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    let servers = [(), ()].map(|()| TestServer::start(&repo).ready());
    servers.iter().for_each(|server| server.serves(&commit));
    let [one, other] = servers.each_ref().map(TestServer::url);
    let pins = |servers: &[&str], arguments: &[&str]| {
        at(servers, &[&["pin"], arguments].concat(), "confbus.pins/1")
    };
    let target = format!("orders/dev@{commit}");
    let (code, lines) = pins(&[&one, NOBODY, &other], &[&target, "--reason=INC-812"]);
    assert_eq!(code, 3);
    assert_eq!(results(&lines), ["pinned", "failed", "pinned"]);
    for (line, url) in lines.iter().zip([&*one, NOBODY, &*other]) {
        assert_eq!(line["server"], url);
    }
    assert_eq!(lines[0]["pins"][0]["commit"], *commit);

    let (code, lines) = pins(&[&one, &other], &["--list"]);
    assert_eq!((code, results(&lines)), (0, vec!["listed"; 2]));
    documents(&servers[0].get("/_/api/pins").body, "confbus.pins/1");
    assert_eq!(lines[1]["pins"][0]["reason"], "INC-812");
    let (code, _) = pins(&[&one], &["orders/dev", "--release"]);
    assert_eq!(code, 0);
    // Nothing is pinned at the first any more, and the second lets it go all the same.
    let (code, lines) = pins(&[&one, &other], &["orders/dev", "--release"]);
    assert_eq!((code, results(&lines)), (6, vec!["failed", "released"]));
    assert_eq!(lines[1]["pins"][0]["commit"], *commit);
    let (_, lines) = pins(&[&one, &other], &["--list"]);
    assert!(lines.iter().all(|line| line["pins"] == json!([])));

    fails(&["pin", &target], 2);
    fails(&["pin", "orders/dev", "--reason=x"], 2);
}

#[test]
fn a_wave_is_a_line_for_each_server() {
    let repo = ConfigRepo::from_sample();
    let old = repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    let uri = repo.path().display().to_string();
    let servers = [(), ()].map(|()| {
        let steps = ("confbus.waves.orders.steps", "20");
        let wait = ("confbus.waves.orders.wait", "10m");
        TestServer::with(&[(URI, &uri), steps, wait]).ready()
    });
    let names: Vec<_> = (0..10).map(|n| format!("orders:dev:808{n}:a")).collect();
    for server in &servers {
        server.serves(&old);
        // They say nothing of themselves, so the wave waits for them.
        for name in &names {
            let read = Request::get("/orders/dev").header("X-Config-Instance", name);
            assert_eq!(server.send(&read).status, 200);
        }
        eventually("all instances", || {
            let view = server.get("/_/api/instances").json();
            let known = view["instances"].as_array().unwrap().len();
            expect_that(known == names.len(), &view)
        });
    }
    repo.push("another", &[("orders.yml", "limit: 2\n")]);
    for server in &servers {
        eventually("a wave", || {
            let view = server.get("/_/api/waves").json();
            expect_that(view["waves"][0].is_object(), &view)
        });
    }
    let [one, other] = servers.each_ref().map(TestServer::url);
    let waves = |arguments: &[&str]| {
        let arguments = [&["wave"], arguments].concat();
        at(&[&one, &other], &arguments, "confbus.waves/1")
    };
    let (code, lines) = waves(&["list"]);
    assert_eq!((code, results(&lines)), (0, vec!["listed"; 2]));
    assert_eq!(lines[0]["waves"][0]["state"], "running");
    documents(&servers[0].get("/_/api/waves").body, "confbus.waves/1");
    let (code, lines) = waves(&["abort", "orders", "--reason=INC-812"]);
    assert_eq!((code, results(&lines)), (0, vec!["aborted"; 2]));
    let (_, lines) = waves(&["list"]);
    assert_eq!(lines[1]["waves"][0]["state"], "aborted");
    let (code, lines) = waves(&["promote", "orders"]);
    assert_eq!((code, results(&lines)), (0, vec!["promoted"; 2]));
    let (code, lines) = waves(&["promote", "orders"]);
    assert_eq!((code, results(&lines)), (6, vec!["failed"; 2]));

    fails(&["wave", "abort", "orders/"], 2);
}
