//! Settings, exit codes and signals.

use crate::support::{ConfigRepo, Running, TestServer};

fn serve(arguments: &[&str]) -> Running {
    let arguments: Vec<String> = std::iter::once("serve")
        .chain(arguments.iter().copied())
        .map(str::to_owned)
        .collect();
    Running::confbus(&arguments)
}

#[test]
fn serve_without_a_repository_does_not_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.yml");
    std::fs::write(&file, "server:\n  port: 0\n").unwrap();
    let mut program = serve(&["--config", &file.display().to_string()]);
    assert_eq!(program.wait().code(), Some(78));
    program.line_with("no repository is configured");
}

#[test]
fn wrong_values_name_file_line_and_column_all_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.yml");
    let text = "server:\n  port: many\nspring:\n  cloud:\n    config:\n      server:\n        git:\n          uri: /tmp/x\n          timeout: soon\n";
    std::fs::write(&file, text).unwrap();
    let mut program = serve(&["--config", &file.display().to_string()]);
    assert_eq!(program.wait().code(), Some(78));
    program.line_with("`server.port` is not a number in range");
    program.line_with("confbus.yml:2:9");
    program.line_with("`spring.cloud.config.server.git.timeout` is not a duration");
    program.line_with("confbus.yml:9:20");
}

#[test]
fn a_slip_of_the_pen_is_warned_about() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let mut server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("confbus.git.freshnes", "strict"),
    ]);
    server
        .running()
        .line_with("did you mean `confbus.git.freshness`?");
}

#[test]
fn settings_come_from_file_environment_and_arguments() {
    let repo = ConfigRepo::from_sample();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.properties");
    std::fs::write(&file, "spring.cloud.config.server.git.uri=${CONFIG_REPO}\nserver.port=1\nserver.address=127.0.0.1\n").unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_confbus"));
    command
        .arg("serve")
        .arg("--config")
        .arg(&file)
        .arg("--server.port=0");
    command
        .env("CONFIG_REPO", repo.path())
        .env("XDG_CACHE_HOME", folder.path())
        .current_dir(folder.path());
    Running::start(command).line_with("in service");
}

#[test]
fn a_polite_end_is_a_good_end() {
    for signal in ["TERM", "INT"] {
        let mut server = TestServer::start(&ConfigRepo::from_sample()).ready();
        server.running().signal(signal);
        assert_eq!(server.running().wait().code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn a_taken_port_is_an_error() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let uri = repo.path().display().to_string();
    let port = server.port();
    let mut second = serve(&[
        &format!("--spring.cloud.config.server.git.uri={uri}"),
        "--server.address=127.0.0.1",
        &format!("--server.port={port}"),
    ]);
    assert_eq!(second.wait().code(), Some(1));
    second.line_with("cannot be listened on");
}

/// The server's process and those that it started.
fn processes(server: &mut TestServer) -> Vec<u32> {
    let id = server.running().id();
    let tasks = std::fs::read_dir(format!("/proc/{id}/task")).unwrap();
    let children = tasks.flatten().flat_map(|task| {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        list.split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect::<Vec<u32>>()
    });
    std::iter::once(id).chain(children).collect()
}

#[test]
#[cfg(target_os = "linux")]
fn a_crash_leaves_no_memory_behind() {
    let repo = ConfigRepo::from_sample();
    let mut server = TestServer::start(&repo).ready();
    let processes = processes(&mut server);
    assert_eq!(processes.len(), 2, "a server and its worker");
    for id in processes {
        let limits = std::fs::read_to_string(format!("/proc/{id}/limits")).unwrap();
        let core = limits
            .lines()
            .find(|line| line.contains("core file"))
            .unwrap();
        let numbers: Vec<_> = core.split_whitespace().skip(4).collect();
        assert_eq!(numbers, ["0", "0", "bytes"], "{core}");
    }
}
