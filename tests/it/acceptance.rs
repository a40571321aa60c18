//! A commit that somebody must not be given reaches nobody who reads it, and nothing is lost.

use crate::support::{ConfigRepo, TestServer, eventually, expect_that};

const SCHEMA: &str = r#"{
    "required": ["pool"],
    "properties": {"pool": {"required": ["max"], "properties": {"max": {"maximum": 32}}}}
}"#;

fn pool(max: u32) -> String {
    format!("pool:\n  max: {max}\n")
}

#[test]
fn who_is_refused_a_commit_keeps_the_last_one_and_all_others_move_on() {
    let repo = ConfigRepo::from_sample();
    let first = repo.push(
        "a schema",
        &[
            ("payments.schema.json", SCHEMA),
            ("payments.yml", &pool(20)),
        ],
    );
    let server = TestServer::start(&repo).ready();
    server.serves(&first);
    let good = server.get("/payments/dev").json();

    let second = repo.push(
        "too many",
        &[
            ("payments.yml", &pool(40)),
            ("orders.yml", "greeting: better\n"),
        ],
    );
    server.serves(&second);
    assert_eq!(server.value("/orders/default", "greeting"), "better");
    let held = server.get("/payments/dev");
    assert_eq!((held.status, held.json()), (200, good.clone()));
    let note = held
        .header("x-config-held")
        .expect("the answer says that it is old");
    assert!(
        note.starts_with(&second[..7])
            && note.contains("payments.yml:2:8")
            && note.contains("pool.max"),
        "{note}"
    );
    eventually("health names the place", || {
        let health = server.get("/actuator/health");
        expect_that(health.body.contains("payments.yml:2:8"), &health)
    });

    // However many commits follow.
    for max in [41, 42, 43] {
        let commit = repo.push("still too many", &[("payments.yml", &pool(max))]);
        server.serves(&commit);
        assert_eq!(server.get("/payments/dev").json(), good);
    }
    let mended = repo.push("fewer", &[("payments.yml", &pool(30))]);
    server.serves(&mended);
    let answer = server.get("/payments/dev");
    assert_eq!(answer.header("x-config-held"), None);
    assert_eq!(server.value("/payments/dev", "pool.max"), 30);
}

#[test]
fn what_was_refused_stays_refused_after_a_restart() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [("spring.cloud.config.server.git.uri", uri.as_str())];
    let first = repo.push(
        "a schema",
        &[
            ("payments.schema.json", SCHEMA),
            ("payments.yml", &pool(20)),
        ],
    );
    let server = TestServer::with(&settings).ready();
    server.serves(&first);
    let good = server.get("/payments/dev").json();
    let mut last = first;
    for max in [40, 41] {
        last = repo.push("too many", &[("payments.yml", &pool(max))]);
        server.serves(&last);
        assert_eq!(server.get("/payments/dev").json(), good);
    }
    let server = server.restarted(&settings);
    server.serves(&last);
    let held = server.get("/payments/dev");
    assert_eq!((held.status, held.json()), (200, good), "{held:?}");
}

#[test]
fn without_an_earlier_version_the_error_says_what_is_missing() {
    let repo = ConfigRepo::from_sample();
    repo.push(
        "a schema and too much",
        &[
            ("payments.schema.json", SCHEMA),
            ("payments.yml", &pool(40)),
        ],
    );
    let server = TestServer::start(&repo).ready();
    let answer = server.get("/payments/dev");
    assert_eq!(answer.status, 500);
    assert!(answer.body.contains("payments.yml:2:8"), "{}", answer.body);
    assert_eq!(server.get("/orders/dev").status, 200);
}
