//! What was replaced is gone, from the memory of who held it, too.

use std::{fs, process::Command};

use crate::support::{ConfigRepo, Running, TestServer, eventually, expect_that, places_of};

const OLD: &str = "c4nary-that-was-replaced-3f9c1e2";
const NEW: &str = "c4nary-in-its-place-77ab";

fn push(repo: &ConfigRepo, secret: &str, padding: usize) {
    // The old one stands where no shorter answer comes to lie when it is read into the same buffer.
    let padding = "x".repeat(padding);
    let text = format!("padding: {padding}\ndb:\n  password: {secret}\n");
    repo.push("a secret", &[("orders-dev.yml", &text)]);
}

#[test]
fn a_secret_that_was_replaced_is_nowhere_in_a_client() {
    let repo = ConfigRepo::from_sample();
    push(&repo, OLD, 3000);
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("config.json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .args(["watch", "orders/dev", "--poll=0", "--settle=50ms"])
        .args(["--server", &server.url()])
        .arg(format!("--out={}", file.display()));
    let client = Running::start(command);
    let delivered = |secret: &str| {
        eventually("the file", || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            expect_that(text.contains(secret), text)
        });
    };

    delivered(OLD);
    let Some(before) = places_of(client.id(), OLD) else {
        return;
    };
    assert!(!before.is_empty(), "it is somewhere as long as it is valid");
    push(&repo, NEW, 0);
    delivered(NEW);
    // The file is written before the version is swapped.
    eventually("the end of the old one", || {
        let places = places_of(client.id(), OLD).unwrap();
        expect_that(places.is_empty(), places)
    });
    let after = places_of(client.id(), NEW).unwrap();
    assert!(
        !after.is_empty(),
        "a search that finds nothing proves nothing"
    );
}
