//! The first minute.

use std::process::Command;

use crate::support::{Request, Running, eventually, expect_that};

#[test]
fn a_commit_in_the_demo_changes_the_lines_of_its_instances() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .arg("demo")
        .arg("--server.port=0")
        .env("TMPDIR", temporary.path())
        .current_dir(temporary.path());
    let demo = Running::start(command);
    let url = demo.line_with("http://127.0.0.1:");
    let port: u16 = url.rsplit(':').next().unwrap().trim().parse().unwrap();
    let line = demo.line_with("  repository  ");
    let repository = line.split_whitespace().last().unwrap();

    eventually("three instances", || {
        expect_that(
            demo.lines()
                .iter()
                .filter(|line| line.contains("properties at"))
                .count()
                == 3,
            demo.lines(),
        )
    });
    for path in [
        "/orders/dev",
        "/main/orders-dev.yml",
        "/orders-dev.properties",
    ] {
        assert_eq!(Request::get(path).send(port).unwrap().status, 200, "{path}");
    }

    let file = format!("{repository}/application.yml");
    std::fs::write(
        &file,
        std::fs::read_to_string(&file)
            .unwrap()
            .replace("platform team", "the new team"),
    )
    .unwrap();
    let committed = Command::new("git")
        .args(["-C", repository, "commit", "--quiet", "-am", "a new owner"])
        .status()
        .unwrap();
    assert!(committed.success());
    eventually("three changed lines", || {
        expect_that(
            demo.lines()
                .iter()
                .filter(|line| line.contains("→ the new team"))
                .count()
                == 3,
            demo.lines(),
        )
    });
}

#[test]
fn nothing_in_sight_means_the_demo() {
    let empty = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .env("TMPDIR", empty.path())
        .current_dir(empty.path());
    Running::start(command).line_with("http://127.0.0.1:");
}
