//! What programs read: every document is as its published schema says, and alone on its stream.

mod decisions;
mod lines;
mod schemas;

use std::{fs, path::Path};

use confbus_protocol::Outcome;
use serde_json::Value;

use crate::support::{ConfigRepo, Ran, Request, TestServer, eventually, expect_that, report};
use schemas::check;

const URI: &str = "spring.cloud.config.server.git.uri";
const SHOP: &str = "pool:\n  max: 20\nservers:\n- b\n- c\ndb:\n  host: pg\n  password: hunter2\n";
const PROD: &str = "pool:\n  max: 40\nservers:\n- a\nurl: http://${db.host}/x\n";

/// What a command writes that is asked for JSON where everything may be in colour.
fn ran(arguments: &[&str]) -> Ran {
    let all = [arguments, &["--json", "--color=always"]].concat();
    Ran::with(&all, &[("CLICOLOR_FORCE", "1")], "")
}

/// The documents on a stream, of which each is a line, and nothing else.
#[track_caller]
fn documents(stream: &str, name: &str) -> Vec<Value> {
    assert!(!stream.contains('\u{1b}'), "{stream}");
    let lines = stream.lines();
    let documents = lines.map(|line| {
        let document: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {stream}"));
        assert_eq!(check(&document), name, "{stream}");
        document
    });
    documents.collect()
}

/// The one document of a command that ends so.
#[track_caller]
fn document(arguments: &[&str], code: i32, name: &str) -> Value {
    let ran = ran(arguments);
    assert_eq!(ran.code, Some(code), "{ran:?}");
    assert_eq!(ran.stderr, "", "{arguments:?}");
    let mut all = documents(&ran.stdout, name);
    assert_eq!(all.len(), 1, "{ran:?}");
    all.remove(0)
}

/// A command that does not do it says why in the same form, and nothing else.
#[track_caller]
fn fails(arguments: &[&str], code: i32) -> Value {
    let ran = ran(arguments);
    assert_eq!((ran.code, &*ran.stdout), (Some(code), ""), "{ran:?}");
    let mut all = documents(&ran.stderr, "confbus.error/1");
    assert!(!all.is_empty(), "{ran:?}");
    all.remove(0)
}

/// A server of a shop that moved while instances looked on: one runs it, and one refused it.
fn shop(repo: &ConfigRepo) -> (TestServer, [String; 2]) {
    let first = repo.push("a shop", &[("shop.yml", SHOP), ("shop-prod.yml", PROD)]);
    let server = TestServer::start(repo);
    server.serves(&first);
    let restart = vec!["pool.max".to_owned()];
    report(
        &server,
        "shop:prod:8080:1",
        &first,
        Outcome::Applied { restart },
    );
    let changed = PROD.replace("40", "41") + "token: ${db.password}\n";
    let second = repo.push("more", &[("shop-prod.yml", &changed)]);
    server.serves(&second);
    let reason = "it is too much".to_owned();
    report(
        &server,
        "shop:prod:8080:2",
        &second,
        Outcome::Rejected { reason },
    );
    (server, [first, second])
}

#[test]
fn what_is_shown_is_a_document() {
    let repo = ConfigRepo::from_sample();
    let (server, [first, second]) = shop(&repo);
    let (url, path) = (server.url(), repo.path().display().to_string());
    let (old, new) = (format!("shop/prod@{first}"), format!("shop/prod@{second}"));
    for (arguments, code) in [
        (&["get", "shop/prod"][..], 0),
        (&["get", "shop/prod", "pool.max"], 0),
        (&["get", "shop", "--reveal"], 0),
        (&["explain", "shop/prod", "pool.max"], 0),
        (&["explain", "shop/prod", "token"], 0),
        (&["explain", "shop/prod", "url"], 0),
        (&["explain", "shop/prod", "servers[1]"], 0),
        (&["explain", &old, "db.password"], 0),
        (&["diff", &old, &new], 0),
        (&["diff", "shop", "shop/prod"], 0),
        // One instance rejected what it is to run.
        (&["fleet"], 1),
        (&["fleet", "shop/prod"], 1),
        (&["history", "shop/prod", "--all"], 0),
    ] {
        let asked = [arguments, &["--server", &url]].concat();
        let name = format!("confbus.{}/1", arguments[0]);
        document(&asked, code, &name);
        document(&[arguments, &["--repo", &path]].concat(), 0, &name);
    }
    let history = document(
        &["history", "shop/prod", "--server", &url],
        0,
        "confbus.history/1",
    );
    assert!(!history["entries"].as_array().unwrap().is_empty());

    for (arguments, code) in [
        (&["get", "shop/prod", "pool.maxx", "--server", &url][..], 6),
        (&["get", "shop/prod@nothing", "--server", &url], 6),
        (&["explain", "shop/prod", "nothing", "--repo", &path], 6),
        (&["diff", "shop", "nothing@none", "--server", &url], 6),
        (&["fleet", "--server", "http://127.0.0.1:1"], 3),
        (&["history", "shop", "--repo", "/nowhere"], 3),
        (&["get", "shop/", "--server", &url], 2),
        (&["fleet", "--sever", &url], 2),
        (&["flete"], 2),
    ] {
        fails(arguments, code);
    }
    let slip = fails(&["get", "shop", "pool.maxx", "--server", &url], 6);
    assert_eq!(slip["help"][0], "did you mean `pool.max`?");
}

#[test]
fn what_a_server_shows_is_a_document() {
    let repo = ConfigRepo::from_sample();
    repo.push("a shop", &[("shop.yml", SHOP), ("shop-prod.yml", PROD)]);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        (URI, &uri),
        ("spring.security.user.name", "jo"),
        ("spring.security.user.password", "s3cret"),
        ("spring.cloud.config.server.git.forcepull", "true"),
    ]);
    let get = |path: &str| server.send(&Request::get(path).login("jo", "s3cret"));
    eventually("an answer", || {
        let answer = get("/shop/prod");
        expect_that(answer.status == 200, &answer)
    });
    for (path, name) in [
        ("configurations/shop/prod", "configuration"),
        ("explanations/shop/prod?key=pool.max", "explain"),
        ("diffs?from=shop&to=shop%2Fprod", "diff"),
        ("history/shop/prod", "history"),
        ("names", "names"),
        ("fleet", "fleet"),
        ("instances", "instances"),
        ("refreshes", "refreshes"),
        ("pins", "pins"),
        ("waves", "waves"),
        ("settings", "settings"),
    ] {
        let answer = get(&format!("/_/api/{path}"));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        documents(&answer.body, &format!("confbus.{name}/1"));
    }
}

#[test]
fn lists_of_a_server_with_instances_are_documents() {
    let repo = ConfigRepo::from_sample();
    let (server, _) = shop(&repo);
    for (path, name) in [("instances", "instances"), ("refreshes", "refreshes")] {
        let answer = server.get(&format!("/_/api/{path}"));
        let document = &documents(&answer.body, &format!("confbus.{name}/1"))[0];
        assert!(!document[name].as_array().unwrap().is_empty(), "{document}");
    }
}

#[test]
fn what_is_checked_is_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| fs::write(folder.path().join(path), text).unwrap();
    let schema = r#"{"properties":{"pool":{"properties":{"max":{"maximum":32}}}}}"#;
    write("shop.yml", "pool.max: 20\n");
    write("shop.schema.json", schema);
    let path = folder.path().display().to_string();
    let checked = |more: &[&str], code: i32| {
        let arguments = [&["check", &path], more].concat();
        document(&arguments, code, "confbus.check/1")
    };
    assert_eq!(checked(&[], 0)["ok"], true);
    let git = |arguments: &[&str]| git(folder.path(), arguments);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "first"]);
    git(&["switch", "-q", "-c", "change"]);
    write("shop.yml", "pool.max: 40\ndb.password: hunter2\nnew: 1\n");
    write("billing.yml", "a: [\n");
    let against = checked(&["--against", "main"], 1);
    assert!(!against["changes"].as_array().unwrap().is_empty());

    fails(&["check", "/nowhere"], 2);
    fails(&["check", &path, "--against", "nothing"], 2);
    let settings = folder.path().join("settings.yml");
    fs::write(&settings, "server:\n  port: many\n").unwrap();
    let settings = settings.display().to_string();
    fails(&["check", &path, "--config", &settings], 78);
}

fn git(folder: &Path, arguments: &[&str]) {
    let mut command = std::process::Command::new("git");
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.com"]);
    let status = command.args(arguments).current_dir(folder).status();
    assert!(status.unwrap().success(), "git {arguments:?}");
}

#[test]
fn what_a_doctor_finds_is_a_document() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.yml");
    for (text, code) in [
        (
            "spring.cloud.config.server.git.uri: https://config.invalid/x.git\n",
            0,
        ),
        ("server.port: many\n", 1),
    ] {
        fs::write(&settings, text).unwrap();
        let settings = settings.display().to_string();
        let arguments = ["doctor", "--offline", "--config", &settings];
        document(&arguments, code, "confbus.doctor/1");
    }
    fails(&["doctor", "--offlin"], 2);
}

#[test]
fn a_mistake_is_a_line_wherever_json_is_asked_for() {
    for arguments in [
        &["serve", "--log-format=json"][..],
        &["check", "/nowhere", "--format=json"],
        &["--json", "fleet"],
        &["doctor", "--no-such-setting", "--json"],
    ] {
        let ran = Ran::confbus(arguments);
        assert_eq!(ran.stdout, "", "{ran:?}");
        assert_eq!(documents(&ran.stderr, "confbus.error/1").len(), 1);
    }
    // What stands behind `--` is for another program.
    for arguments in [
        &["fleet", "--sever"][..],
        &["watch", "shop/", "--", "program", "--json"],
    ] {
        let ran = Ran::confbus(arguments);
        assert!(ran.stderr.starts_with("error: "), "{ran:?}");
    }
}
