//! Servers on one bus show the same fleet, whichever of them an instance reports to.

use std::path::Path;

use confbus_protocol::Outcome;
use serde_json::{Value, json};

use crate::support::{
    ConfigRepo, GitDaemon, TestServer,
    broker::{self, Tap},
    eventually, expect_that, report,
};

const ID: &str = "orders:dev:8081:ab12";

struct Bus {
    url: String,
    exchange: String,
    repo: ConfigRepo,
    daemon: GitDaemon,
}

impl Bus {
    fn new() -> Self {
        let repo = ConfigRepo::from_sample();
        Self {
            url: broker::shared(),
            exchange: broker::own_exchange(),
            daemon: GitDaemon::serve(&repo),
            repo,
        }
    }

    /// The exchange on which servers tell each other.
    fn of_servers(&self) -> String {
        format!("{}.confbus", self.exchange)
    }

    fn server(&self, folder: &Path) -> TestServer {
        let mut settings = vec![
            ("spring.cloud.config.server.git.uri", self.daemon.url()),
            ("spring.cloud.config.server.git.refresh-rate", "3600".into()),
        ];
        settings.extend(broker::settings(&self.url, &self.exchange));
        let settings: Vec<_> = settings
            .iter()
            .map(|(key, value)| (*key, &**value))
            .collect();
        let server = TestServer::in_folder(folder, &settings).ready();
        broker::connected(&server);
        eventually("the bus of servers", || {
            let lines = server.lines();
            let line = format!("exchange=\"{}\"", self.of_servers());
            expect_that(lines.iter().any(|own| own.contains(&line)), lines)
        });
        server
    }
}

fn applied() -> Outcome {
    let restart = Vec::new();
    Outcome::Applied { restart }
}

fn version(server: &TestServer) -> String {
    let answer = server.get("/orders/dev").json();
    answer["version"].as_str().unwrap().to_owned()
}

/// What is shown of all instances.
fn instances(server: &TestServer) -> Value {
    server.get("/_/api/instances").json()["instances"].clone()
}

#[track_caller]
fn show_the_same(servers: [&TestServer; 2], is_it: impl Fn(&Value) -> bool) {
    eventually("the same fleet", || {
        let [one, other] = servers.map(instances);
        expect_that(one == other && is_it(&one), (one, other))
    });
}

fn has_state(instances: &Value, state: &str) -> bool {
    instances[0]["instance"] == ID && instances[0]["state"] == state
}

#[test]
fn an_instance_that_reports_to_one_server_is_shown_by_both() {
    let bus = Bus::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = folders.each_ref().map(|folder| bus.server(folder.path()));
    let commit = version(&one);
    report(&one, ID, &commit, applied());
    show_the_same([&one, &other], |shown| has_state(shown, "live"));
    let reason = "`limit`: at least 1 (orders.yml:1:8)";
    let reason = || Outcome::Rejected {
        reason: reason.into(),
    };
    report(&other, ID, &commit, reason());
    show_the_same([&one, &other], |shown| has_state(shown, "rejected"));
    report(&one, ID, &commit, applied());
    show_the_same([&one, &other], |shown| has_state(shown, "live"));
    report(&other, ID, &commit, Outcome::Leaving);
    show_the_same([&one, &other], |shown| *shown == json!([]));
}

#[test]
fn a_refresh_that_begins_at_one_server_ends_the_same_at_both() {
    let bus = Bus::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = folders.each_ref().map(|folder| bus.server(folder.path()));
    report(&one, ID, &version(&one), applied());
    show_the_same([&one, &other], |shown| has_state(shown, "live"));

    let new = bus
        .repo
        .push("a step", &[("orders.yml", "greeting: new\n")]);
    assert_eq!(one.post("/actuator/busrefresh").status, 204);
    let refreshes = one.get("/_/api/refreshes").json()["refreshes"].clone();
    let moved = |refresh: &&Value| refresh["trigger"] == "busrefresh";
    let begun = refreshes.as_array().unwrap().iter().find(moved);
    let path = format!(
        "/_/api/refreshes/{}",
        begun.unwrap()["id"].as_str().unwrap()
    );
    report(&other, ID, &new, applied());
    eventually("the same outcome", || {
        let [own, others] = [&one, &other].map(|server| server.get(&path).json());
        let is_same = ["id", "trigger", "labels", "destinations", "events"]
            .iter()
            .all(|key| own[key] == others[key]);
        let told = json!({ "instance": ID, "state": "live", "evidence": "report" });
        // The other server has acked, which it does not note of itself.
        let has_told = |refresh: &Value| {
            let all = refresh["told"].as_array();
            all.is_some_and(|all| all.contains(&told))
        };
        let is_told = has_told(&own) && has_told(&others);
        expect_that(is_same && is_told, (own, others))
    });
}

#[test]
fn a_server_that_was_away_catches_up() {
    let bus = Bus::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let one = bus.server(folders[0].path());
    let mut other = bus.server(folders[1].path());
    other.running().signal("TERM");
    other.running().wait();
    let tap = Tap::on(&bus.url, &bus.of_servers());
    report(&one, ID, &version(&one), applied());
    tap.message_with(&["ConfbusLedgerEvent", ID]);
    let other = bus.server(folders[1].path());
    show_the_same([&one, &other], |shown| has_state(shown, "live"));
}

#[test]
fn what_is_not_of_a_server_is_dropped_and_counted() {
    let bus = Bus::new();
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [one, other] = folders.each_ref().map(|folder| bus.server(folder.path()));
    let tap = Tap::on(&bus.url, &bus.of_servers());
    let event = |news: &str| {
        format!(
            r#"{{"type":"ConfbusLedgerEvent","timestamp":1,"originService":"x:1:2","destinationService":"**","id":"e","news":{news}}}"#
        )
    };
    for body in [
        "no JSON".to_owned(),
        event(r#"{"instances":[{"id":"orders:*"}]}"#),
        event("7").replace("ConfbusLedgerEvent", "RefreshRemoteApplicationEvent"),
        event(&format!("{:?}", "x".repeat(70_000))),
    ] {
        tap.publish(&body);
    }
    for (result, count) in [("malformed", 3), ("oversized", 1)] {
        let line =
            format!("confbus_replica_news_total{{direction=\"in\",result=\"{result}\"}} {count}");
        eventually(&line, || {
            let page = one.get("/metrics").body;
            let lines: Vec<_> = page
                .lines()
                .filter(|own| own.contains("replica_news"))
                .collect();
            expect_that(lines.contains(&&*line), &lines)
        });
    }
    report(&other, ID, &version(&one), applied());
    show_the_same([&one, &other], |shown| has_state(shown, "live"));
    let refreshes = one.get("/_/api/refreshes").json();
    assert_eq!(
        refreshes["refreshes"],
        json!([]),
        "nobody was told anything"
    );
}
