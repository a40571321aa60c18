//! A remote that is away costs freshness, never an answer.

use crate::support::{ConfigRepo, GitDaemon, TestServer, eventually, expect_that};

#[test]
fn reads_answer_while_the_remote_is_away_and_after_a_restart() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let settings = [
        ("spring.cloud.config.server.git.uri", url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ];
    let server = TestServer::with(&settings).ready();
    let before = server.get("/orders/dev").json();

    daemon.stop();
    eventually("trouble in health", || {
        let health = server.get("/actuator/health");
        let git = &health.json()["components"]["git"]["details"];
        expect_that(
            health.status == 200 && git["degraded"] == true && git["error"].is_string(),
            &health,
        )
    });
    assert_eq!(server.get("/orders/dev").json(), before);

    let server = server.restarted(&settings);
    eventually("an answer from disk", || {
        expect_that(
            server.get("/orders/dev").status == 200,
            server.get("/orders/dev"),
        )
    });
    assert_eq!(server.get("/orders/dev").json(), before);

    let commit = repo.push("back again", &[("orders.yml", "greeting: back\n")]);
    daemon.start();
    server.serves(&commit);
    eventually("good health", || {
        let health = server.get("/actuator/health");
        expect_that(
            health.json()["components"]["git"]["details"]["degraded"] == false,
            &health,
        )
    });
}

#[test]
fn before_the_first_clone_nobody_is_told_that_nothing_is_configured() {
    let repo = ConfigRepo::from_sample();
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    daemon.stop();
    let server = TestServer::with(&[("spring.cloud.config.server.git.uri", &url)]);
    let answer = server.get("/orders/dev");
    assert_eq!(answer.status, 503, "{answer:?}");
    assert!(answer.header("retry-after").is_some(), "{answer:?}");

    daemon.start();
    server.ready();
}

#[test]
fn a_remote_is_polled_and_new_labels_are_found() {
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &daemon.url()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ])
    .ready();
    assert_eq!(server.get("/orders/dev/feature(_)x").status, 404);

    let commit = repo.push_to(
        "feature/x",
        "a feature",
        &[("orders.yml", "greeting: feature\n")],
    );
    eventually("the new branch", || {
        let answer = server.get("/orders/dev/feature(_)x");
        expect_that(
            answer.status == 200 && answer.json()["version"] == commit.as_str(),
            &answer,
        )
    });
    assert_eq!(
        server.value("/orders/default/feature(_)x", "greeting"),
        "feature"
    );
    assert_eq!(
        server.value("/orders/default/main", "greeting"),
        "Hello from orders"
    );
}
