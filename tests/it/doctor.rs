//! `confbus doctor`: what would stand in the way of a server.

use std::net::TcpListener;

use serde_json::Value;

use crate::support::{ConfigRepo, Ran, StatusHost};

const URI: &str = "spring.cloud.config.server.git.uri";
const SECRET: &str = "s3cret-of-the-test-and-long-enough";

/// What `confbus doctor --json` says with these settings; nothing secret.
fn examined(arguments: &[&str], settings: &[(&str, &str)]) -> (Ran, Value) {
    let settings = settings
        .iter()
        .map(|(key, value)| format!("--{key}={value}"));
    let settings: Vec<_> = settings.collect();
    let mut all = vec!["doctor", "--json"];
    all.extend(arguments);
    all.extend(settings.iter().map(String::as_str));
    let ran = Ran::confbus(&all);
    assert!(
        !ran.stdout.contains(SECRET) && ran.stderr.is_empty(),
        "{ran:?}"
    );
    let document: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(document["schema"], "confbus.doctor/1");
    assert_eq!(document["ok"], ran.code == Some(0), "{ran:?}");
    (ran, document)
}

/// All results under a name, with the message of the first.
fn result<'d>(document: &'d Value, name: &str) -> (&'d str, &'d str) {
    let mut checks = document["checks"].as_array().unwrap().iter();
    let check = checks.find(|check| check["name"] == name);
    let check = check.unwrap_or_else(|| panic!("{name}: {document}"));
    let text = |key: &str| check[key].as_str().unwrap();
    (text("result"), text("message"))
}

#[test]
fn a_server_that_would_work_has_no_failure() {
    let repo = ConfigRepo::from_sample();
    let folder = tempfile::tempdir().unwrap();
    let registry = StatusHost::start();
    let zone = format!("{}/eureka/", registry.url());
    let (uri, base) = (
        repo.path().display().to_string(),
        folder.path().display().to_string(),
    );
    let settings = [
        (URI, &*uri),
        ("spring.cloud.config.server.git.basedir", &base),
        ("server.address", "127.0.0.1"),
        ("server.port", "0"),
        (
            "spring.cloud.config.server.monitor.github.webhook-secret",
            SECRET,
        ),
        ("eureka.client.service-url.defaultZone", &zone),
    ];
    let (ran, document) = examined(&[], &settings);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let asked = registry.posts().pop().unwrap().path;
    assert_eq!(asked, "GET /eureka/apps/CONFIGSERVER HTTP/1.1");
    for (name, expected, message) in [
        ("git", "ok", "`main` can be read"),
        ("broker", "skipped", "none is configured"),
        ("registry", "ok", "Eureka at http://127.0.0.1:"),
        ("webhook", "ok", "signed deliveries of github"),
        ("port", "ok", "127.0.0.1:0 is free"),
        ("disk", "ok", "can be written"),
        ("clock", "skipped", "nobody to compare with"),
    ] {
        let (result, said) = result(&document, name);
        assert_eq!(result, expected, "{name}: {document}");
        assert!(said.contains(message), "{said}");
    }
    // It looked, and left nothing.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn what_stands_in_the_way_is_said_with_what_to_do() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let uri = format!("http://jo:{SECRET}@127.0.0.1:1/config.git");
    let zone = format!("http://jo:{SECRET}@127.0.0.1:1/eureka/");
    let settings = [
        (URI, &*uri),
        ("server.address", "127.0.0.1"),
        ("server.port", &port),
        ("spring.rabbitmq.host", "127.0.0.1"),
        ("spring.rabbitmq.port", "1"),
        ("spring.rabbitmq.username", "jo"),
        ("spring.rabbitmq.password", SECRET),
        ("eureka.client.service-url.defaultZone", &zone),
    ];
    let (ran, document) = examined(&[], &settings);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    for (name, expected) in [
        ("git", "fail"),
        ("broker", "fail"),
        ("registry", "fail"),
        ("port", "warn"),
        ("webhook", "warn"),
    ] {
        assert_eq!(result(&document, name).0, expected, "{name}: {document}");
    }
    for check in document["checks"].as_array().unwrap() {
        let is_fine = check["result"] == "ok" || check["result"] == "skipped";
        assert_eq!(
            check["help"].as_array().unwrap().is_empty(),
            is_fine,
            "{check}"
        );
    }

    let (ran, document) = examined(&["--offline"], &settings);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for name in ["git", "broker", "registry", "clock"] {
        assert_eq!(result(&document, name).0, "skipped", "{document}");
    }
}

#[test]
fn a_server_of_this_machine_alone_needs_no_secret() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let settings = [
        (URI, &*uri),
        ("server.address", "127.0.0.1"),
        ("server.port", "0"),
        ("spring.cloud.bus.enabled", "false"),
    ];
    let (_, document) = examined(&["--offline"], &settings);
    let (result, message) = result(&document, "webhook");
    assert_eq!(result, "ok", "{message}");
    assert!(message.contains("believes this machine"), "{message}");
}

#[test]
fn a_label_that_is_not_there_is_a_failure() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let label = ("spring.cloud.config.server.git.default-label", "relase");
    let (ran, document) = examined(&[], &[(URI, &uri), label, ("server.port", "0")]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let (result, message) = result(&document, "git");
    assert_eq!(result, "fail");
    assert!(message.contains("`relase`: no such branch"), "{message}");
}

#[test]
fn settings_that_refuse_to_start_are_all_there_is_to_see() {
    let (ran, document) = examined(&[], &[("server.port", "many")]);
    assert_eq!(ran.code, Some(1));
    let checks = document["checks"].as_array().unwrap();
    assert!(
        checks.iter().all(|check| check["name"] == "settings"),
        "{document}"
    );
    assert!(
        ran.stdout
            .contains("--server.port: `server.port` is not a number in range"),
        "{ran:?}"
    );

    let ran = Ran::confbus(&["doctor", "--server.port=many"]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stdout.contains("help: confbus help CB8002"), "{ran:?}");
    assert!(ran.stdout.ends_with("0 warnings\n"), "{ran:?}");
}
