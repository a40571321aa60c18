//! `confbus refresh`: who is told, what becomes of it, and the exit code that says so.

use serde_json::{Value, json};

use crate::support::{ConfigRepo, Ran, Request, Running, TestServer, eventually, expect_that};

/// A client that refuses a limit of 13, and writes into a folder of its own.
fn start_instance(server: &TestServer, folder: &tempfile::TempDir, index: &str) -> Running {
    let file = folder.path().join(format!("{index}.env"));
    let arguments = [
        "watch",
        "orders/dev",
        "--server",
        &server.url(),
        "--poll=0",
        "--index",
        index,
        "--out",
        &file.display().to_string(),
        "--check",
        &format!(
            "! grep -q LIMIT=13 {{{index}.env}} || {{ echo 'the limit is too high' >&2; exit 1; }}"
        ),
    ]
    .map(str::to_owned);
    let running = Running::confbus(&arguments);
    eventually("its file", || expect_that(file.exists(), running.lines()));
    running
}

/// Waits until the server has heard of so many instances that they run what they should.
fn knows(server: &TestServer, number: usize) {
    eventually("live instances", || {
        let view = server
            .get("/_/api/instances?application=orders&state=live")
            .json();
        expect_that(view["instances"].as_array().unwrap().len() == number, &view)
    });
}

fn refresh(server: &TestServer, arguments: &[&str]) -> Ran {
    let url = server.url();
    Ran::confbus(&[&["refresh", "--server", &url], arguments].concat())
}

#[test]
fn everybody_who_was_told_answers() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let _instances = ["1", "2"].map(|index| start_instance(&server, &folder, index));
    knows(&server, 2);
    let ran = refresh(&server, &["orders/dev", "--wait"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("told orders:dev:**"), "{ran:?}");
    assert!(
        ran.stdout.ends_with("is live on 2 of 2 instances\n"),
        "{ran:?}"
    );

    let ran = refresh(&server, &["orders", "--wait", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let types: Vec<_> = lines
        .iter()
        .map(|line| line["type"].as_str().unwrap())
        .collect();
    assert_eq!(types, ["announced", "instance", "instance", "result"]);
    assert!(
        lines
            .iter()
            .all(|line| line["schema"] == "confbus.refresh/1")
    );
    let url = server.url();
    assert!(lines.iter().all(|line| line["server"] == *url), "{ran:?}");
    assert_eq!(lines[3]["live"], 2);
    let commit = lines[3]["commit"].as_str().unwrap();
    assert!(lines[3]["sentence"].as_str().unwrap().starts_with(commit));
}

#[test]
fn a_rejection_is_a_no_with_its_reason() {
    let repo = ConfigRepo::from_sample();
    repo.push("a limit", &[("orders.yml", "limit: 12\n")]);
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let _instance = start_instance(&server, &folder, "1");
    knows(&server, 1);
    let bad = repo.push("too high", &[("orders.yml", "limit: 13\n")]);
    server.serves(&bad);
    let ran = refresh(&server, &["orders", "--wait"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stdout.contains("the limit is too high"), "{ran:?}");
    assert!(
        ran.stdout.ends_with("0 of 1 instance; 1 rejected it\n"),
        "{ran:?}"
    );
}

#[test]
fn a_silent_instance_is_named_when_the_time_is_over() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let instance = start_instance(&server, &folder, "8081");
    knows(&server, 1);
    instance.signal("STOP");
    let ran = refresh(&server, &["orders", "--wait", "--timeout=1s"]);
    instance.signal("CONT");
    assert_eq!(ran.code, Some(5), "{ran:?}");
    assert!(ran.stdout.contains("orders:dev:8081"), "{ran:?}");
    assert!(ran.stdout.contains("  told  none  last sign 20"), "{ran:?}");
    assert!(!ran.stdout.contains("what is served"), "{ran:?}");
    assert!(ran.stdout.ends_with("1 did not answer\n"), "{ran:?}");
}

#[test]
fn who_left_is_not_waited_for() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let folder = tempfile::tempdir().unwrap();
    let [staying, leaving] = ["1", "2"].map(|index| start_instance(&server, &folder, index));
    let url = server.url();
    let lines = Running::confbus(&["watch", "orders/dev", "--server", &url].map(str::to_owned));
    knows(&server, 3);
    for ending in [&leaving, &lines] {
        ending.signal("TERM");
    }
    knows(&server, 1);
    let ran = refresh(&server, &["orders", "--wait"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let end = "is live on 1 of 1 instance\n";
    assert!(ran.stdout.ends_with(end), "{ran:?} {:?}", staying.lines());
}

#[test]
fn a_misspelt_application_reaches_nobody_and_says_so() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    for arguments in [
        &["ordes"][..],
        &["ordes/dev"],
        &["ordes:dev:8081"],
        &["ordes", "--wait"],
        &["ordes", "--json"],
    ] {
        let ran = refresh(&server, arguments);
        assert_eq!((ran.code, &*ran.stdout), (Some(6), ""), "{ran:?}");
        for said in ["did you mean `orders`?", "nobody that is known was told"] {
            assert!(ran.stderr.contains(said), "{ran:?}");
        }
    }
    // A pattern, an application that is known, one that goes on where another one ends, and one that is like none.
    for destination in ["ord?s:**", "orders", "orders-new", "zebra"] {
        let ran = refresh(&server, &[destination]);
        assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
    }
}

#[test]
fn what_one_server_knows_is_not_misspelt() {
    let repo = ConfigRepo::from_sample();
    let [one, other] = [(), ()].map(|()| TestServer::start(&repo).ready());
    let request = Request::get("/ordes/dev");
    assert_eq!(other.send(&request).status, 200);
    eventually("the name", || {
        let names = other.get("/_/api/names").json();
        let is_known = names["applications"]
            .as_array()
            .unwrap()
            .contains(&json!("ordes"));
        expect_that(is_known, &names)
    });
    let servers = [one.url(), other.url()].join(",");
    let ran = Ran::confbus(&["refresh", "--server", &servers, "ordes"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
}

#[test]
fn each_line_says_which_server_it_is_from() {
    let repo = ConfigRepo::from_sample();
    let [one, other] = [(), ()].map(|()| TestServer::start(&repo).ready());
    let servers = [one.url(), other.url()];
    let ran = Ran::confbus(&[
        "refresh",
        "--server",
        &servers.join(","),
        "--json",
        "--wait",
    ]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let from: Vec<_> = lines.iter().map(|line| &line["server"]).collect();
    let [one, other] = &servers;
    assert_eq!(from, [one, one, other, other], "{ran:?}");
}

#[test]
fn who_is_told_is_not_misspelt() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    // On the bus it is called otherwise than after whom its files are named.
    let request = Request::get("/orders/dev").header("X-Config-Instance", "ordes:dev:8081:1");
    assert_eq!(server.send(&request).status, 200);
    eventually("the instance", || {
        let view = server.get("/_/api/instances").json();
        expect_that(view["instances"].as_array().unwrap().len() == 1, &view)
    });
    let ran = refresh(&server, &["ordes"]);
    assert_eq!((ran.code, &*ran.stderr), (Some(0), ""), "{ran:?}");
}

#[test]
fn nobody_is_waited_for_where_nobody_listens() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let ran = refresh(&server, &["payments", "--wait"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert!(ran.stdout.contains("no instance is known"), "{ran:?}");
    let ran = refresh(&server, &["orders/dev/main"]);
    assert_eq!(ran.code, Some(2), "{ran:?}");
}
