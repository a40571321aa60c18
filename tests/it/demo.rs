//! The first minute.

use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
    process::Command,
};

use rustix::{
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{LocalModes, tcgetattr},
};

use crate::support::{Ran, Request, Running, eventually, expect_that};

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

/// What is left in a folder.
fn left(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.collect()
}

#[test]
fn once_shows_each_step_in_a_line_and_leaves_nothing_behind() {
    let empty = tempfile::tempdir().unwrap();
    let folder = empty.path().display().to_string();
    let variables = [("TMPDIR", &*folder), ("XDG_CACHE_HOME", &folder)];
    let ran = Ran::with(&["demo", "--once"], &variables, "");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert!(
        lines.len() <= 20 && !ran.stdout.contains('\u{1b}'),
        "{ran:?}"
    );
    for (step, results) in [
        ("good", &["20 → 40", "live on 3 of 3 after"][..]),
        (
            "refused",
            &["live on 0 of 3; 3 rejected it", "(orders.yml:5:15)"],
        ),
        (
            "broken",
            &["orders.yml:6:7", "orders held at", "; payments moved to"],
        ),
        ("fixed", &["40 → 60", "live on 3 of 3 after"]),
        ("cut", &["live on 2 of 3, then 3 of 3 after", "(1 by poll)"]),
    ] {
        let line = lines.iter().find(|line| line.starts_with(step));
        let line = line.unwrap_or_else(|| panic!("{step}: {ran:?}"));
        for result in results {
            assert!(line.contains(result), "{line}");
        }
    }
    assert_eq!(left(empty.path()), [""; 0]);
}

/// A terminal: what somebody types into, and what the program reads from.
fn terminal() -> (File, File) {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
    let mut options = OpenOptions::new();
    let theirs = options.read(true).write(true).open(name).unwrap();
    (File::from(ours), theirs)
}

#[test]
fn a_key_shows_a_step() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .args(["demo", "--server.port=0"])
        .env("TMPDIR", temporary.path())
        .current_dir(temporary.path());
    let (mut keyboard, terminal) = terminal();
    let before = tcgetattr(&terminal).unwrap().local_modes;
    let mut demo = Running::reading(terminal.try_clone().unwrap(), command);
    demo.line_with("press   g good change");
    for (key, result) in [
        ("g", "live on 3 of 3 after"),
        (
            "v",
            "live on 0 of 3; 3 rejected it: `orders.limits.max-open`: must be at least 1 (orders.yml:5:15)",
        ),
        ("b", "; payments moved to"),
        ("k", "(1 by poll)"),
    ] {
        keyboard.write_all(key.as_bytes()).unwrap();
        demo.line_with(result);
    }
    for line in [
        "orders.limits.max-open  20 → 40",
        "error[CB2001]: this line is indented",
        "  --> orders.yml:6:7",
    ] {
        demo.line_with(line);
    }
    let single = tcgetattr(&terminal).unwrap().local_modes;
    assert!(!single.contains(LocalModes::ICANON) && single.contains(LocalModes::ISIG));
    keyboard.write_all(b"q").unwrap();
    assert!(demo.wait().success());
    assert_eq!(tcgetattr(&terminal).unwrap().local_modes, before);
    assert_eq!(left(temporary.path()), [""; 0]);
}
