//! Who may say that something was pushed, and what follows.

use crate::support::{
    ConfigRepo, GitDaemon, Instance, Request, TestServer, eventually, expect_that,
};

const SECRET: &str = "hook-s3cret";

/// GitHub's signature over the raw body.
pub(crate) fn sign(body: &str) -> String {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, SECRET.as_bytes());
    let tag = aws_lc_rs::hmac::sign(&key, body.as_bytes());
    let hex: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256={hex}")
}

pub(crate) fn github_push(reference: &str, paths: &[&str]) -> String {
    let commit = serde_json::json!({ "id": "c1", "added": [], "removed": [], "modified": paths });
    serde_json::json!({ "ref": reference, "commits": [commit], "repository": { "full_name": "acme/config" } }).to_string()
}

pub(crate) fn github(path: &str, body: &str) -> Request {
    Request::post(path, body)
        .header("Content-Type", "application/json")
        .header("X-GitHub-Event", "push")
}

/// A server that looks at its remote only when it is told.
pub(crate) fn quiet_settings(daemon: &GitDaemon) -> Vec<(&'static str, String)> {
    vec![
        ("spring.cloud.config.server.git.uri", daemon.url()),
        (
            "spring.cloud.config.server.git.refresh-rate",
            "-1".to_owned(),
        ),
        (
            "spring.cloud.config.server.monitor.github.webhook-secret",
            SECRET.to_owned(),
        ),
    ]
}

pub(crate) fn start(settings: &[(&'static str, String)]) -> TestServer {
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    TestServer::with(&settings).ready()
}

#[test]
fn a_webhook_without_a_secret_is_refused() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let answer = server.send(&github(
        "/monitor",
        &github_push("refs/heads/main", &["orders.yml"]),
    ));
    assert_eq!(answer.status, 403, "{answer:?}");
}

#[test]
fn a_long_name_is_cut_in_the_log() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    let body = github_push(&format!("refs/heads/{}", "x".repeat(9000)), &["orders.yml"]);
    let request = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
    assert_eq!(server.send(&request).status, 200);
    eventually("the push in the log", || {
        let lines = server.lines();
        let line = lines
            .iter()
            .find(|line| line.contains("a push was reported"));
        let line = line.ok_or("no such line")?;
        expect_that(line.contains("refs/heads/xxx") && line.len() < 1000, line)
    });
}

#[test]
fn validation_can_be_switched_off_by_name() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        (
            "spring.cloud.config.server.monitor.validation-filter-enabled",
            "false",
        ),
    ])
    .ready();
    let answer = server.send(&github(
        "/monitor",
        &github_push("refs/heads/main", &["orders-dev.yml", "application.yml"]),
    ));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"["orders-dev","orders","*"]"#)
    );
    let form = Request::post("/monitor", "path=orders.yml")
        .header("Content-Type", "application/x-www-form-urlencoded");
    assert_eq!(server.send(&form).body, r#"["orders"]"#);
}

/// Where both lines of Spring were recorded.
#[test]
fn the_webhook_answers_odd_deliveries_as_recorded() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        (
            "spring.cloud.config.server.monitor.validation-filter-enabled",
            "false",
        ),
    ])
    .ready();
    let json = "application/json";
    let form = "application/x-www-form-urlencoded";
    for (event, content_type, body, expected) in [
        ("", "", "", (400, "")),
        ("", json, "not json", (400, "")),
        ("", json, "[]", (400, "")),
        ("", json, "\"x\"", (400, "")),
        ("", "text/plain", "hello", (415, "")),
        ("", form, "", (400, "")),
        ("push", form, "payload=%7B%7D", (400, "")),
        ("", json, r#"{"path":""}"#, (200, r#"[""]"#)),
        ("", json, r#"{"path":[]}"#, (200, "[]")),
        ("", json, r#"{"path":5}"#, (200, "[]")),
        ("", json, r#"{"path":".gitignore"}"#, (200, r#"[""]"#)),
        ("", json, r#"{"path":"foo:dev"}"#, (200, r#"["foo:dev"]"#)),
        ("", json, r#"{"path":"foo-"}"#, (200, r#"["foo-","foo"]"#)),
        (
            "",
            json,
            r#"{"path":"C:\\config\\foo.yml"}"#,
            (200, r#"["foo"]"#),
        ),
        ("", json, r#"{"path":"../foo.yml"}"#, (200, r#"["foo"]"#)),
        (
            "push",
            json,
            r#"{"commits":[{"modified":["a.yml"]}],"path":"b.yml"}"#,
            (200, r#"["a"]"#),
        ),
        (
            "push",
            json,
            r#"{"commits":[{"modified":null,"added":["a.yml"]}]}"#,
            (200, r#"["a"]"#),
        ),
        ("push", json, r#"{"commits":null}"#, (200, "[]")),
        (
            "push",
            json,
            r#"{"commits":[{"modified":"a.yml"}]}"#,
            (500, ""),
        ),
    ] {
        let mut request = Request::post("/monitor", body);
        for (name, value) in [("X-Github-Event", event), ("Content-Type", content_type)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let answer = server.send(&request);
        let said = if answer.status == 200 {
            &answer.body
        } else {
            ""
        };
        assert_eq!((answer.status, said), expected, "{content_type} {body}");
    }
    assert_eq!(server.get("/monitor").status, 405);
    assert_eq!(server.post("/monitor/").status, 404);
}

#[test]
fn a_signed_push_is_fetched_and_an_unsigned_one_is_not() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    let old = server.get("/orders/dev").json()["version"].clone();
    let commit = repo.push("a greeting", &[("orders.yml", "greeting: pushed\n")]);

    let body = github_push("refs/heads/main", &["orders.yml"]);
    for signature in [None, Some("sha256=00"), Some("sha256=zz"), Some("")] {
        let request = github("/monitor", &body);
        let request = signature.map_or_else(
            || github("/monitor", &body),
            |signature| request.header("X-Hub-Signature-256", signature),
        );
        assert!(
            matches!(server.send(&request).status, 401 | 403),
            "{signature:?}"
        );
    }
    let tampered = body.replace("orders.yml", "orders.ymx");
    assert!(matches!(
        server
            .send(&github("/monitor", &tampered).header("X-Hub-Signature-256", &sign(&body)))
            .status,
        401 | 403
    ));
    assert_eq!(server.get("/orders/dev").json()["version"], old);

    let answer =
        server.send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"["orders"]"#)
    );
    server.serves(&commit);
}

#[test]
fn a_github_webhook_may_point_straight_at_the_bus() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    for path in [
        "/actuator/busrefresh",
        "/actuator/bus-refresh",
        "/actuator/busrefresh/orders",
        "/actuator/bus-refresh/orders:8081",
    ] {
        let commit = repo.push(
            "once more",
            &[("orders.yml", &format!("greeting: by {path}\n"))],
        );
        let body = github_push("refs/heads/main", &["orders.yml"]);
        let answer = server.send(&github(path, &body).header("X-Hub-Signature-256", &sign(&body)));
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (204, ""),
            "{path}: {answer:?}"
        );
        assert_eq!(
            server.get("/orders/dev").json()["version"],
            commit.as_str(),
            "it was fetched before the answer"
        );
    }
}

#[test]
fn a_push_to_a_branch_that_nobody_asked_for_refreshes_nobody() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    let instance = Instance::start(&server, "orders/dev", 8081, &[]);

    repo.push_to("side", "not for us", &[("orders.yml", "greeting: side\n")]);
    let body = github_push("refs/heads/side", &["orders.yml"]);
    assert_eq!(
        server
            .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)))
            .status,
        200
    );

    // What comes after it is heard, so what came before it would have been.
    repo.push("for us", &[("orders-dev.yml", "greeting: main\n")]);
    let body = github_push("refs/heads/main", &["orders-dev.yml"]);
    server.send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)));
    instance.sees("greeting", "main");
    // The log may come a moment later.
    server.line_with("refresh event");
    let told: Vec<_> = server
        .lines()
        .into_iter()
        .filter(|line| line.contains("refresh event"))
        .collect();
    assert_eq!(told.len(), 1, "orders, for the second push: {told:?}");
}

#[test]
fn a_webhook_that_comes_before_its_push_can_be_seen_is_not_forgotten() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    let before = server.get("/orders/dev").json()["version"].clone();
    // What was pushed cannot be seen where the server looks.
    let hidden = repo.push_to("hidden", "a step", &[("orders.yml", "greeting: new\n")]);
    let report = || {
        let mut body: serde_json::Value =
            serde_json::from_str(&github_push("refs/heads/main", &["orders.yml"])).unwrap();
        body["after"] = hidden.as_str().into();
        let body = body.to_string();
        let signed = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
        assert_eq!(server.send(&signed).status, 200);
    };
    let looks_again = || {
        let lines = server.lines().into_iter();
        let told = lines.filter(|line| line.contains("cannot be seen yet"));
        told.count()
    };
    report();
    report();
    eventually("the notice", || {
        expect_that(looks_again() >= 1, looks_again())
    });
    assert_eq!(server.get("/orders/dev").json()["version"], before);
    repo.point("main", &hidden);
    server.serves(&hidden);
    assert_eq!(looks_again(), 1, "it is said once");

    // A delivery that is repeated finds what it is about.
    report();
    repo.push("unreported", &[("orders.yml", "greeting: newer\n")]);
    report();
    eventually("another look", || {
        let answer = server.get("/orders/dev");
        expect_that(answer.json()["version"] != hidden.as_str(), &answer)
    });
    assert_eq!(looks_again(), 1);
}

#[test]
fn while_a_secret_changes_both_are_believed() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    let (secret, value) = settings.pop().unwrap();
    settings.push((secret, "the new one".to_owned()));
    settings.push(("confbus.monitor.previous-secrets.github", value));
    let server = start(&settings);
    let body = github_push("refs/heads/main", &["orders.yml"]);
    let signed = |signature: &str| {
        let request = github("/monitor", &body).header("X-Hub-Signature-256", signature);
        server.send(&request).status
    };
    assert_eq!(signed(&sign(&body)), 200);
    assert_eq!(signed(&sign("another body")), 403);
}

#[test]
fn deliveries_come_from_where_they_may() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let body = github_push("refs/heads/main", &["orders.yml"]);
    let delivery = github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body));
    for (sources, expected) in [
        ("192.0.2.0/24, 2001:db8::/32", 403),
        ("192.0.2.0/24, 127.0.0.1", 200),
    ] {
        let mut settings = quiet_settings(&daemon);
        settings.push(("confbus.monitor.sources", sources.to_owned()));
        let answer = start(&settings).send(&delivery);
        assert_eq!(answer.status, expected, "{sources}: {answer:?}");
    }
}

#[test]
fn a_delivery_that_comes_again_is_looked_at_once_more() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = start(&quiet_settings(&daemon));
    let body = github_push("refs/heads/main", &["orders.yml"]);
    let delivery = github("/monitor", &body)
        .header("X-Hub-Signature-256", &sign(&body))
        .header("X-GitHub-Delivery", "72d3162e-cc78-11e3-81ab-4c9367dc0958");
    assert_eq!(server.send(&delivery).status, 200);
    server.line_with("a push was reported");
    let commit = repo.push("later", &[("orders.yml", "greeting: later\n")]);
    assert_eq!(server.send(&delivery).status, 200);
    server.line_with("again=true");
    server.serves(&commit);
}
