//! The dashboard and the alerts that are shipped: they name metrics that there are, and the real Prometheus answers them.

use std::{
    collections::BTreeSet,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use regex::Regex;
use serde_json::Value;

use super::{promtool, report};
use crate::support::{
    ConfigRepo, GitHttp, Manner, Request, StatusHost, TestServer, eventually, expect_that,
    skipped_without,
};

const ALERTS: &str = include_str!("../../../deploy/prometheus/alerts.yaml");
const DASHBOARD: &str = include_str!("../../../deploy/grafana/confbus.json");
const METRICS: &str = include_str!("../../../docs/METRICS.md");

fn names(text: &str) -> BTreeSet<&str> {
    let name = Regex::new(r"confbus_[a-z_]+[a-z]").unwrap();
    let ends = ["_bucket", "_sum", "_count"];
    name.find_iter(text)
        .map(|found| {
            let name = found.as_str();
            let base = ends.iter().find_map(|end| name.strip_suffix(end));
            base.unwrap_or(name)
        })
        .collect()
}

/// The queries of all panels, with the variables of the dashboard filled in.
fn queries() -> Vec<(String, String)> {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut queries = Vec::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let text = target["expr"].as_str().unwrap();
            let text = text.replace("$server", ".*").replace("$application", ".*");
            let text = text.replace("$__rate_interval", "1m");
            queries.push((panel["title"].as_str().unwrap().to_owned(), text));
        }
    }
    queries
}

#[test]
fn what_is_shipped_names_metrics_that_there_are() {
    let known = names(METRICS);
    for (what, text) in [("dashboard", DASHBOARD), ("alerts", ALERTS)] {
        let named = names(text);
        assert!(named.len() > 8, "{what}: {named:?}");
        let unknown: Vec<_> = named.difference(&known).collect();
        assert!(unknown.is_empty(), "{what}: {unknown:?}");
    }
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    for panel in dashboard["panels"].as_array().unwrap() {
        let links = panel["links"].as_array();
        let is_row = panel["type"] == "row";
        assert!(
            is_row || links.is_some_and(|links| !links.is_empty()),
            "{panel}"
        );
    }
}

fn deployed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("deploy")
        .join(file)
}

#[test]
fn the_alerts_tell_what_they_are_for() {
    let said = |command: &str, file: &str| {
        let output = Command::new("promtool")
            .arg(command)
            .arg("rules")
            .arg(deployed(file))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    if promtool(&["--version"], "").is_some() {
        said("check", "prometheus/alerts.yaml");
        said("test", "prometheus/alerts.test.yaml");
    }
}

/// A Prometheus that scrapes one server, and ends with the test.
struct Prometheus {
    process: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    fn scraping(server: &TestServer) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let settings = format!(
            "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [{}]\nscrape_configs:\n  - job_name: confbus\n    static_configs: [{{ targets: ['127.0.0.1:{}'] }}]\n",
            deployed("prometheus/alerts.yaml").display(),
            server.port(),
        );
        let file = folder.path().join("prometheus.yml");
        fs::write(&file, settings).unwrap();
        // Free when it was asked for; Prometheus names no other way.
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let started = Command::new("prometheus")
            .arg(format!("--config.file={}", file.display()))
            .arg(format!(
                "--storage.tsdb.path={}",
                folder.path().join("data").display()
            ))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = started else {
            skipped_without("prometheus", "prometheus");
            return None;
        };
        Some(Self {
            process,
            port,
            _folder: folder,
        })
    }

    /// What it answers to a query; nothing as long as it is not there.
    fn ask(&self, query: &str) -> Option<Value> {
        let query = url::form_urlencoded::byte_serialize(query.as_bytes());
        let path = format!("/api/v1/query?query={}", query.collect::<String>());
        let answer = Request::get(&path).send(self.port).ok()?;
        let answer: Value = serde_json::from_str(&answer.body).ok()?;
        Some(answer["data"]["result"].clone())
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// As on the day on which somebody needs them: a push, an instance that refuses, a file that is broken, a remote that is away.
#[test]
fn every_panel_has_data() {
    let repo = ConfigRepo::from_sample();
    let path = repo.path();
    let git = GitHttp::serve(path.parent().unwrap(), Manner::Ordinary);
    let uri = git.url(path.file_name().unwrap().to_str().unwrap());
    let registry = StatusHost::start();
    let zone = format!("{}/eureka/", registry.url());
    let mut settings = vec![
        ("spring.cloud.config.server.git.uri", &*uri),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
        (
            "spring.cloud.config.server.monitor.validation-filter-enabled",
            "false",
        ),
    ];
    let has_registry = cfg!(feature = "eureka");
    if has_registry {
        settings.push(("eureka.client.service-url.defaultZone", &zone));
    }
    let server = TestServer::with(&settings).ready();
    let Some(prometheus) = Prometheus::scraping(&server) else {
        return;
    };
    let first = server.get("/orders/dev").json()["version"].clone();
    let live = format!(r#""version":{first},"outcome":"applied""#);
    report(&server, "orders:dev:1:a", "orders", &live);
    report(&server, "orders:dev:2:b", "orders", &live);
    let mut limit = 10;
    let mut last = String::new();
    let mut happen = || {
        limit += 1;
        let text = format!("limit: {limit}\n");
        let broken = format!("limits: [{limit}\n");
        let files = [("orders-dev.yml", &*text), ("broken.yml", &broken)];
        last = repo.push("a change", &files);
        let push = Request::post(
            "/monitor",
            r#"{"ref":"refs/heads/main","commits":[{"modified":["orders-dev.yml"]}]}"#,
        );
        let push = push.header("Content-Type", "application/json");
        server.send(&push.header("X-GitHub-Event", "push"));
        server.serves(&last);
        report(
            &server,
            "orders:dev:1:a",
            "orders",
            &format!(r#""version":"{last}","outcome":"applied""#),
        );
        let refused = format!(
            r#""version":"{last}","running":{first},"outcome":"rejected","reason":"CB2001 no number""#
        );
        report(&server, "orders:dev:2:b", "orders", &refused);
        let known = Request::get("/orders/dev");
        let tag = server.send(&known).header("etag").unwrap().to_owned();
        server.send(&known.header("If-None-Match", &tag));
        server.get("/orders/dev/no-such-label");
        git.behave(Manner::WithLogin);
        eventually("a look that fails", || {
            let text = super::scrape(&server);
            let name = "confbus_git_fetch_failures_total";
            let failed = super::value(&text, name, &[("reason", "auth")]);
            expect_that(failed.is_some(), &text)
        });
        git.behave(Manner::Ordinary);
    };
    // Rates need two scrapes with something in between.
    let is_here = |query: &str| has_registry || !query.contains("confbus_registered");
    for (panel, query) in queries().into_iter().filter(|(_, query)| is_here(query)) {
        eventually(&format!("data of `{panel}`: {query}"), || {
            let answer = prometheus.ask(&query).unwrap_or_default();
            let has_data = answer.as_array().is_some_and(|all| !all.is_empty());
            if !has_data {
                happen();
            }
            expect_that(has_data, answer)
        });
    }
    let problems = promtool(&["check", "metrics"], &super::scrape(&server));
    assert_eq!(problems.unwrap_or_default(), "");
}
