//! An address that is pinned stays at its commit while everything else moves on.

use serde_json::{Value, json};

use crate::support::{
    Answer, ConfigRepo, GitDaemon, Instance, Request, Running, TestServer, eventually, expect_that,
    forget_what_was_served,
};

const PINS: &str = "/_/api/pins";
const URI: &str = "spring.cloud.config.server.git.uri";

/// Commits a limit for both applications.
fn limit(repo: &ConfigRepo, limit: u32) -> String {
    let text = format!("limit: {limit}\n");
    let files = [("orders.yml", &*text), ("payments.yml", &*text)];
    repo.push("a limit", &files)
}

fn pin(server: &TestServer, body: &Value) -> Answer {
    let request = Request::post(PINS, body.to_string());
    server.send(&request.header("Content-Type", "application/json"))
}

/// Pins `orders` for the usual time.
#[track_caller]
fn pin_orders(server: &TestServer, commit: &str) -> Value {
    let body = json!({ "application": "orders", "commit": commit, "reason": "INC-812" });
    let answer = pin(server, &body);
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

fn pins(server: &TestServer) -> Vec<Value> {
    let view = server.get(PINS).json();
    view["pins"].as_array().unwrap().clone()
}

/// Waits until an address is answered from a commit.
#[track_caller]
fn answers(server: &TestServer, address: &str, commit: &str) -> Answer {
    eventually(&format!("{address} at {commit}"), || {
        let answer = server.get(address);
        let is_there = answer.status == 200 && answer.json()["version"] == commit;
        expect_that(is_there, &answer).map(|()| answer)
    })
}

#[test]
fn a_pinned_application_stays_while_others_move_on() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    answers(&server, "/orders/dev", &good);
    let made = pin_orders(&server, &good[..7]);
    assert_eq!(
        (&made["commit"], &made["by"]),
        (&json!(good), &json!("anonymous"))
    );
    assert_eq!(pins(&server), std::slice::from_ref(&made));

    let bad = limit(&repo, 2);
    answers(&server, "/payments/dev", &bad);
    let held = format!("{}; pinned", &bad[..7]);
    for address in [
        "/orders/dev",
        "/orders/prod",
        "/orders/dev/main",
        "/payments,orders/dev",
    ] {
        let answer = answers(&server, address, &good);
        assert_eq!(answer.header("x-config-held"), Some(&*held), "{address}");
    }
    assert_eq!(server.get("/orders/dev/main").json()["label"], "main");
    for address in [
        "/orders-dev.yml",
        "/main/orders-dev.properties",
        "/orders-dev.json",
        "/orders/default/main/orders.yml",
    ] {
        let answer = server.get(address);
        assert_eq!(answer.header("x-config-held"), Some(&*held), "{address}");
        let limits = ["limit: 1", "limit=1", "\"limit\":1", "\"limit\": 1"];
        let is_old = limits.iter().any(|limit| answer.body.contains(limit));
        assert!(is_old, "{address}: {answer:?}");
    }

    let asked_for = answers(&server, &format!("/orders/dev/{bad}"), &bad);
    assert_eq!(asked_for.header("x-config-held"), None);
    assert_eq!(server.get("/orders/dev/no-such-label").status, 404);
    let health = server.get("/actuator/health").json();
    assert_eq!(
        health["components"]["pins"]["details"]["pins"],
        json!([made])
    );
}

#[test]
fn a_pin_may_be_for_one_profile_of_one_label() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    let body = json!({
        "application": "orders", "profile": "prod", "label": "main", "commit": good, "reason": "INC-812",
    });
    assert_eq!(pin(&server, &body).status, 201);
    let bad = limit(&repo, 2);
    let branch = repo.push_to("next", "a branch", &[("orders.yml", "limit: 3\n")]);
    for (address, commit) in [
        ("/orders/dev", &bad),
        ("/orders/prod", &good),
        ("/orders/dev,prod/main", &good),
        ("/orders/prod/next", &branch),
        ("/payments/prod", &bad),
    ] {
        answers(&server, address, commit);
    }
}

#[test]
fn a_pin_holds_across_a_restart_from_the_first_answer_on() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let mut daemon = GitDaemon::serve(&repo);
    let url = daemon.url();
    let settings = [
        (URI, url.as_str()),
        ("spring.cloud.config.server.git.refresh-rate", "1"),
    ];
    let server = TestServer::with(&settings).ready();
    answers(&server, "/orders/dev", &good);
    let made = pin_orders(&server, &good);
    let bad = limit(&repo, 2);
    answers(&server, "/payments/dev", &bad);

    daemon.stop();
    // By then all that is served is on disk.
    eventually("trouble in health", || {
        let health = server.get("/actuator/health").json();
        let error = &health["components"]["git"]["details"]["error"];
        expect_that(error.is_string(), &health)
    });
    let server = server.restarted(&settings);
    eventually("an answer", || {
        let answer = server.get("/orders/dev");
        let is_other = answer.status == 200 && answer.json()["version"] != *good;
        assert!(!is_other, "{answer:?}");
        expect_that(answer.status == 200, &answer)
    });
    answers(&server, "/payments/dev", &bad);
    assert_eq!(pins(&server), [made]);
}

#[test]
fn no_other_commit_stands_in_for_one_that_is_gone() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[(URI, &uri)]).ready();
    let made = pin_orders(&server, &good);
    repo.delete_branch("main");
    let new = limit(&repo, 2);
    answers(&server, "/payments/dev", &new);
    answers(&server, "/orders/dev", &good);

    let server = server.restarted(&[(URI, &uri)]);
    answers(&server, "/payments/dev", &new);
    answers(&server, "/orders/dev", &good);

    let server = server.restarted_after(&[(URI, &uri)], forget_what_was_served);
    answers(&server, "/payments/dev", &new);
    for address in [
        "/orders/dev",
        "/orders-dev.yml",
        "/orders/default/main/orders.yml",
    ] {
        let answer = server.get(address);
        assert_eq!(answer.status, 503, "{address}: {answer:?}");
        let said = format!("pinned to commit {}", &good[..7]);
        assert!(answer.body.contains(&said), "{answer:?}");
    }
    let id = made["id"].as_str().unwrap();
    let released = server.send(&Request::delete(&format!("{PINS}/{id}")));
    assert_eq!(released.status, 204);
    answers(&server, "/orders/dev", &new);
}

#[test]
fn instances_hear_of_a_pin_and_of_its_release() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    let payments = Instance::start(&server, "payments/dev", 8082, &[]);
    limit(&repo, 2);
    orders.sees("limit", "2");
    let version = || server.get("/orders/dev").json()["version"].clone();
    assert_ne!(version(), *good);
    let made = pin_orders(&server, &good);
    assert_eq!(version(), *good, "what was kept is not given again");
    orders.sees("limit", "1");

    let third = limit(&repo, 3);
    payments.sees("limit", "3");
    let refresh = eventually("the refresh of the third commit", || {
        let view = server.get("/_/api/refreshes").json();
        let mut all = view["refreshes"].as_array().unwrap().iter();
        let of_third = |refresh: &&Value| refresh["labels"][0]["to"] == *third;
        let found = all.find(|refresh| of_third(refresh) && !refresh["published"].is_null());
        found.cloned().ok_or_else(|| view.to_string())
    });
    assert_eq!(refresh["destinations"], json!(["payments:**"]));
    assert!(!orders.has_seen("limit", "3"));
    assert_eq!(version(), *good);

    let id = made["id"].as_str().unwrap();
    let released = server.send(&Request::delete(&format!("{PINS}/{id}")));
    assert_eq!(released.status, 204, "{released:?}");
    assert_eq!(version(), *third);
    orders.sees("limit", "3");
    assert!(pins(&server).is_empty());
    let again = server.send(&Request::delete(&format!("{PINS}/{id}")));
    assert_eq!(again.status, 404);
}

#[test]
fn a_pin_ends_by_itself_and_says_so() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    let orders = Instance::start(&server, "orders/dev", 8081, &[]);
    let bad = limit(&repo, 2);
    orders.sees("limit", "2");
    let body =
        json!({ "application": "orders", "commit": good, "reason": "INC-812", "for_seconds": 1 });
    assert_eq!(pin(&server, &body).status, 201);
    answers(&server, "/orders/dev", &bad);
    assert!(pins(&server).is_empty());
    eventually("both events", || {
        let view = server.get("/_/api/refreshes").json();
        let all = view["refreshes"].as_array().unwrap().iter();
        let of_pins = all.filter(|refresh| {
            refresh["trigger"] == "pin" && refresh["destinations"] == json!(["orders:**"])
        });
        expect_that(of_pins.count() == 2, &view)
    });
    for text in ["pinned", "the time of the pin is over"] {
        eventually(&format!("a line with `{text}`"), || {
            let lines = server.lines();
            let words = [text, "INC-812", "anonymous", &good];
            let mut says = lines
                .iter()
                .map(|line| words.iter().all(|word| line.contains(word)));
            expect_that(says.any(|says| says), &lines)
        });
    }
}

#[test]
fn what_cannot_be_held_is_refused() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let broken = repo.push("break orders", &[("orders.yml", "a: [\n")]);
    let last = limit(&repo, 2);
    let server = TestServer::start(&repo).ready();
    answers(&server, "/orders/dev", &last);
    let with = |changes: Value| {
        let mut body = json!({ "application": "orders", "commit": good, "reason": "INC-812" });
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    for (body, status, said) in [
        (with(json!({ "reason": "" })), 400, "a reason"),
        (with(json!({ "reason": null })), 400, "no pin"),
        (with(json!({ "commit": "main" })), 400, "no commit id"),
        (
            with(json!({ "commit": "a".repeat(40) })),
            404,
            "this commit",
        ),
        (with(json!({ "commit": "aaaaaaa" })), 404, "this commit"),
        (with(json!({ "label": "no-such-label" })), 404, "label"),
        (with(json!({ "commit": broken })), 409, "orders.yml:"),
        (
            with(json!({ "for_seconds": 31 * 24 * 60 * 60 })),
            400,
            "thirty days",
        ),
        (with(json!({ "reason": "x".repeat(20_000) })), 413, "larger"),
    ] {
        let answer = pin(&server, &body);
        assert_eq!(answer.status, status, "{answer:?}");
        let message = answer.json()["message"].to_string();
        assert!(message.contains(said), "{message}");
    }
    let plain = Request::post(PINS, with(json!({})).to_string());
    assert_eq!(server.send(&plain).status, 415);
    for request in [
        Request::get(PINS),
        Request::post(PINS, "{}").header("Content-Type", "application/json"),
        Request::delete("/_/api/pins/1"),
    ] {
        let passed_on = request.header("X-Forwarded-For", "10.0.0.7");
        assert_eq!(server.send(&passed_on).status, 401, "{passed_on:?}");
    }
    assert!(pins(&server).is_empty());
    answers(&server, "/orders/dev", &last);
}

#[test]
fn damaged_pins_are_put_aside() {
    let repo = ConfigRepo::from_sample();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pins-0.json"), "{\"version\":1,").unwrap();
    let uri = repo.path().display().to_string();
    let server = TestServer::in_folder(folder.path(), &[(URI, &uri)]).ready();
    let lines = server.lines();
    let mut lines = lines.iter();
    assert!(lines.any(|line| line.contains("the pins cannot be read") && line.contains("line 1")));
    assert!(folder.path().join("pins-0.damaged.json").exists());
    assert!(pins(&server).is_empty());
}

/// Runs `confbus pin` and gives its exit code and what it wrote.
fn confbus_pin(server: &str, arguments: &[&str]) -> (Option<i32>, Running) {
    let all = ["pin", "--server", server].into_iter();
    let all: Vec<_> = all
        .chain(arguments.iter().copied())
        .map(str::to_owned)
        .collect();
    let mut running = Running::confbus(&all);
    (running.wait().code(), running)
}

#[test]
fn the_command_line_pins_lists_and_lets_go() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    limit(&repo, 2);
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        (URI, &uri),
        ("spring.security.user.name", "jo"),
        ("spring.security.user.password", "s3cret"),
    ]);
    let jo = format!("http://jo:s3cret@127.0.0.1:{}", server.port());
    let target = format!("orders/dev@{}", &good[..7]);

    let (code, said) = confbus_pin(&jo, &[&target, "--reason", "INC-812", "--for", "2h"]);
    assert_eq!(code, Some(0));
    said.line_with(&format!("orders/dev  {}  until ", &good[..7]));
    let (code, said) = confbus_pin(&jo, &["--list"]);
    assert_eq!(code, Some(0));
    said.line_with("by jo  INC-812");

    let (code, said) = confbus_pin(&jo, &["orders", "--release"]);
    assert_eq!(code, Some(6));
    said.line_with("nothing is pinned under this address");
    let (code, said) = confbus_pin(&jo, &["orders/dev", "--release"]);
    assert_eq!(code, Some(0));
    said.line_with("orders/dev is let go");
    let (code, said) = confbus_pin(&jo, &["--list"]);
    assert_eq!(code, Some(0));
    said.line_with("nothing is pinned");

    for (address, arguments, expected, line) in [
        (
            &*jo,
            &["orders@aaaaaaa", "--reason", "x"][..],
            6,
            "answered 404: no repository",
        ),
        (
            &*server.url(),
            &[&*target, "--reason", "x"],
            4,
            "answered 401",
        ),
        (
            &*jo,
            &["orders/dev", "--reason", "x"],
            2,
            "write the commit behind the address",
        ),
        (&*jo, &[&*target, "--release"], 2, "without a commit"),
        (&*jo, &[&*target], 2, "--reason"),
        ("http://127.0.0.1:1", &["--list"], 3, "no connection"),
    ] {
        let (code, said) = confbus_pin(address, arguments);
        assert_eq!(code, Some(expected), "{arguments:?}");
        said.line_with(line);
        assert!(!said.lines().join("\n").contains("s3cret"));
    }
}

#[test]
fn what_a_pin_changes_is_shown_before_it_is_made() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    let bad = limit(&repo, 2);
    answers(&server, "/orders/dev", &bad);
    let target = format!("orders/dev@{}", &good[..7]);
    let changes = |said: &Running| {
        let line = said.line_with("2 -> 1");
        assert!(
            line.contains("limit") && line.contains("orders.yml:1"),
            "{line}"
        );
        said.line_with("confbus pin orders/dev --release");
    };
    let (code, said) = confbus_pin(&server.url(), &[&target, "--dry-run"]);
    assert_eq!(code, Some(0));
    changes(&said);
    said.line_with("nothing was pinned");
    assert!(pins(&server).is_empty());
    let unknown = format!("orders/dev@{}", "0".repeat(40));
    let (code, _) = confbus_pin(&server.url(), &[&unknown, "--dry-run"]);
    assert_eq!(code, Some(3), "the server cannot say, or not yet");

    // Nobody is there to be asked.
    let arguments = [&*target, "--reason", "INC-812"];
    let (code, said) = confbus_pin(&server.url(), &arguments);
    assert_eq!(code, Some(0));
    changes(&said);
    said.line_with("by anonymous  INC-812");
    assert_eq!(pins(&server).len(), 1);
}

#[test]
fn whom_a_pin_holds_at_other_labels_is_told_before_it_is_made() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let release = repo.push_to("release/2.0", "a release", &[("orders.yml", "limit: 7\n")]);
    let server = TestServer::start(&repo).ready();
    let bad = limit(&repo, 2);
    answers(&server, "/orders/dev", &bad);
    answers(&server, "/orders/prod/release(_)2.0", &release);
    for number in 1..=3 {
        let report = json!({
            "instance": format!("orders:prod:8080:{number}"),
            "application": "orders",
            "profiles": "prod",
            "label": "release/2.0",
            "version": release,
            "running": release,
            "outcome": "applied",
        });
        let posted = server.send(&Request::post("/confbus/reports", report.to_string()));
        assert_eq!(posted.status, 204, "{posted:?}");
    }
    let told = "3 instances at other labels are held, too: release/2.0";
    let says = |address: &str| {
        let target = format!("{address}@{}", &good[..7]);
        let (code, said) = confbus_pin(&server.url(), &[&target, "--dry-run"]);
        assert_eq!(code, Some(0));
        said.lines().join("\n")
    };
    for (address, is_told) in [
        ("orders", true),
        ("orders/prod", true),
        ("orders/*/main", false),
    ] {
        let said = says(address);
        assert_eq!(said.contains(told), is_told, "{address}: {said}");
        assert_eq!(said.contains("no instance"), !is_told, "{address}: {said}");
    }
    let is_of_any = |said: String| said.contains("the profile default is compared");
    assert!(is_of_any(says("orders")) && !is_of_any(says("orders/prod")));

    let link = format!("/_/pin?application=orders&commit={good}");
    for (more, is_told) in [("", true), ("&profile=prod", true), ("&label=main", false)] {
        let page = server.get(&format!("{link}{more}")).body;
        assert_eq!(page.contains(told), is_told, "{more}: {page}");
        assert_eq!(page.contains("No instance"), !is_told, "{more}: {page}");
    }
}

#[test]
fn a_misspelt_address_is_not_pinned_unless_somebody_insists() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    answers(&server, "/orders/dev", &good);
    let url = server.url();
    let pin = |address: &str, more: &[&str]| {
        let target = format!("{address}@{}", &good[..7]);
        let (code, said) = confbus_pin(&url, &[&[&*target, "--reason", "INC-812"], more].concat());
        (code, said)
    };
    let (code, said) = pin("ordres/dev", &[]);
    assert_eq!(code, Some(6));
    said.line_with("did you mean `orders`?");
    said.line_with("--yes pins it all the same");
    assert!(pins(&server).is_empty());
    let (code, said) = pin("orders/dev/mian", &[]);
    assert_eq!(code, Some(6));
    said.line_with("did you mean `main`?");
    assert!(pins(&server).is_empty());
    // A pin may be there before its application is.
    assert_eq!(pin("ordres/dev", &["--yes"]).0, Some(0));
    let (code, said) = pin("zebra", &[]);
    assert_eq!(code, Some(0));
    said.line_with("nothing is named after `zebra`, and nobody has asked for it yet");
    assert_eq!(pins(&server).len(), 2);
    let (code, said) = confbus_pin(&url, &["ordres/dve", "--release"]);
    assert_eq!(code, Some(6));
    said.line_with("did you mean `ordres/dev`?");
}

/// What `confbus` says to these arguments, once it holds a text.
fn confbus_says(arguments: &[&str], text: &str) {
    let arguments: Vec<_> = arguments.iter().map(|&one| one.to_owned()).collect();
    eventually(text, || {
        let mut running = Running::confbus(&arguments);
        running.wait();
        let lines = running.lines();
        expect_that(lines.iter().any(|line| line.contains(text)), lines)
    });
}

#[test]
fn who_pinned_and_why_is_remembered_and_said_again_while_it_holds() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    answers(&server, "/orders/dev", &good);
    let instance = Request::get("/orders/dev").header("X-Config-Instance", "orders:dev:8081:ab12");
    server.send(&instance);
    let bad = limit(&repo, 2);
    answers(&server, "/orders/dev", &bad);
    let made = pin_orders(&server, &good);
    answers(&server, "/orders/dev", &good);
    let url = server.url();
    confbus_says(&["fleet", "--server", &url], "by anonymous  INC-812");
    let third = limit(&repo, 3);
    answers(&server, "/payments/dev", &third);
    let id = made["id"].as_str().unwrap();
    let released = server.send(&Request::delete(&format!("{PINS}/{id}")));
    assert_eq!(released.status, 204);
    let body = json!({ "application": "orders", "profile": "dev", "commit": good, "reason": "INC-813", "for_seconds": 1 });
    assert_eq!(pin(&server, &body).status, 201);
    let line = server.line_with("still pinned");
    assert!(
        line.contains("INC-813") && line.contains("anonymous"),
        "{line}"
    );

    let entries = eventually("the end of both pins", || {
        let view = server.get("/_/api/history/orders/dev").json();
        let entries = view["entries"].as_array().unwrap().clone();
        expect_that(
            entries.len() >= 4 && entries[0]["pin"]["what"] == "ended",
            &view,
        )
        .map(|()| entries)
    });
    let told = |entry: &Value| {
        let pin = &entry["pin"];
        let (what, why) = (pin["what"].clone(), pin["reason"].clone());
        (entry["commit"].clone(), what, why)
    };
    let expected = [
        (&third, json!("ended"), json!("INC-813")),
        (&good, json!("pinned"), json!("INC-813")),
        (&third, json!("released"), json!("INC-812")),
        (&good, json!("pinned"), json!("INC-812")),
        (&bad, Value::Null, Value::Null),
    ];
    let expected = expected.map(|(commit, what, why)| (json!(commit), what, why));
    let newest: Vec<_> = entries.iter().take(5).map(told).collect();
    assert_eq!(
        newest, expected,
        "the third commit was never given under its own move"
    );

    confbus_says(&["history", "orders/dev", "--server", &url], "let go");
    let page = |path: &str| {
        server
            .send(&Request::get(path).header("Accept", "text/html"))
            .body
    };
    let history = page("/_/apps/orders/dev/history");
    assert!(
        history.contains("anonymous: INC-812") && history.contains("pin ended"),
        "{history}"
    );
    let refresh = entries[3]["refresh"].as_str().unwrap();
    let refresh = page(&format!("/_/refreshes/{refresh}"));
    assert!(refresh.contains("by anonymous: INC-812"), "{refresh}");
}

#[test]
fn addresses_are_counted_that_a_pin_holds_and_not_the_pins() {
    let repo = ConfigRepo::from_sample();
    let good = limit(&repo, 1);
    let server = TestServer::start(&repo).ready();
    for address in ["/orders/dev", "/orders/prod", "/payments/dev"] {
        answers(&server, address, &good);
    }
    let counted = |expected: &str| {
        eventually(&format!("{expected} held"), || {
            let page = server.get("/metrics");
            let line = format!("confbus_held_addresses{{cause=\"pin\"}} {expected}.0\n");
            expect_that(page.body.contains(&line), &page)
        });
    };
    counted("0");
    pin_orders(&server, &good);
    let body = json!({ "application": "nobody", "commit": good, "reason": "INC-812" });
    assert_eq!(pin(&server, &body).status, 201);
    counted("2");
}
