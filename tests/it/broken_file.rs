//! A bad commit hurts the applications whose files it breaks, and only those.

use crate::support::{ConfigRepo, TestServer, eventually, expect_that};

const BROKEN: &str = "payments:\n  retries: 5\n bad indentation: [\n";

#[test]
fn an_application_with_a_broken_file_keeps_its_last_good_answer() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let good = server.get("/payments/dev").json();

    let commit = repo.push(
        "break payments, improve orders",
        &[
            ("payments.yml", BROKEN),
            ("orders.yml", "greeting: better\n"),
        ],
    );
    server.serves(&commit);

    let held = server.get("/payments/dev");
    assert_eq!((held.status, held.json()), (200, good));
    let note = held
        .header("x-config-held")
        .expect("the answer says that it is old")
        .to_owned();
    assert!(
        note.starts_with(&commit[..7]) && note.contains("payments.yml:3:"),
        "{note}"
    );

    let health = server.get("/actuator/health");
    assert_eq!(health.status, 200);
    assert!(
        health.body.contains("payments.yml:3:"),
        "health names file, line and column: {}",
        health.body
    );

    let mended = repo.push(
        "mend payments",
        &[("payments.yml", "payments:\n  retries: 6\n")],
    );
    server.serves(&mended);
    assert_eq!(server.value("/payments/default", "payments.retries"), 6);
    assert!(
        !server
            .get("/actuator/health")
            .body
            .contains("payments.yml:3:")
    );
}

#[test]
fn the_last_good_answer_survives_a_restart() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [("spring.cloud.config.server.git.uri", uri.as_str())];
    let server = TestServer::with(&settings).ready();
    let good = server.get("/payments/dev").json();
    let commit = repo.push("break payments", &[("payments.yml", BROKEN)]);
    server.serves(&commit);

    let server = server.restarted(&settings);
    server.serves(&commit);
    let held = server.get("/payments/dev");
    assert_eq!((held.status, held.json()), (200, good), "{held:?}");
}

#[test]
fn without_a_last_good_answer_the_error_names_the_place() {
    let repo = ConfigRepo::from_sample();
    repo.push("break payments", &[("payments.yml", BROKEN)]);
    let server = TestServer::start(&repo).ready();
    eventually("an error", || {
        let answer = server.get("/payments/dev");
        expect_that(
            answer.status == 500 && answer.body.contains("payments.yml:3:"),
            &answer,
        )
    });
    assert_eq!(server.get("/orders/dev").status, 200);
}
