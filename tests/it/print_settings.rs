//! `confbus serve --print-settings`: which value holds, and where it was said.

use crate::support::Ran;

const TEXT: &str = "\
server:
  port: 1
  address: 127.0.0.1
spring:
  cloud:
    config:
      server:
        git:
          uri: https://jo:s3cret-of-jo@git.example/config
          password: s3cret-of-the-file
          default-label: file
      # of some application
      label: not-ours
";

/// The line about a key.
fn line<'a>(ran: &'a Ran, key: &str) -> &'a str {
    let mut lines = ran.stdout.lines();
    let found = lines.find(|line| line.split_whitespace().next() == Some(key));
    found.unwrap_or_else(|| panic!("{key}: {ran:?}"))
}

#[test]
fn the_strongest_value_is_shown_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("confbus.yml");
    std::fs::write(&file, TEXT).unwrap();
    let file = file.display().to_string();
    let variables = [
        ("SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULTLABEL", "variable"),
        ("SERVER_PORT", "2"),
    ];
    let arguments = [
        "serve",
        "--config",
        &file,
        "--print-settings",
        "--server.port=3",
    ];
    let ran = Ran::with(&arguments, &variables, "");
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""));
    let git = "spring.cloud.config.server.git";
    for (key, value, place) in [
        ("server.port", "3", "--server.port".to_owned()),
        ("server.address", "127.0.0.1", format!("{file}:3:12")),
        (
            &format!("{git}.default-label"),
            "variable",
            "SPRING_CLOUD_CONFIG_SERVER_GIT_DEFAULTLABEL".to_owned(),
        ),
        (
            &format!("{git}.uri"),
            "••••••@git.example/config",
            format!("{file}:9:16"),
        ),
        (
            &format!("{git}.password"),
            "••••••",
            format!("{file}:10:21"),
        ),
    ] {
        let parts: Vec<_> = line(&ran, key).split_whitespace().collect();
        assert_eq!(parts, [key, value, &place]);
    }
    assert!(!ran.stdout.contains("not-ours") && !ran.stdout.contains("s3cret"));
}

#[test]
fn settings_that_refuse_to_start_are_refused() {
    let ran = Ran::confbus(&["serve", "--print-settings", "--server.port=many"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(78), ""));
    assert!(ran.stderr.contains("error[CB8002]"), "{ran:?}");
}

#[test]
fn what_nobody_said_is_shown_as_default() {
    let ran = Ran::confbus(&[
        "serve",
        "--print-settings",
        "--spring.cloud.config.server.git.uri=/nowhere",
        "--server.port=3",
    ]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    for (key, value, place) in [
        ("server.port", "3", "--server.port"),
        ("server.address", "0.0.0.0", "default"),
        ("confbus.git.freshness", "polled", "default"),
        ("confbus.limits.idle-timeout", "1m", "default"),
        ("spring.cloud.config.server.git.timeout", "5s", "default"),
    ] {
        let parts: Vec<_> = line(&ran, key).split_whitespace().collect();
        assert_eq!(parts, [key, value, place]);
    }
    let mut keys: Vec<_> = ran
        .stdout
        .lines()
        .map(|line| line.split(' ').next())
        .collect();
    let number = keys.len();
    keys.dedup();
    assert_eq!(keys.len(), number, "{}", ran.stdout);
}
