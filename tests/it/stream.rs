//! Without any broker: clients hear of changes over the server's own stream of events.

use crate::support::{ConfigRepo, Instance, TestServer};

#[test]
fn a_commit_reaches_running_clients_over_the_stream() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    let payments = Instance::start(&server, "payments/dev", 8082, &[]);

    repo.push(
        "a limit",
        &[
            ("orders-prod.yml", "unused: 1\n"),
            ("orders-dev.yml", "orders:\n  limits:\n    max-open: 40\n"),
        ],
    );
    orders.sees("orders.limits.max-open", "40");

    repo.push(
        "for everyone",
        &[("application.yml", "shared:\n  owner: somebody else\n")],
    );
    orders.sees("shared.owner", "somebody else");
    payments.sees("shared.owner", "somebody else");
}

#[test]
fn a_key_that_vanishes_vanishes() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    repo.push(
        "no greeting",
        &[("orders-dev.yml", "a: 1\n"), ("orders.yml", "b: 1\n")],
    );
    orders.sees("greeting", "gone");
}

#[test]
fn an_edit_in_a_work_tree_reaches_running_clients() {
    let repo = ConfigRepo::from_sample();
    let folder = tempfile::tempdir().unwrap();
    let tree = folder.path().join("tree");
    git2::Repository::clone(&repo.path().display().to_string(), &tree).unwrap();
    let server = TestServer::with(&[(
        "spring.cloud.config.server.git.uri",
        &format!("file://{}", tree.display()),
    )])
    .ready();
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);

    std::fs::write(tree.join("orders-dev.yml"), "greeting: not committed\n").unwrap();
    orders.sees("greeting", "not committed");
}
