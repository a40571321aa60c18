//! What stands in the log, for those who read it by machine.

use std::{collections::BTreeSet, fs, path::Path};

use regex::Regex;
use serde_json::Value;

use crate::support::{ConfigRepo, Request, Running, eventually, expect_that};

const PAGE: &str = include_str!("../../docs/LOG.md");

fn sources(folder: &Path, all: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, all);
        } else if path.extension().is_some_and(|end| end == "rs") {
            all.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_event_is_on_the_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    sources(&root.join("src"), &mut text);
    sources(&root.join("crates/bus/src"), &mut text);
    let said = Regex::new(r#"(?:event = |=> )"([a-z]+\.[a-z_]+)""#).unwrap();
    let is_event = |name: &&str| {
        PAGE.contains(&format!("`{name}`")) || text.contains(&format!("event = \"{name}\""))
    };
    let said: BTreeSet<_> = said
        .captures_iter(&text)
        .map(|found| found.get(1).unwrap().as_str())
        .filter(is_event)
        .collect();
    let named = Regex::new(r"`([a-z]+\.[a-z_]+)`").unwrap();
    let rows = PAGE.lines().filter(|line| line.starts_with("| `"));
    let firsts: Vec<_> = rows.map(|row| row.split('|').nth(1).unwrap()).collect();
    let firsts = firsts.join(" ");
    let named: BTreeSet<_> = named
        .captures_iter(&firsts)
        .map(|found| found.get(1).unwrap().as_str())
        .collect();
    assert_eq!(said, named);
}

/// A server that writes JSON, on a port of its own.
struct Server {
    running: Running,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Server {
    fn start(repo: &ConfigRepo) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let arguments = [
            "serve".to_owned(),
            "--log-format=json".to_owned(),
            "--server.address=127.0.0.1".to_owned(),
            "--server.port=0".to_owned(),
            "--encrypt.key=a key of this test".to_owned(),
            format!(
                "--spring.cloud.config.server.git.uri={}",
                repo.path().display()
            ),
            format!(
                "--spring.cloud.config.server.git.basedir={}",
                folder.path().display()
            ),
            "--spring.cloud.bus.enabled=false".to_owned(),
        ];
        let running = Running::confbus(&arguments);
        let line = running.line_with("server.listening");
        let line: Value = serde_json::from_str(&line).unwrap();
        let address = line["address"].as_str().unwrap();
        let port = address.rsplit(':').next().unwrap().parse().unwrap();
        Self {
            running,
            port,
            _folder: folder,
        }
    }

    /// Waits for an event of which this holds.
    #[track_caller]
    fn says(&self, event: &str, holds: impl Fn(&Value) -> bool) -> Value {
        eventually(event, || {
            let lines = self.running.lines();
            let parsed = lines.iter().map(|line| serde_json::from_str::<Value>(line));
            let parsed: Vec<_> = parsed.filter_map(Result::ok).collect();
            let found = parsed
                .iter()
                .find(|line| line["event"] == event && holds(line));
            found.cloned().ok_or_else(|| format!("{lines:?}"))
        })
    }
}

#[test]
fn a_start_says_what_the_server_is() {
    let repo = ConfigRepo::from_sample();
    let server = Server::start(&repo);
    let line = server.says("server.starting", |_| true);
    assert_eq!(
        line["repository"],
        repo.path().display().to_string(),
        "{line}"
    );
    for (field, text) in [
        ("config", "from this machine only, no TLS"),
        ("bus", "in process and over the stream; no broker"),
        ("webhook", "believed from this machine"),
        ("settings", "6 arguments"),
    ] {
        let said = line[field].as_str().unwrap();
        assert!(said.contains(text), "{field}: {line}");
    }
}

#[test]
fn a_push_and_who_did_what_can_be_found_by_their_fields() {
    let repo = ConfigRepo::from_sample();
    let server = Server::start(&repo);
    let first = server.says("snapshot.served", |_| true);
    let commit = repo.push("a change", &[("orders-dev.yml", "limit: 8\n")]);
    let moved = server.says("snapshot.swapped", |line| line["commit.to"] == *commit);
    assert_eq!(moved["commit.from"], first["commit.to"], "{moved}");
    assert_eq!(
        (&moved["label"], &moved["level"]),
        (&"main".into(), &"INFO".into())
    );
    server.says("refresh.announced", |line| {
        line["commit.to"] == *commit && line["refresh.id"].is_string()
    });
    let refreshed = Request::post("/actuator/busrefresh/orders%20event=x", "");
    expect_that(refreshed.status(server.port).unwrap() == 204, ()).unwrap();
    let audit = server.says("audit.refresh", |_| true);
    assert_eq!(audit["destination"], "orders event=x:**", "{audit}");
    assert_eq!(
        (&audit["decision"], &audit["address"]),
        (&"allowed".into(), &"127.0.0.1".into())
    );
    let send = |path: &str, text: &str| {
        let request = Request::post(path, text).header("Content-Type", "text/plain");
        request.send(server.port).unwrap().body
    };
    let encrypted = send("/encrypt", "a secret text");
    assert_eq!(send("/decrypt", &encrypted), "a secret text");
    let audit = server.says("audit.decrypt", |_| true);
    assert!(!audit.to_string().contains("secret"), "{audit}");
}
