//! The main job over a real RabbitMQ: push, webhook, event, reload.

use crate::{
    support::{
        ConfigRepo, GitDaemon, Instance, TestServer,
        broker::{self, Tap},
        eventually, expect_that,
    },
    webhook::{github, github_push, quiet_settings, sign, start},
};

struct Fleet {
    repo: ConfigRepo,
    server: TestServer,
    tap: Tap,
    orders: [Instance; 2],
    payments: Instance,
    _daemon: GitDaemon,
}

impl Fleet {
    fn start() -> Self {
        let (url, exchange) = (broker::shared(), broker::own_exchange());
        let repo = ConfigRepo::from_sample();
        let daemon = GitDaemon::serve(&repo);
        let mut settings = quiet_settings(&daemon);
        settings.extend(broker::settings(&url, &exchange));
        let server = start(&settings);
        broker::connected(&server);
        let tap = Tap::on(&url, &exchange);
        let instance = |address: &str, index| {
            Instance::start(
                &server,
                address,
                index,
                &["--amqp", &url, "--exchange", &exchange],
            )
        };
        let orders = [instance("orders/dev", 8081), instance("orders/dev", 8082)];
        let payments = instance("payments/dev", 8083);
        Self {
            repo,
            server,
            tap,
            orders,
            payments,
            _daemon: daemon,
        }
    }

    fn push(&self, file: &str, text: &str) {
        self.repo.push(text, &[(file, text)]);
    }
}

#[test]
fn a_signed_push_reaches_exactly_those_concerned() {
    let fleet = Fleet::start();
    fleet.push("orders-dev.yml", "greeting: one\n");
    let body = github_push("refs/heads/main", &["orders-dev.yml"]);
    let answer = fleet
        .server
        .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)));
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (200, r#"["orders-dev","orders"]"#)
    );
    fleet
        .orders
        .iter()
        .for_each(|instance| instance.sees("greeting", "one"));

    fleet.push("application.yml", "shared:\n  owner: all of us\n");
    let body = github_push("refs/heads/main", &["application.yml"]);
    fleet
        .server
        .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)));
    fleet
        .orders
        .iter()
        .chain([&fleet.payments])
        .for_each(|instance| instance.sees("shared.owner", "all of us"));

    fleet.tap.message_to("**");
    assert_eq!(
        fleet.tap.destinations(),
        ["orders:**", "**"],
        "nobody else was told"
    );
}

#[test]
fn whoever_was_not_told_by_a_refresh_of_one_is_told_by_the_webhook() {
    let fleet = Fleet::start();
    fleet.repo.push(
        "two applications",
        &[
            ("orders-dev.yml", "greeting: canary\n"),
            ("payments.yml", "payments:\n  retries: 9\n"),
        ],
    );
    let canary = fleet.orders[0].bus_id();
    assert_eq!(
        fleet
            .server
            .post(&format!("/actuator/busrefresh/{canary}"))
            .status,
        204
    );
    fleet.orders[0].sees("greeting", "canary");

    let body = github_push("refs/heads/main", &["orders-dev.yml", "payments.yml"]);
    fleet
        .server
        .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)));
    fleet.orders[1].sees("greeting", "canary");
    fleet.tap.message_to("payments:**");
}

#[test]
fn operators_refresh_all_one_application_or_one_instance() {
    let fleet = Fleet::start();
    fleet.push("application.yml", "step: all\n");
    assert_eq!(fleet.server.post("/actuator/bus-refresh").status, 204);
    fleet
        .orders
        .iter()
        .chain([&fleet.payments])
        .for_each(|instance| instance.sees("step", "all"));

    fleet.push("application.yml", "step: application\n");
    assert_eq!(fleet.server.post("/actuator/busrefresh/orders").status, 204);
    fleet
        .orders
        .iter()
        .for_each(|instance| instance.sees("step", "application"));

    fleet.push("application.yml", "step: instance\n");
    let [first, second] = &fleet.orders;
    assert_eq!(
        fleet
            .server
            .post(&format!("/actuator/busrefresh/{}", first.bus_id()))
            .status,
        204
    );
    first.sees("step", "instance");

    // Everyone is behind this last event, so what they have not seen by then they were not told.
    fleet.push("application.yml", "step: end\n");
    assert_eq!(fleet.server.post("/actuator/busrefresh").status, 204);
    for instance in [first, second, &fleet.payments] {
        instance.sees("step", "end");
    }
    assert!(!second.has_seen("step", "instance"));
    assert!(!fleet.payments.has_seen("step", "application"));
    assert!(!fleet.payments.has_seen("step", "instance"));
}

#[test]
fn the_server_answers_refresh_events_of_others() {
    let fleet = Fleet::start();
    fleet.push("orders-dev.yml", "greeting: told by a neighbour\n");
    fleet.tap.publish(r#"{"type":"RefreshRemoteApplicationEvent","timestamp":1795273145892,"originService":"neighbour:1:ab","destinationService":"**","id":"0c0ffee0-0000-4000-8000-000000000000"}"#);
    let ack = eventually("an ack", || {
        let heard = fleet.tap.heard();
        let ack = heard.iter().find(|delivery| {
            delivery
                .body
                .contains("\"ackId\":\"0c0ffee0-0000-4000-8000-000000000000\"")
        });
        ack.cloned().ok_or_else(|| format!("{heard:?}"))
    });
    assert!(
        ack.body.contains(
            "\"event\":\"org.springframework.cloud.bus.event.RefreshRemoteApplicationEvent\""
        ),
        "{}",
        ack.body
    );
    eventually("the fetched commit", || {
        let value = fleet.server.value("/orders/dev", "greeting");
        expect_that(value == "told by a neighbour", &value)
    });
    fleet
        .orders
        .iter()
        .for_each(|instance| instance.sees("greeting", "told by a neighbour"));
}
