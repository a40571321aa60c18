//! What all commands have in common: help, exit codes, streams, colours and signs.

use std::{
    io::Read as _,
    process::{Command, Stdio},
};

use crate::support::{ConfigRepo, Ran, Request, TestServer};

const ESCAPE: char = '\u{1b}';

#[test]
fn help_lists_the_commands_and_exit_codes() {
    let ran = Ran::confbus(&["--help"]);
    assert_eq!(ran.code, Some(0));
    for text in [
        "Run       serve",
        "Operate   shadow",
        "6 not found   78 settings",
    ] {
        assert!(ran.stdout.contains(text), "{}", ran.stdout);
    }
    assert!(!ran.stdout.contains(ESCAPE) && ran.stderr.is_empty());
    assert_eq!(
        Ran::confbus(&["help"]).stdout.trim_end(),
        ran.stdout.trim_end()
    );
}

#[test]
fn help_explains_a_command() {
    let ran = Ran::confbus(&["help", "wave", "promote"]);
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.stdout.contains("Usage: confbus wave promote"),
        "{}",
        ran.stdout
    );
    let ran = Ran::confbus(&["help", "wave", "promot"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("did you mean `promote`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_misspelt_command_names_the_closest() {
    let ran = Ran::confbus(&["sevre"]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.stdout.is_empty());
    assert!(
        ran.stderr.contains("did you mean `serve`?"),
        "{}",
        ran.stderr
    );
}

#[test]
fn settings_without_a_command_are_no_demo() {
    let uri = ("SPRING_CLOUD_CONFIG_SERVER_GIT_URI", "x");
    let ran = Ran::with(&[], &[uri], "");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("confbus serve"), "{}", ran.stderr);
}

#[test]
fn the_exit_code_says_why() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.security.user.name", "jo"),
        ("spring.security.user.password", "s3cret-enough"),
    ]);
    let url = server.url();
    let jo = url.replace("://", "://jo:s3cret-enough@");
    for (arguments, code) in [
        (&["pin", "--list", "--server", &jo][..], 0),
        (&["pin", "--list", "--server", "ftp://x"], 2),
        (&["pin", "--lost"], 2),
        (&["serve", "server.port=0"], 2),
        (&["pin", "--list", "--server", "http://127.0.0.1:1"], 3),
        (&["pin", "--list", "--server", &url], 4),
        (&["pin", "orders", "--release", "--server", &jo], 6),
        (&["serve"], 78),
    ] {
        let ran = Ran::confbus(arguments);
        assert_eq!(ran.code, Some(code), "{arguments:?}: {ran:?}");
        // Data went to one stream, everything else to the other.
        assert_eq!(ran.stdout.is_empty(), code != 0, "{ran:?}");
        assert_eq!(ran.stderr.is_empty(), code == 0, "{ran:?}");
    }
}

#[test]
fn errors_are_json_where_lines_are() {
    let ran = Ran::confbus(&["serve", "--log-format=json"]);
    let error: serde_json::Value = serde_json::from_str(ran.stderr.trim()).unwrap();
    assert_eq!(error["schema"], "confbus.error/1");
    assert_eq!(error["severity"], "error");
    assert_eq!(error["message"], "no repository is configured");
}

/// A server that holds an address.
fn pinned() -> (ConfigRepo, TestServer) {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let commit = server.get("/orders/dev").json()["version"].clone();
    let body =
        serde_json::json!({ "application": "orders", "commit": commit, "reason": "INC-812" });
    let request = Request::post("/_/api/pins", body.to_string());
    let answer = server.send(&request.header("Content-Type", "application/json"));
    assert_eq!(answer.status, 201, "{answer:?}");
    (repo, server)
}

#[test]
fn colours_and_signs_are_only_where_they_can_be_shown() {
    let (_repo, server) = pinned();
    let url = server.url();
    let listed = |arguments: &[&str], variables: &[(&str, &str)]| {
        let all = [&["pin", "--list", "--server", &url], arguments].concat();
        Ran::with(&all, variables, "").stdout
    };
    let utf8 = ("LC_ALL", "C.UTF-8");
    assert!(listed(&[], &[utf8]).starts_with("⏸ orders"));
    assert!(listed(&[], &[("LC_ALL", "C"), ("LANG", "C.UTF-8")]).starts_with("| orders"));
    let coloured = |arguments: &[&str], variables: &[(&str, &str)]| {
        listed(arguments, variables).contains(ESCAPE)
    };
    assert!(!coloured(&[], &[utf8]));
    assert!(coloured(&["--color=always"], &[]));
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&["--color=never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
}

#[test]
fn a_reader_may_leave() {
    let (_repo, server) = pinned();
    let mut command = Command::new(env!("CARGO_BIN_EXE_confbus"));
    command.args(["pin", "--list", "--server", &server.url()]);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut said).unwrap();
    assert_eq!((child.wait().unwrap().code(), &*said), (Some(0), ""));
}
