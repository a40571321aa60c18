//! What is counted, and who may see it.

mod deployed;
mod probes;

use std::{
    io::Write as _,
    process::{Command, Stdio},
};

use crate::support::{ConfigRepo, Request, TestServer, eventually, expect_that, skipped_without};

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0";

/// The value of a series; all labels that are asked for are in it.
fn value(text: &str, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    let labels: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}=\"{value}\""))
        .collect();
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.find_map(|line| {
        let (series, value) = line.rsplit_once(' ')?;
        let own = series.split('{').next()?;
        let fits = own == name && labels.iter().all(|label| series.contains(label.as_str()));
        fits.then(|| value.parse().unwrap())
    })
}

fn scrape(server: &TestServer) -> String {
    let answer = server.get("/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

/// Waits for a series with this value.
#[track_caller]
fn counts(server: &TestServer, name: &str, labels: &[(&str, &str)], expected: f64) {
    eventually(&format!("{name} {labels:?} {expected}"), || {
        let text = scrape(server);
        let of_name = text.lines().filter(|line| line.starts_with(name));
        let found = value(&text, name, labels);
        expect_that(found == Some(expected), of_name.collect::<Vec<_>>())
    });
}

fn report(server: &TestServer, instance: &str, application: &str, more: &str) {
    let body = format!(
        r#"{{"instance":"{instance}","application":"{application}","profiles":"dev","transport":"sse",{more}}}"#
    );
    let request = Request::post("/confbus/reports", body);
    let answer = server.send(&request.header("Content-Type", "application/json"));
    assert_eq!(answer.status, 204, "{answer:?}");
}

#[test]
fn reads_are_counted_by_what_they_ask_for() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let before = scrape(&server);
    let count = "confbus_http_request_duration_seconds_count";
    let environment = ("route", "/{application}/{profiles}");
    let got = [environment, ("method", "GET"), ("status", "200")];
    let before = value(&before, count, &got).unwrap();
    let first = server.get("/orders/dev");
    for _ in 0..40 {
        assert_eq!(server.get("/orders/dev").status, 200);
    }
    let known = Request::get("/orders/dev").header("If-None-Match", first.header("etag").unwrap());
    assert_eq!(server.send(&known).status, 304);
    assert_eq!(server.send(&Request::head("/orders/dev")).status, 200);
    assert_eq!(server.get("/orders/dev/no-such-label").status, 404);
    assert_eq!(server.get("/orders/dev/no-such-label").status, 404);
    assert_eq!(server.get("/orders/-dev-").status, 404);
    assert_eq!(server.get("/orders-dev.yml").status, 200);
    assert_eq!(server.get("/orders/dev/main/nothing.txt").status, 404);
    assert_eq!(server.get("/actuator/health").status, 200);
    assert_eq!(server.get("/nowhere").status, 404);

    let text = scrape(&server);
    let of_label = ("route", "/{application}/{profiles}/{label}");
    let head = [environment, ("method", "HEAD"), ("status", "200")];
    let not_modified = [environment, ("method", "GET"), ("status", "304")];
    for (labels, expected) in [
        (&got[..], before + 41.0),
        (&head, 1.0),
        (&not_modified, 1.0),
        (&[of_label, ("status", "404")], 2.0),
        (&[("route", "/{application}-{profiles}.{format}")], 1.0),
        (
            &[("route", "/{application}/{profiles}/{label}/{path}")],
            1.0,
        ),
        (&[("route", "/actuator/health")], 1.0),
        (&[("route", "_other"), ("status", "404")], 1.0),
    ] {
        assert_eq!(
            value(&text, count, labels),
            Some(expected),
            "{labels:?}\n{text}"
        );
    }
    for (reason, expected) in [("label", 2.0), ("profile", 1.0), ("application", 0.0)] {
        let found = value(
            &text,
            "confbus_unmatched_requests_total",
            &[("reason", reason)],
        );
        assert_eq!(found, Some(expected), "{reason}");
    }
    let bucket = "confbus_http_request_duration_seconds_bucket";
    let all = [got[0], got[1], got[2], ("le", "+Inf")];
    assert_eq!(value(&text, bucket, &all), Some(before + 41.0));
}

#[test]
fn a_push_is_counted_from_the_delivery_to_the_last_instance() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let first = server.get("/orders/dev").json()["version"].clone();
    report(
        &server,
        "orders:dev:1:a",
        "orders",
        &format!(r#""version":{first},"outcome":"applied""#),
    );
    let told = [
        ("application", "orders"),
        ("profile", "dev"),
        ("state", "live"),
    ];
    counts(&server, "confbus_instances", &told, 1.0);

    let second = repo.push("a change", &[("orders-dev.yml", "limit: 8\n")]);
    server.serves(&second);
    counts(
        &server,
        "confbus_label_moves_total",
        &[("cause", "poll")],
        1.0,
    );
    let served = [("label", "main"), ("commit", second.as_str())];
    counts(&server, "confbus_snapshot_info", &served, 1.0);
    counts(
        &server,
        "confbus_commits_total",
        &[("result", "accepted")],
        1.0,
    );
    counts(&server, "confbus_blast_radius_instances_sum", &[], 1.0);
    report(
        &server,
        "orders:dev:1:a",
        "orders",
        &format!(r#""version":"{second}","outcome":"applied""#),
    );
    let applied = [("application", "orders"), ("evidence", "report")];
    counts(
        &server,
        "confbus_apply_duration_seconds_count",
        &applied,
        1.0,
    );
    let live = [("result", "live")];
    counts(
        &server,
        "confbus_convergence_duration_seconds_count",
        &live,
        1.0,
    );

    let third = repo.push("a broken file", &[("orders-dev.yml", "limit: [\n")]);
    counts(
        &server,
        "confbus_commits_total",
        &[("result", "partly")],
        1.0,
    );
    counts(
        &server,
        "confbus_held_addresses",
        &[("cause", "quarantine")],
        1.0,
    );
    let rejected = format!(
        r#""version":"{third}","running":"{second}","outcome":"rejected","reason":"CB2001 the secret is hunter2""#
    );
    report(&server, "orders:dev:1:a", "orders", &rejected);
    let rejected = [("application", "orders"), ("code", "CB2001")];
    counts(&server, "confbus_rejections_total", &rejected, 1.0);
    for phase in ["swap", "validate", "compare", "announce"] {
        let text = scrape(&server);
        let name = "confbus_refresh_phase_duration_seconds_count";
        assert!(
            value(&text, name, &[("phase", phase)]) >= Some(1.0),
            "{phase}\n{text}"
        );
    }
    assert!(!scrape(&server).contains("hunter2"));
}

#[test]
fn deliveries_are_counted_by_host_and_by_what_became_of_them() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::with(&[
        (
            "spring.cloud.config.server.git.uri",
            &repo.path().display().to_string(),
        ),
        (
            "spring.cloud.config.server.monitor.github.webhook-secret",
            "a secret of GitHub",
        ),
        (
            "spring.cloud.config.server.monitor.gitlab.validation-enabled",
            "false",
        ),
    ])
    .ready();
    let push = |event: &str, kind: &str| {
        let request = Request::post("/monitor", r#"{"ref":"refs/heads/main","commits":[]}"#);
        let request = request.header("Content-Type", "application/json");
        server.send(&request.header(event, kind)).status
    };
    assert_eq!(push("X-GitHub-Event", "push"), 403);
    assert_eq!(push("X-Gitlab-Event", "Push Hook"), 200);
    assert_eq!(push("X-Gitlab-Event", "Note Hook"), 200);
    let name = "confbus_webhook_deliveries_total";
    for (provider, result) in [("github", "signature"), ("gitlab", "accepted")] {
        counts(
            &server,
            name,
            &[("provider", provider), ("result", result)],
            1.0,
        );
    }
    let text = scrape(&server);
    let name = "confbus_webhook_last_accepted_timestamp_seconds";
    assert!(value(&text, name, &[("provider", "gitlab")]).is_some());
    assert!(value(&text, name, &[("provider", "github")]).is_none());
}

/// Whoever asks for names that do not exist must not make the page longer.
#[test]
fn strangers_names_become_no_labels() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let lines = |text: &str| text.lines().count();
    server.get("/app-0/dev");
    server.get("/app-0/dev/main/some/path-0");
    server.get("/0/0/0/0/0");
    // The page counts itself.
    scrape(&server);
    let before = scrape(&server);
    for number in 0..50 {
        server.get(&format!("/app-{number}/dev"));
        server.get(&format!("/app-{number}/dev/main/some/path-{number}"));
        server.get(&format!("/{number}/{number}/{number}/{number}/{number}"));
    }
    let after = scrape(&server);
    assert_eq!(lines(&before), lines(&after), "{after}");
    assert!(
        !after.contains("app-") && !after.contains("path-"),
        "{after}"
    );
}

#[test]
fn mistakes_of_a_commit_are_counted_by_kind() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let commit = repo.push("break a file", &[("broken.yml", "a: [\n")]);
    server.serves(&commit);
    let open = [("code", "CB2013")];
    counts(&server, "confbus_diagnostics_total", &open, 1.0);
}

#[test]
fn the_process_is_shown_as_prometheus_names_it() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let text = scrape(&server);
    let of = |name: &str| value(&text, name, &[]).unwrap_or_else(|| panic!("no {name}"));
    assert!(of("process_cpu_seconds_total") > 0.0);
    let (resident, all) = (
        of("process_resident_memory_bytes"),
        of("process_virtual_memory_bytes"),
    );
    assert!(resident > 1e6 && resident < all, "{resident} of {all}");
    let (open, most) = (of("process_open_fds"), of("process_max_fds"));
    assert!(open > 2.0 && open < most, "{open} of {most}");
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap();
    let started = of("process_start_time_seconds");
    assert!(started > 1.7e9 && started < now.as_secs_f64(), "{started}");
}

#[test]
fn both_texts_say_the_same() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let plain = server.get("/actuator/prometheus");
    let kind = plain.header("content-type").unwrap();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    let open = server.send(&Request::get("/metrics").header("Accept", OPENMETRICS));
    let kind = open.header("content-type").unwrap();
    assert!(
        kind.starts_with("application/openmetrics-text; version=1.0.0"),
        "{kind}"
    );
    assert!(open.body.ends_with("# EOF\n"));
    let described = |text: &str| text.matches("# TYPE ").count();
    assert_eq!(described(&plain.body), described(&open.body));
    let Some(problems) = promtool(&["check", "metrics"], &plain.body) else {
        return;
    };
    assert_eq!(problems, "", "{}", plain.body);
}

/// What `promtool` has to say; nothing where it is not installed.
fn promtool(arguments: &[&str], input: &str) -> Option<String> {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped());
    let started = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut running) = started else {
        skipped_without("promtool", "prometheus");
        return None;
    };
    running
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = running.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    Some(if output.status.success() && said.is_empty() {
        String::new()
    } else {
        format!("{}: {said}", output.status)
    })
}

/// Names of all applications are for who may see all.
#[test]
fn who_may_scrape_is_a_rule() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let rule = |number: usize, key: &str| format!("confbus.security.rules[{number}].{key}");
    let mut settings = vec![("spring.cloud.config.server.git.uri".to_owned(), uri)];
    for (number, (name, applications, allow)) in [
        ("prometheus", None, "metrics"),
        ("orders", Some("orders"), "metrics,fleet"),
        ("reader", Some("*"), "read"),
    ]
    .into_iter()
    .enumerate()
    {
        let password = format!("confbus.security.users.{name}.password");
        settings.push((password, format!("a password of {name}")));
        settings.push((rule(number, "principals"), name.to_owned()));
        settings.push((rule(number, "allow"), allow.to_owned()));
        let applications =
            applications.map(|names| (rule(number, "applications"), names.to_owned()));
        settings.extend(applications);
    }
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    let server = TestServer::with(&settings);
    for path in ["/metrics", "/actuator/prometheus"] {
        for (name, expected) in [("prometheus", 200), ("orders", 403), ("reader", 403)] {
            let request = Request::get(path).login(name, &format!("a password of {name}"));
            let answer = server.send(&request);
            assert_eq!(answer.status, expected, "{name} {path}");
        }
        assert_eq!(server.get(path).status, 401);
    }
    let request = Request::get("/metrics").login("prometheus", "a password of prometheus");
    let text = server.send(&request).body;
    let denied = "confbus_access_denied_total";
    assert_eq!(value(&text, denied, &[("reason", "rule")]), Some(4.0));
    assert_eq!(value(&text, denied, &[("reason", "unknown")]), Some(2.0));
}

#[test]
fn nothing_is_shown_where_that_is_switched_off() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::with(&[
        (
            "spring.cloud.config.server.git.uri",
            &repo.path().display().to_string(),
        ),
        ("confbus.metrics.enabled", "false"),
    ]);
    assert_eq!(server.get("/metrics").status, 404);
    // As in Spring, what is no endpoint is configuration.
    let other = server.get("/actuator/prometheus").json();
    assert_eq!(other["name"], "actuator", "{other}");
    let links = server.get("/actuator").json();
    assert!(links["_links"].get("prometheus").is_none(), "{links}");
}
