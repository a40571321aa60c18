//! A commit reaches the instances of an application step by step, and nobody else before it is good for them.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use confbus_client::{BusHealth, Client, Live, Settings};
use confbus_protocol::{BusId, Outcome, Report};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::support::{Answer, ConfigRepo, Request, Running, TestServer, eventually, expect_that};

const URI: &str = "spring.cloud.config.server.git.uri";

/// By their turns, which follow from their names: at 20 % it is that of the first two.
const FLEET: [&str; 10] = [
    "orders:dev:8086:a",
    "orders:dev:8089:a",
    "orders:dev:8087:a",
    "orders:dev:8082:a",
    "orders:dev:8084:a",
    "orders:dev:8081:a",
    "orders:dev:8085:a",
    "orders:dev:8088:a",
    "orders:dev:8083:a",
    "orders:dev:8080:a",
];

/// Commits a limit for both applications.
fn limit(repo: &ConfigRepo, limit: u32) -> String {
    let text = format!("limit: {limit}\n");
    let files = [("orders.yml", &*text), ("payments.yml", &*text)];
    repo.push("a limit", &files)
}

/// A server that takes two steps to everybody.
fn settings(uri: &str) -> [(&str, &str); 3] {
    [
        (URI, uri),
        ("confbus.waves.orders.steps", "20,50"),
        ("confbus.waves.orders.wait", "10m"),
    ]
}

fn start(repo: &ConfigRepo) -> TestServer {
    let uri = repo.path().display().to_string();
    TestServer::with(&settings(&uri)).ready()
}

/// What an instance is given.
fn read(server: &TestServer, name: &str) -> Answer {
    let request = Request::get("/orders/dev").header("X-Config-Instance", name);
    server.send(&request)
}

/// Waits until somebody, or whoever names nobody, is given a commit.
#[track_caller]
fn gives(server: &TestServer, name: Option<&str>, commit: &str) -> Answer {
    eventually(&format!("{name:?} at {commit}"), || {
        let answer = name.map_or_else(|| server.get("/orders/dev"), |name| read(server, name));
        let is_there = answer.status == 200 && answer.json()["version"] == commit;
        expect_that(is_there, &answer).map(|()| answer)
    })
}

fn held(answer: &Answer) -> Option<&str> {
    answer.header("x-config-held")
}

/// An instance says that it runs a version, or why it does not.
fn report(server: &TestServer, name: &str, version: &str, rejected: Option<&str>) {
    let report = Report {
        instance: BusId::new(name).unwrap(),
        application: "orders".into(),
        profiles: "dev".into(),
        label: None,
        version: Some(version.into()),
        running: rejected.is_none().then(|| version.into()),
        outcome: match rejected {
            Some(reason) => Outcome::Rejected {
                reason: reason.into(),
            },
            None => Outcome::Applied {
                restart: Vec::new(),
            },
        },
        transport: None,
        poll_seconds: None,
    };
    let answer = server.send(&Request::post("/confbus/reports", report.to_json()));
    assert_eq!(answer.status, 204, "{answer:?}");
}

/// The only wave, once it is as it should be.
#[track_caller]
fn wave(server: &TestServer, what: &str, is_so: impl Fn(&Value) -> bool) -> Value {
    eventually(&format!("a wave that is {what}"), || {
        let view = server.get("/_/api/waves").json();
        let wave = view["waves"][0].clone();
        expect_that(wave.is_object() && is_so(&wave), &view).map(|()| wave)
    })
}

#[track_caller]
fn no_wave(server: &TestServer) {
    eventually("no wave", || {
        let view = server.get("/_/api/waves").json();
        expect_that(view["waves"] == json!([]), &view)
    });
}

/// Everybody reads once, so that the server knows whom there are.
fn introduce(server: &TestServer, names: &[&str], commit: &str) {
    for name in names {
        gives(server, Some(name), commit);
    }
    eventually("all instances", || {
        let view = server.get("/_/api/instances?application=orders").json();
        expect_that(
            view["instances"].as_array().unwrap().len() >= names.len(),
            &view,
        )
    });
}

#[derive(Debug, PartialEq, Deserialize)]
struct Config {
    limit: u32,
}

/// Real clients in this process, each bound to its limit, which may be too much for one.
struct Fleet {
    clients: Vec<(Client, Live<Config>)>,
    _runtime: Runtime,
}

impl Fleet {
    fn start(server: &TestServer, names: &[&str], most: fn(&str) -> u32) -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let url = server.url();
        let one = |name: &str| {
            let settings = Settings::new("orders")
                .profiles("dev")
                .server(&url)
                .bus_id(name)
                .without_poll();
            let most = most(name);
            async move {
                let client = Client::connect(settings).await.unwrap();
                let binding = client.bind::<Config>("").validate(move |config: &Config| {
                    if config.limit <= most {
                        Ok(())
                    } else {
                        Err("it is too much".into())
                    }
                });
                let config = binding.live().unwrap();
                client.ready();
                client.reported().await;
                (client, config)
            }
        };
        let all = futures_util::future::join_all(names.iter().map(|name| one(name)));
        let fleet = Self {
            clients: runtime.block_on(all),
            _runtime: runtime,
        };
        eventually("everyone listen", || {
            let mut clients = fleet.clients.iter();
            let all = clients.all(|(client, _)| client.health().bus == BusHealth::Connected);
            expect_that(all, "some do not yet")
        });
        fleet
    }

    fn limits(&self) -> Vec<u32> {
        let clients = self.clients.iter();
        clients.map(|(_, config)| config.load().limit).collect()
    }

    #[track_caller]
    fn come_to(&self, limits: &[u32]) {
        eventually(&format!("limits of {limits:?}"), || {
            let seen = self.limits();
            expect_that(seen == limits, &seen)
        });
    }
}

#[test]
fn the_first_two_of_ten_have_it_until_they_answered() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    gives(&server, None, &old);
    // The second says nothing by itself, so the wave waits for it.
    let (silent, mut others) = (FLEET[1], FLEET.to_vec());
    others.remove(1);
    let fleet = Fleet::start(&server, &others, |_| 9);
    introduce(&server, &FLEET, &old);

    let new = limit(&repo, 2);
    fleet.come_to(&[2, 1, 1, 1, 1, 1, 1, 1, 1]);
    for name in &FLEET[..2] {
        assert_eq!(held(&gives(&server, Some(name), &new)), None, "{name}");
    }
    for name in &FLEET[2..] {
        let answer = gives(&server, Some(name), &old);
        let waits = format!("{}; wave at 20 %, not its turn yet", &new[..7]);
        assert_eq!(held(&answer), Some(&*waits), "{name}");
    }
    let nameless = gives(&server, None, &old);
    let waits = format!(
        "{}; wave at 20 %, and the read names no instance",
        &new[..7]
    );
    assert_eq!(held(&nameless), Some(&*waits));
    assert!(server.get("/orders-dev.yml").body.contains("limit: 1"));
    let payments = server.get("/payments/dev");
    assert_eq!(
        (payments.json()["version"].as_str(), held(&payments)),
        (Some(&*new), None)
    );

    let seen = wave(&server, "half answered", |wave| {
        wave["instances"]["applied"] == 1
    });
    for (key, expected) in [
        ("application", json!("orders")),
        ("branch", json!("main")),
        ("commit", json!(new)),
        ("before", json!(old)),
        ("state", json!("running")),
        ("percent", json!(20)),
        (
            "instances",
            json!({ "applied": 1, "rejected": 0, "waiting": 1 }),
        ),
        ("overdue", json!(false)),
    ] {
        assert_eq!(seen[key], expected, "{key} of {seen}");
    }
    let view = server.get("/_/api/refreshes").json();
    let mut refreshes = view["refreshes"].as_array().unwrap().iter();
    let step = refreshes
        .find(|refresh| refresh["trigger"] == "wave")
        .unwrap();
    assert_eq!(step["destinations"], json!(FLEET[..2]));
    let instances = server
        .get("/_/api/instances?application=orders&state=live")
        .json();
    let live = instances["instances"].as_array().unwrap().len();
    assert!(
        live >= 9,
        "each is measured by what it is given: {instances}"
    );

    report(&server, silent, &new, None);
    // At 50 % it waits for nobody, and at 100 % for the silent one no more.
    fleet.come_to(&[2; 9]);
    no_wave(&server);
    assert_eq!(held(&gives(&server, None, &new)), None);
}

#[test]
fn a_rejection_brings_everybody_back() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    gives(&server, None, &old);
    let fleet = Fleet::start(&server, &FLEET, |name| if name == FLEET[1] { 1 } else { 9 });
    introduce(&server, &FLEET, &old);

    let bad = limit(&repo, 2);
    let stopped = wave(&server, "stopped", |wave| wave["state"] == "stopped");
    let reason = stopped["reason"].as_str().unwrap();
    assert!(reason.contains(FLEET[1]), "{reason}");
    fleet.come_to(&[1; 10]);
    for name in FLEET {
        let answer = gives(&server, Some(name), &old);
        assert_eq!(
            held(&answer),
            Some(&*format!("{}; wave stopped", &bad[..7]))
        );
    }
    let health = server.get("/actuator/health").json();
    assert_eq!(
        health["components"]["waves"]["details"]["waves"][0]["state"],
        "stopped"
    );
    let lines = server.lines();
    let mut lines = lines.iter();
    assert!(lines.any(|line| line.contains("wave stopped") && line.contains(&bad)));

    // Only the comment is newer.
    let same = repo.push("a comment", &[("orders.yml", "# so be it\nlimit: 2\n")]);
    wave(&server, "still stopped", |wave| {
        wave["state"] == "stopped" && wave["commit"] == *same
    });
    fleet.come_to(&[1; 10]);
    let good = limit(&repo, 0);
    fleet.come_to(&[0; 10]);
    gives(&server, None, &good);
    no_wave(&server);
}

/// Runs `confbus wave` and gives its exit code and what it wrote.
fn confbus_wave(server: &TestServer, arguments: &[&str]) -> (Option<i32>, Running) {
    let url = server.url();
    let all = ["wave"].into_iter().chain(arguments.iter().copied());
    let all = all.chain(["--server", &*url]).map(str::to_owned);
    let all: Vec<_> = all.collect();
    let mut running = Running::confbus(&all);
    (running.wait().code(), running)
}

#[test]
fn somebody_decides() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    introduce(&server, &FLEET, &old);
    let (code, said) = confbus_wave(&server, &["list"]);
    assert_eq!(code, Some(0));
    said.line_with("nothing is on its way");

    let new = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &new);
    let (code, said) = confbus_wave(&server, &["list"]);
    assert_eq!(code, Some(0));
    said.line_with(&format!("orders  main  {}  running at 20 %", &new[..7]));
    let (code, said) = confbus_wave(&server, &["abort", "ordres"]);
    assert_eq!(code, Some(6));
    said.line_with("did you mean `orders`?");
    let (code, said) = confbus_wave(&server, &["abort", "orders", "--reason", "INC-812"]);
    assert_eq!(code, Some(0));
    said.line_with("aborted");
    for name in FLEET {
        let answer = gives(&server, Some(name), &old);
        assert_eq!(
            held(&answer),
            Some(&*format!("{}; wave aborted", &new[..7]))
        );
    }
    let (_, said) = confbus_wave(&server, &["list"]);
    said.line_with("aborted  by anonymous  INC-812");

    let (code, said) = confbus_wave(&server, &["promote", "orders", "--reason", "after all"]);
    assert_eq!(code, Some(0));
    said.line_with("promoted");
    for name in FLEET.into_iter().map(Some).chain([None]) {
        assert_eq!(held(&gives(&server, name, &new)), None);
    }
    no_wave(&server);
    for (arguments, code, line) in [
        (&["promote", "orders"][..], 6, "no wave of this address"),
        (&["abort", "payments"], 6, "no wave of this address"),
        (&["abort", "a,b"], 1, "answered 400"),
        (&["abort", "orders/"], 2, "write APPLICATION"),
    ] {
        let (seen, said) = confbus_wave(&server, arguments);
        assert_eq!(seen, Some(code), "{arguments:?}");
        said.line_with(line);
    }
    let plain = Request::post("/_/api/waves/abort", "{}");
    assert_eq!(server.send(&plain).status, 415);
    let strange = Request::get("/_/api/waves").header("X-Forwarded-For", "10.0.0.7");
    assert_eq!(server.send(&strange).status, 401);
}

#[test]
fn a_wave_goes_on_after_a_restart_from_the_first_answer_on() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let server = TestServer::in_folder(folder.path(), &settings(&uri)).ready();
    introduce(&server, &FLEET, &old);
    let new = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &new);
    report(&server, FLEET[0], &new, None);
    wave(&server, "half answered", |wave| {
        wave["instances"]["applied"] == 1
    });
    // Real clients say again what they run; these do not.
    eventually("the saved report", || {
        let saved = std::fs::read(folder.path().join("ledger-0.json")).unwrap_or_default();
        let saved: Value = serde_json::from_slice(&saved).unwrap_or_default();
        let mut instances = saved["instances"].as_array().into_iter().flatten();
        let is_saved = instances.any(|instance| instance["applied"]["version"] == *new);
        expect_that(is_saved, &saved)
    });

    let server = server.restarted(&settings(&uri));
    eventually("an answer", || {
        let answer = server.get("/orders/dev");
        let is_new = answer.status == 200 && answer.json()["version"] != *old;
        assert!(!is_new, "{answer:?}");
        expect_that(answer.status == 200, &answer)
    });
    gives(&server, Some(FLEET[1]), &new);
    gives(&server, Some(FLEET[2]), &old);
    report(&server, FLEET[1], &new, None);
    wave(&server, "a step further", |wave| wave["percent"] == 50);
    for name in &FLEET[2..5] {
        gives(&server, Some(name), &new);
    }
    gives(&server, Some(FLEET[5]), &old);
}

#[test]
fn a_rule_that_comes_back_begins_with_what_is_there() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let folder = tempfile::tempdir().unwrap();
    let saved = || {
        let saved = std::fs::read(folder.path().join("waves-0.json")).unwrap_or_default();
        serde_json::from_slice::<Value>(&saved).unwrap_or_default()
    };
    let waits_for = |label: Option<&str>| {
        eventually("the saved courses", || {
            let saved = saved();
            let is_so = saved["waves"].is_array() && saved["waves"][0]["label"].as_str() == label;
            expect_that(is_so, &saved)
        });
    };
    let server = TestServer::in_folder(folder.path(), &settings(&uri)).ready();
    gives(&server, None, &old);
    waits_for(Some("main"));

    let server = server.restarted(&settings(&uri)[..1]);
    waits_for(None);
    let new = limit(&repo, 2);
    gives(&server, None, &new);

    let server = server.restarted(&settings(&uri)).ready();
    assert_eq!(server.get("/orders/dev").json()["version"], new);
    no_wave(&server);
}

#[test]
fn an_aborted_commit_takes_no_place_of_what_is_gone() {
    let repo = ConfigRepo::from_sample();
    let bad = repo.push_to("aside", "too much", &[("orders.yml", "limit: 2\n")]);
    let old = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&settings(&uri)).ready();
    introduce(&server, &FLEET, &old);
    // Without what everybody has.
    repo.point("main", &bad);
    repo.delete_branch("aside");
    gives(&server, Some(FLEET[0]), &bad);
    let (code, _) = confbus_wave(&server, &["abort", "orders"]);
    assert_eq!(code, Some(0));

    let server = server.restarted_after(&settings(&uri), forget_commits);
    server.line_with("what everybody had is gone");
    for name in FLEET.into_iter().map(Some).chain([None]) {
        let answer = name.map_or_else(|| server.get("/orders/dev"), |name| read(&server, name));
        let says = format!("still given commit {}", &old[..7]);
        assert!(
            answer.status == 503 && answer.body.contains(&says),
            "{answer:?}"
        );
    }
    let (code, _) = confbus_wave(&server, &["promote", "orders"]);
    assert_eq!(code, Some(0));
    for name in FLEET.into_iter().map(Some).chain([None]) {
        gives(&server, name, &bad);
    }
}

/// Clones and the journal are gone.
fn forget_commits(folder: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else if path.extension().is_none_or(|extension| extension != "json") {
            std::fs::remove_file(path).unwrap();
        }
    }
}

#[test]
fn who_may_not_have_been_told_before_a_stop_is_told_after_it() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&settings(&uri)).ready();
    introduce(&server, &FLEET, &old);
    let new = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &new);
    let (code, _) = confbus_wave(&server, &["abort", "orders"]);
    assert_eq!(code, Some(0));
    let told = |server: &TestServer, whom: Value| {
        eventually(&format!("an event for {whom}"), || {
            let view = server.get("/_/api/refreshes").json();
            let mut refreshes = view["refreshes"].as_array().into_iter().flatten();
            let is_told = refreshes
                .any(|refresh| refresh["trigger"] == "wave" && refresh["destinations"] == whom);
            expect_that(is_told, &view)
        });
    };
    told(&server, json!(FLEET[..2]));
    // Nobody was told so before.
    let server = server.restarted(&settings(&uri));
    told(&server, json!(["orders:**"]));
}

#[test]
fn a_pin_is_stronger_than_a_wave() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    introduce(&server, &FLEET, &old);
    let new = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &new);
    let pin = json!({ "application": "orders", "commit": old, "reason": "INC-812" });
    let request = Request::post("/_/api/pins", pin.to_string());
    let pinned = server.send(&request.header("Content-Type", "application/json"));
    assert_eq!(pinned.status, 201, "{pinned:?}");
    for name in FLEET {
        let answer = gives(&server, Some(name), &old);
        assert_eq!(held(&answer), Some(&*format!("{}; pinned", &new[..7])));
    }
    let newer = limit(&repo, 3);
    wave(&server, "that of the newer commit", |wave| {
        wave["commit"] == newer
    });
    let id = pinned.json()["id"].as_str().unwrap().to_owned();
    let released = server.send(&Request::delete(&format!("/_/api/pins/{id}")));
    assert_eq!(released.status, 204, "{released:?}");
    gives(&server, Some(FLEET[0]), &newer);
    gives(&server, Some(FLEET[9]), &old);
}

#[test]
fn silence_may_count_as_consent() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        (URI, &uri),
        ("confbus.waves.some.address", "orders/dev/main"),
        ("confbus.waves.some.steps", "50"),
        ("confbus.waves.some.wait", "100ms"),
        ("confbus.waves.some.on-silence", "go"),
    ])
    .ready();
    introduce(&server, &FLEET, &old);
    let new = limit(&repo, 2);
    for name in FLEET.into_iter().map(Some).chain([None]) {
        assert_eq!(held(&gives(&server, name, &new)), None);
    }
    let lines = server.lines();
    for text in ["percent=50", "percent=100", "wave over"] {
        assert!(
            lines.iter().any(|line| line.contains(text)),
            "{text}: {lines:?}"
        );
    }
}

/// Is set when it goes, also where a test fails.
struct Over<'f>(&'f AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_push_for_others_changes_nothing_for_anybody() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    introduce(&server, &FLEET, &old);
    let new = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &new);
    for name in &FLEET[..2] {
        report(&server, name, &new, None);
    }
    let before = wave(&server, "a step further", |wave| wave["percent"] == 50);

    let unrelated = repo.push("for others", &[("payments.yml", "limit: 3\n")]);
    // Once it was looked at, it is said to be as far as what it brings.
    let waits = format!("{}; wave at 50 %, not its turn yet", &unrelated[..7]);
    eventually("the newer commit at the same step", || {
        let answer = read(&server, FLEET[9]);
        expect_that(held(&answer) == Some(&*waits), &answer)
    });
    for name in &FLEET[..5] {
        gives(&server, Some(name), &new);
    }
    for name in &FLEET[5..] {
        gives(&server, Some(name), &old);
    }
    let after = wave(&server, "of the same commit", |wave| wave["commit"] == *new);
    for key in ["percent", "started", "since", "before"] {
        assert_eq!(after[key], before[key], "{key} of {after}");
    }
    for name in &FLEET[2..5] {
        report(&server, name, &new, None);
    }
    wave(&server, "at everybody", |wave| wave["percent"] == 100);
    for name in &FLEET[5..] {
        gives(&server, Some(name), &new);
        report(&server, name, &new, None);
    }
    no_wave(&server);
    gives(&server, Some(FLEET[0]), &unrelated);
}

#[test]
fn nobody_else_is_given_a_commit_for_a_moment() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    introduce(&server, &FLEET, &old);
    let is_over = AtomicBool::new(false);
    let (reads, commits) = std::thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut reads = 0;
            while !is_over.load(Ordering::SeqCst) {
                for answer in [server.get("/orders/dev"), read(&server, FLEET[2])] {
                    assert_eq!(answer.status, 200, "{answer:?}");
                    assert_eq!(answer.json()["version"], *old, "read {reads}: {answer:?}");
                    reads += 1;
                }
            }
            reads
        });
        let over = Over(&is_over);
        let commits = (2..22).map(|number| {
            let new = limit(&repo, number);
            // From its first step, whichever commit was on its way.
            gives(&server, Some(FLEET[0]), &new);
            new
        });
        let commits: Vec<_> = commits.collect();
        drop(over);
        (reading.join().unwrap(), commits)
    });
    assert!(reads >= commits.len(), "{reads} reads");
    let seen = wave(&server, "that of the last commit", |wave| {
        wave["commit"] == commits[19]
    });
    assert_eq!(
        (&seen["before"], &seen["percent"]),
        (&json!(old), &json!(20))
    );
}

#[test]
fn what_changes_nothing_or_is_broken_begins_no_wave() {
    let repo = ConfigRepo::from_sample();
    let old = limit(&repo, 1);
    let server = start(&repo);
    introduce(&server, &FLEET, &old);
    let comment = repo.push("a comment", &[("orders.yml", "# so be it\nlimit: 1\n")]);
    for name in FLEET.into_iter().map(Some).chain([None]) {
        assert_eq!(held(&gives(&server, name, &comment)), None);
    }
    no_wave(&server);
    let broken = repo.push("break it", &[("orders.yml", "limit: [\n")]);
    server.get("/payments/dev");
    eventually("a held answer", || {
        let answer = read(&server, FLEET[0]);
        let says = format!("{}; orders.yml:", &broken[..7]);
        let is_held = held(&answer).is_some_and(|held| held.starts_with(&says));
        expect_that(is_held && answer.json()["version"] == *comment, &answer)
    });
    no_wave(&server);
    let mended = limit(&repo, 2);
    gives(&server, Some(FLEET[0]), &mended);
    gives(&server, Some(FLEET[9]), &comment);
}
