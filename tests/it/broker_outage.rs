//! A broker that dies and returns.

use crate::{
    support::{
        ConfigRepo, GitDaemon, Instance,
        broker::{self, OwnBroker},
        eventually, expect_that,
    },
    webhook::{github, github_push, quiet_settings, sign, start},
};

#[test]
fn every_client_ends_on_the_last_commit_after_an_outage() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    settings.extend(broker::settings(&url, &exchange));
    let server = start(&settings);
    broker::connected(&server);
    let instance = |address: &str, index| {
        Instance::start(
            &server,
            address,
            index,
            &["--amqp", &url, "--exchange", &exchange],
        )
    };
    let instances = [
        instance("orders/dev", 8081),
        instance("orders/dev", 8082),
        instance("payments/dev", 8083),
    ];

    rabbit.stop();
    eventually("a lost bus", || {
        let health = server.get("/actuator/health");
        expect_that(
            health.status == 200
                && health.json()["components"]["bus"]["details"]["connected"] == false,
            &health,
        )
    });
    for step in ["first", "second"] {
        let commit = repo.push(step, &[("application.yml", &format!("step: {step}\n"))]);
        let body = github_push("refs/heads/main", &["application.yml"]);
        assert_eq!(
            server
                .send(&github("/monitor", &body).header("X-Hub-Signature-256", &sign(&body)))
                .status,
            200
        );
        server.serves(&commit);
    }
    assert_eq!(
        server.post("/actuator/busrefresh").status,
        500,
        "nobody can be told while the broker is away"
    );

    rabbit.start_again();
    instances
        .iter()
        .for_each(|instance| instance.sees("step", "second"));
    broker::connected(&server);
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
}

#[test]
fn a_broker_that_is_away_at_the_start_stops_nobody() {
    let mut rabbit = OwnBroker::start();
    let (url, exchange) = (rabbit.url(), broker::own_exchange());
    rabbit.stop();
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let mut settings = quiet_settings(&daemon);
    settings.extend(broker::settings(&url, &exchange));
    let server = start(&settings);
    let instance = Instance::start(
        &server,
        "orders/dev",
        8081,
        &["--amqp", &url, "--exchange", &exchange],
    );
    assert_eq!(server.get("/orders/dev").status, 200);

    rabbit.start_again();
    broker::connected(&server);
    repo.push("at last", &[("orders-dev.yml", "greeting: at last\n")]);
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
    instance.sees("greeting", "at last");
}
