//! What a store that is asked by name said last is answered after a restart, whether or not the store is there.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use super::{Source, serve};
use crate::support::{Answer, TestServer, eventually, expect_that};

/// Makes the tests of one store: `$start` gives one, or nothing where its program is not installed; `$other` is a setting
/// by which it would answer otherwise.
macro_rules! outlives_a_restart {
    ($start:expr, $other:expr) => {
        #[test]
        fn its_answers_outlive_the_server() {
            if let Some(mut source) = $start {
                $crate::sources::restarts::answers_outlive_the_server(&mut source, $other);
            }
        }

        #[test]
        fn what_changed_while_there_was_no_server_is_told() {
            if let Some(mut source) = $start {
                $crate::sources::restarts::what_changed_meanwhile_is_told(&mut source);
            }
        }
    };
}
pub(super) use outlives_a_restart;

fn settings(source: &dyn Source) -> Vec<(String, String)> {
    source.settings()
}

fn borrowed(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    let settings = settings.iter();
    settings.map(|(key, value)| (&**key, &**value)).collect()
}

/// The only file that a server makes which has nothing but stores.
fn files(base: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(base).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let is_whole = |path: &PathBuf| path.extension().is_some_and(|end| end == "json");
    files.filter(is_whole).collect()
}

/// Waits until the server has looked as it does at its start.
fn has_looked(server: &TestServer) {
    eventually("a look", || {
        let health = server.get("/actuator/health");
        let store = health.json()["components"]["git"]["details"].clone();
        expect_that(store["confirmed_seconds_ago"].is_u64(), &health)
    });
}

/// Waits until the file holds a text.
fn is_written(server: &TestServer, text: &str) -> PathBuf {
    eventually("answers on disk", || {
        let files = files(server.base());
        let [file] = files.as_slice() else {
            return Err(format!("{files:?}"));
        };
        let written = fs::read_to_string(file).unwrap();
        expect_that(written.contains(text), &written).map(|()| file.clone())
    })
}

fn is_not_made_up(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    assert_eq!(answer.header("retry-after"), Some("1"));
}

pub(super) fn answers_outlive_the_server(source: &mut dyn Source, other: (&str, &str)) {
    source.put("orders", None, "n", "1");
    source.put("orders", Some("dev"), "n", "a = 'b', \"ü\"");
    source.put("billing", None, "n", "1");
    let settings = settings(source);
    let settings = borrowed(&settings);
    let mut server = serve(source);
    let paths = ["/orders/dev", "/orders-dev.yml", "/orders/dev,qa/v1"];
    let before = paths.map(|path| server.get(path).body);
    // Right away, and in order.
    server.running().signal("TERM");
    assert!(server.running().wait().success());
    source.stop();
    let server = server.restarted(&settings);
    let health = eventually("how old it is, and why", || {
        let health = server.get("/actuator/health");
        let store = health.json()["components"]["git"]["details"].clone();
        let says = store["error"].is_string() && store["confirmed_seconds_ago"].is_u64();
        expect_that(says && store["degraded"] == true, &health).map(|()| health)
    });
    assert_eq!(health.status, 200, "{health:?}");
    assert_eq!(paths.map(|path| server.get(path).body), before);
    is_not_made_up(&server.get("/billing/dev"));
    let otherwise: Vec<_> = settings.iter().copied().chain([other]).collect();
    let server = server.restarted(&otherwise);
    is_not_made_up(&server.get("/orders/dev"));
    // That one took nothing away.
    let server = server.restarted(&settings);
    assert_eq!(server.get("/orders/dev").body, before[0]);
    source.go_on();
    eventually("an answer that is new", || {
        let answer = server.get("/billing/dev");
        expect_that(answer.status == 200, &answer)
    });
}

pub(super) fn what_changed_meanwhile_is_told(source: &mut dyn Source) {
    source.put("orders", None, "n", "first");
    source.put("billing", None, "n", "first");
    let settings = settings(source);
    let server = serve(source);
    has_looked(&server);
    assert_eq!(server.get("/billing/dev").status, 200);
    assert_eq!(server.get("/orders/dev").status, 200);
    let file = is_written(&server, "orders");
    let mode = fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    source.put("orders", None, "n", "second");
    // It ends as by a power cut, within the hour after which it would have looked again.
    let server = server.restarted(&borrowed(&settings));
    let told = server.line_with("refresh event");
    assert!(told.contains("orders:**"), "{told}");
    assert_eq!(server.value("/orders/dev", "n"), "second");
    is_written(&server, "second");
    // Which asks for everybody's answer again.
    assert_eq!(server.post("/actuator/busrefresh").status, 204);
    let told = server.lines().join("\n");
    assert!(!told.contains("billing:**"), "{told}");
}

#[test]
#[cfg(feature = "redis")]
fn a_file_that_makes_no_sense_is_put_aside_and_told() {
    let Some(mut source) = super::redis::Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "opensesame");
    let settings = settings(&source);
    let server = serve(&source);
    assert_eq!(server.value("/orders/dev", "n"), "opensesame");
    let file = is_written(&server, "opensesame");
    source.stop();
    let text = fs::read_to_string(&file).unwrap();
    let damaged = format!(
        "\n{}",
        text.replace("\"text\":\"opensesame\"", "opensesame")
    );
    let server = server.restarted_after(&borrowed(&settings), |_| {
        fs::write(&file, &damaged).unwrap();
    });
    let told = server.line_with("cannot be read");
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(
        told.contains(name) && told.contains("line 2, column "),
        "{told}"
    );
    assert!(!told.contains("opensesame"), "{told}");
    is_not_made_up(&server.get("/orders/dev"));
    let aside = fs::read_to_string(file.with_extension("damaged.json"));
    assert_eq!(aside.unwrap(), damaged);
}

#[test]
#[cfg(feature = "redis")]
fn a_disk_that_cannot_be_written_costs_no_answer_and_is_told_of() {
    let Some(mut source) = super::redis::Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let folder = tempfile::tempdir().unwrap();
    // No directory can be made below a file.
    let base = folder.path().join("in the way");
    fs::write(&base, "").unwrap();
    let settings = settings(&source);
    let server = TestServer::in_folder(&base, &borrowed(&settings));
    assert_eq!(server.value("/orders/dev", "n"), "1");
    eventually("trouble", || {
        let health = server.get("/actuator/health");
        let store = health.json()["components"]["git"]["details"].clone();
        expect_that(store["disk_error"].is_string(), &health)
    });
    assert_eq!(server.value("/orders/dev", "n"), "1");
}

#[test]
#[cfg(feature = "redis")]
fn nothing_is_on_disk_where_a_setting_says_so() {
    let Some(mut source) = super::redis::Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let mut settings = settings(&source);
    let server = serve(&source);
    assert_eq!(server.value("/orders/dev", "n"), "1");
    let file = is_written(&server, "orders");
    settings.push(("confbus.lookups.keep-on-disk".into(), "false".into()));
    let settings = borrowed(&settings);
    source.stop();
    let server = server.restarted(&settings);
    is_not_made_up(&server.get("/orders/dev"));
    fs::remove_file(file).unwrap();
    source.go_on();
    eventually("an answer", || {
        let answer = server.get("/orders/dev");
        expect_that(answer.status == 200, &answer)
    });
    let health = server.get("/actuator/health");
    assert!(!health.body.contains("disk_error"), "{health:?}");
    let mut server = server;
    server.running().signal("TERM");
    assert!(server.running().wait().success());
    assert_eq!(files(server.base()), Vec::<PathBuf>::new());
}

#[test]
#[cfg(feature = "redis")]
fn a_server_of_a_command_leaves_nothing_on_disk() {
    use crate::support::{ConfigRepo, Ran};

    let Some(mut source) = super::redis::Redis::start() else {
        return;
    };
    source.put("orders", None, "n", "1");
    let mut settings = settings(&source);
    let repo = ConfigRepo::from_sample();
    let clones = tempfile::tempdir().unwrap();
    let composite = "spring.cloud.config.server.composite";
    for (key, value) in [
        ("[0].type", "git"),
        ("[0].uri", &*repo.path().display().to_string()),
        ("[0].basedir", &*clones.path().display().to_string()),
        ("[1].type", "redis"),
    ] {
        settings.push((format!("{composite}{key}"), value.to_owned()));
    }
    settings.retain(|(key, _)| key != "spring.profiles.active");
    settings.push(("spring.profiles.active".into(), "composite".into()));
    let server = TestServer::with(&borrowed(&settings));
    let requests = clones.path().join("requests.txt");
    fs::write(&requests, "/orders/dev\n").unwrap();
    let mut arguments = vec![
        "shadow".to_owned(),
        "--requests".to_owned(),
        requests.display().to_string(),
        "--against".to_owned(),
        server.url(),
    ];
    // Of two servers one has the clones.
    let own = tempfile::tempdir().unwrap();
    let own_basedir = own.path().display().to_string();
    arguments.extend(settings.iter().map(|(key, value)| {
        let value = if key.ends_with("basedir") {
            &own_basedir
        } else {
            value
        };
        format!("--{key}={value}")
    }));
    let arguments: Vec<_> = arguments.iter().map(|argument| &**argument).collect();
    let ran = Ran::confbus(&arguments);
    assert!(
        ran.stdout.contains("1 identical") || ran.stderr.contains("1 identical"),
        "{ran:?}"
    );
    assert_eq!(files(own.path()), Vec::<PathBuf>::new());
}
