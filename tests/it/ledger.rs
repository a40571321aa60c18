//! What the server knows of each instance: told over HTTP, kept over a restart.

use confbus_protocol::{BusId, Outcome, Report};
use serde_json::{Value, json};

use crate::support::{Answer, ConfigRepo, Request, TestServer, eventually, expect_that};

const ID: &str = "orders:dev:8081:ab12";

fn report(version: &str, running: &str, outcome: Outcome) -> Vec<u8> {
    let report = Report {
        instance: BusId::new(ID).unwrap(),
        application: "orders".into(),
        profiles: "dev".into(),
        label: None,
        version: Some(version.into()),
        running: Some(running.into()),
        outcome,
        transport: Some("stream".into()),
        poll_seconds: None,
    };
    report.to_json()
}

fn post(server: &TestServer, body: Vec<u8>) -> Answer {
    server.send(&Request::post("/confbus/reports", body))
}

fn poll(server: &TestServer, running: &str) {
    let request = Request::get("/orders/dev")
        .header("X-Config-Instance", ID)
        .header("X-Config-Running", running);
    assert_eq!(server.send(&request).status, 200);
}

/// The only instance.
fn instance(server: &TestServer) -> Value {
    let view = server.get("/_/api/instances?application=orders").json();
    assert_eq!(view["schema"], "confbus.instances/1");
    let instances = view["instances"].as_array().unwrap();
    assert_eq!(instances.len(), 1, "{view}");
    instances[0].clone()
}

#[track_caller]
fn check(server: &TestServer, state: &str, evidence: &str) {
    let seen = instance(server);
    assert_eq!(
        (&seen["state"], &seen["evidence"]),
        (&json!(state), &json!(evidence)),
        "{seen}"
    );
}

#[test]
fn an_instance_is_followed_from_commit_to_commit_and_over_a_restart() {
    let repo = ConfigRepo::from_sample();
    let first = repo.push("first", &[("orders.yml", "limit: 1\n")]);
    let folder = tempfile::tempdir().unwrap();
    let settings = [(
        "spring.cloud.config.server.git.uri",
        &*repo.path().display().to_string(),
    )];
    let server = TestServer::in_folder(folder.path(), &settings).ready();

    let applied = || Outcome::Applied {
        restart: Vec::new(),
    };
    assert_eq!(post(&server, report(&first, &first, applied())).status, 204);
    check(&server, "live", "report");

    let second = repo.push("second", &[("orders.yml", "limit: 0\n")]);
    server.serves(&second);
    check(&server, "told", "none");
    eventually("the refresh that told it", || {
        let told = instance(&server);
        expect_that(told["refresh"].is_string(), told)
    });
    poll(&server, &first);
    check(&server, "applying", "read");
    let reason = "`limit`: at least 1 (orders.yml:1:8)";
    let rejected = Outcome::Rejected {
        reason: reason.into(),
    };
    assert_eq!(post(&server, report(&second, &first, rejected)).status, 204);
    check(&server, "rejected", "report");
    let before = instance(&server);
    for (key, expected) in [
        ("wanted", json!(second)),
        ("fetched", json!(second)),
        ("applied", json!(first)),
        ("reason", json!(reason)),
        ("transport", json!("stream")),
    ] {
        assert_eq!(before[key], expected, "{key} of {before}");
    }

    let file = folder.path().join("ledger-0.json");
    eventually("the saved reason", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        expect_that(text.contains("orders.yml:1:8"), text)
    });
    let server = server.restarted(&settings);
    server.serves(&second);
    let after = instance(&server);
    assert_eq!(after, before);
    assert_eq!(
        server.get("/_/api/instances?state=live").json()["instances"],
        json!([])
    );
}

#[test]
fn what_is_wanted_is_told_without_fetching_it() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push_to("feature", "a branch", &[("orders.yml", "limit: 1\n")]);
    let server = TestServer::start(&repo).ready();
    let on_branch = Report {
        label: Some("feature".into()),
        ..Report::from_json(&report(
            "old",
            "old",
            Outcome::Applied {
                restart: Vec::new(),
            },
        ))
        .unwrap()
    };
    assert_eq!(post(&server, on_branch.to_json()).status, 204);
    assert_eq!(instance(&server)["wanted"], Value::Null);
    assert_eq!(server.get("/orders/dev/feature").status, 200);
    assert_eq!(instance(&server)["wanted"], json!(commit));
    check(&server, "told", "none");
}

#[test]
fn whoever_only_reads_is_a_reader() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    assert_eq!(server.get("/main/payments-prod.yml").status, 200);
    let view = server.get("/_/api/instances?application=payments").json();
    assert_eq!(view["instances"], json!([]));
    let reader = &view["readers"][0];
    assert_eq!(reader["profiles"], "prod");
    assert_eq!(reader["label"], "main");
    assert_eq!(reader["peer"], "127.0.0.1");
    assert_eq!(
        reader["served"],
        server.get("/payments/prod").json()["version"]
    );
}

#[test]
fn what_is_no_report_is_refused() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let refused = post(&server, b"{\"instance\": \"s3cret\"".to_vec());
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("not a report (line 1"), "{refused:?}");
    assert!(!refused.body.contains("s3cret"), "{refused:?}");
    assert_eq!(post(&server, vec![b' '; 5000]).status, 413);
    let long = String::from_utf8(report("c1", "c1", Outcome::Leaving)).unwrap();
    let long = long.replace(":dev:", &format!(":{}:", "s3cret".repeat(100)));
    let refused = post(&server, long.into_bytes());
    assert_eq!(refused.status, 400);
    let reason = "`instance` is longer than 512 bytes";
    assert!(refused.body.contains(reason), "{refused:?}");
    assert!(!refused.body.contains("s3cret"), "{refused:?}");

    let passed_on = |request: Request| server.send(&request.header("X-Forwarded-For", "10.0.0.7"));
    assert_eq!(passed_on(Request::post("/confbus/reports", "")).status, 401);
    for path in [
        "/_/api/instances",
        "/_/api/refreshes",
        "/_/api/refreshes/r-1",
    ] {
        assert_eq!(passed_on(Request::get(path)).status, 401, "{path}");
    }
}

#[test]
fn what_lies_there_in_spring_lies_there_still() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [
        ("spring.cloud.config.server.git.uri", &*uri),
        ("confbus.ui.enabled", "false"),
    ];
    let server = TestServer::with(&settings).ready();
    assert_eq!(server.get("/confbus/reports").json()["name"], "confbus");
    assert_eq!(server.get("/_/api/main").json()["name"], "_");
    assert_eq!(server.post("/_/api/instances").status, 405);
    assert_eq!(
        server.get("/_/api/refreshes").json()["schema"],
        "confbus.refreshes/1"
    );
    assert_eq!(server.get("/_/api/refreshes/r-1").status, 404);
    assert_eq!(server.get("/_/api/instances?state=green").status, 400);
}

#[test]
fn a_damaged_ledger_starts_anew() {
    let repo = ConfigRepo::from_sample();
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("elsewhere");
    std::fs::create_dir(&ledger).unwrap();
    std::fs::write(ledger.join("ledger-0.json"), "{\"version\":1,").unwrap();
    let settings = [
        (
            "spring.cloud.config.server.git.uri",
            &*repo.path().display().to_string(),
        ),
        ("confbus.ledger.directory", &ledger.display().to_string()),
    ];
    let server = TestServer::in_folder(folder.path(), &settings).ready();
    let warnings = server.lines();
    let warnings = warnings
        .iter()
        .filter(|line| line.contains("the ledger cannot be read"));
    assert_eq!(warnings.count(), 1);
    eventually("a new file", || {
        let text = std::fs::read_to_string(ledger.join("ledger-0.json")).unwrap();
        expect_that(text.contains("\"orders\""), text)
    });
}

#[test]
fn who_could_not_be_told_before_a_stop_is_told_after_it() {
    let repo = ConfigRepo::from_sample();
    repo.push("first", &[("orders.yml", "limit: 1\n")]);
    let folder = tempfile::tempdir().unwrap();
    let uri = repo.path().display().to_string();
    let git = ("spring.cloud.config.server.git.uri", &*uri);
    let nobody = [
        git,
        ("spring.cloud.bus.enabled", "true"),
        // Nothing listens there.
        ("spring.rabbitmq.port", "1"),
    ];
    let server = TestServer::in_folder(folder.path(), &nobody).ready();
    poll(&server, "none");
    instance(&server);
    let second = repo.push("second", &[("orders.yml", "limit: 2\n")]);
    server.serves(&second);
    eventually("an event that is not taken", || {
        let seen = server.get("/_/api/refreshes").json();
        let timeline = seen["refreshes"][0]["timeline"].clone();
        let mut steps = timeline.as_array().into_iter().flatten();
        expect_that(steps.any(|step| step["what"] == "failed"), &seen)
    });
    let file = folder.path().join("ledger-0.json");
    eventually("the saved debt", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        expect_that(text.contains(r#""owed":["orders:**"]"#), text)
    });

    let server = server.restarted(&[git]);
    eventually("an event that makes up for it", || {
        let seen = server.get("/_/api/refreshes").json();
        let last = &seen["refreshes"][0];
        let is_told = last["trigger"] == "reconnect"
            && last["destinations"] == json!(["orders:**"])
            && last["published"].is_string();
        expect_that(is_told, &seen)
    });
}

#[test]
fn a_head_is_no_read() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let head = Request::head("/billing/dev");
    assert_eq!(server.send(&head).status, 200);
    assert_eq!(server.get("/payments/dev").status, 200);
    let readers = server.get("/_/api/instances").json()["readers"].clone();
    let readers = readers.as_array().unwrap().iter();
    let applications: Vec<_> = readers.map(|reader| &reader["application"]).collect();
    assert!(applications.contains(&&json!("payments")));
    assert!(!applications.contains(&&json!("billing")));
}
