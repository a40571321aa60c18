//! What rules restrict to some applications reaches no further: lists, events, reports and pins. And what the log says of it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::support::{
    Answer, ConfigRepo, Instance, Ran, Request, TestServer, eventually, expect_that,
};

/// May everything.
const ROOT: &str = "root:all-that-there-is";
/// May some of everything, for `orders` under `main` alone.
const TEAM: &str = "team:a-part-of-it";
/// May read `orders` under `main` alone, and see who runs it.
const NARROW: &str = "narrow:one-label-and-no-more";
/// What a client of ours needs, and no more.
const CLIENT: &str = "orders:what-a-client-needs";

fn server(repo: &ConfigRepo) -> TestServer {
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.cloud.bus.enabled", "false"),
        ("confbus.security.users.root.password", "all-that-there-is"),
        ("confbus.security.users.team.password", "a-part-of-it"),
        (
            "confbus.security.users.orders.password",
            "what-a-client-needs",
        ),
        (
            "confbus.security.users.narrow.password",
            "one-label-and-no-more",
        ),
        ("confbus.security.rules[0].principals", "root"),
        ("confbus.security.rules[0].applications", "*"),
        ("confbus.security.rules[0].allow", "all"),
        ("confbus.security.rules[1].principals", "team"),
        ("confbus.security.rules[1].applications", "orders"),
        (
            "confbus.security.rules[1].allow",
            "read,fleet,events,report,refresh",
        ),
        ("confbus.security.rules[2].principals", "team"),
        ("confbus.security.rules[2].applications", "orders"),
        ("confbus.security.rules[2].labels", "main"),
        ("confbus.security.rules[2].allow", "operate"),
        ("confbus.security.rules[3].principals", "orders"),
        ("confbus.security.rules[3].applications", "orders"),
        ("confbus.security.rules[3].allow", "read,report,events"),
        ("confbus.security.rules[4].principals", "narrow"),
        ("confbus.security.rules[4].applications", "orders"),
        ("confbus.security.rules[4].labels", "main"),
        ("confbus.security.rules[4].allow", "read"),
        ("confbus.security.rules[5].principals", "narrow"),
        ("confbus.security.rules[5].applications", "*"),
        ("confbus.security.rules[5].allow", "fleet"),
    ]);
    eventually("an answer", || {
        let answer = get(&server, ROOT, "/orders/dev");
        expect_that(answer.status == 200, answer)
    });
    server
}

fn basic(who: &str) -> String {
    format!("Basic {}", STANDARD.encode(who))
}

fn send(server: &TestServer, who: &str, request: Request) -> Answer {
    server.send(&request.header("Authorization", &basic(who)))
}

fn get(server: &TestServer, who: &str, path: &str) -> Answer {
    send(server, who, Request::get(path))
}

fn post(server: &TestServer, who: &str, path: &str, body: &Value) -> Answer {
    let request = Request::post(path, body.to_string());
    send(
        server,
        who,
        request.header("Content-Type", "application/json"),
    )
}

/// Each of a list of objects, by one of its members.
fn named<'v>(list: &'v Value, name: &str) -> Vec<&'v str> {
    let all = list.as_array().unwrap().iter();
    all.map(|one| one[name].as_str().unwrap()).collect()
}

#[test]
fn lists_hold_what_rules_cover() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    for application in ["orders", "payments"] {
        let id = format!("{application}:dev:8081:ab12");
        let request = Request::get(&format!("/{application}/dev")).header("X-Config-Instance", &id);
        assert_eq!(send(&server, ROOT, request).status, 200);
        assert_eq!(
            get(&server, ROOT, &format!("/{application}/dev")).status,
            200
        );
    }
    let instances =
        |who, query: &str| get(&server, who, &format!("/_/api/instances{query}")).json();
    let seen = instances(ROOT, "");
    assert_eq!(
        named(&seen["instances"], "application"),
        ["orders", "payments"]
    );
    assert_eq!(
        named(&seen["readers"], "application"),
        ["orders", "payments"]
    );
    let seen = instances(TEAM, "");
    assert_eq!(named(&seen["instances"], "application"), ["orders"]);
    assert_eq!(named(&seen["readers"], "application"), ["orders"]);
    assert_eq!(
        instances(TEAM, "?application=payments")["instances"],
        json!([])
    );

    for destination in ["payments", "orders", ""] {
        let path = format!("/actuator/busrefresh/{destination}");
        let path = path.trim_end_matches('/');
        assert_eq!(post(&server, ROOT, path, &json!({})).status, 204);
    }
    let refreshes = |who| get(&server, who, "/_/api/refreshes").json()["refreshes"].clone();
    let all = refreshes(ROOT);
    let of = |destination| {
        let mut each = all.as_array().unwrap().iter();
        let found = each.find(|refresh| refresh["destinations"] == json!([destination]));
        found.unwrap_or_else(|| panic!("no refresh for {destination}: {all}"))
    };
    let (payments, orders, everyone) = (of("payments:**"), of("orders:**"), of("**"));
    let told = |refresh: &Value| named(&refresh["told"], "instance").len();
    assert_eq!((told(payments), told(orders), told(everyone)), (1, 1, 2));
    let team = refreshes(TEAM);
    let ids = named(&team, "id");
    assert!(!ids.contains(&payments["id"].as_str().unwrap()), "{team}");
    assert!(ids.contains(&orders["id"].as_str().unwrap()), "{team}");
    let one = |who, refresh: &Value| {
        let path = format!("/_/api/refreshes/{}", refresh["id"].as_str().unwrap());
        get(&server, who, &path)
    };
    assert_eq!(one(ROOT, payments).status, 200);
    assert_eq!(one(TEAM, payments).status, 404);
    let everyone = one(TEAM, everyone).json();
    assert_eq!(
        named(&everyone["told"], "instance"),
        ["orders:dev:8081:ab12"]
    );
}

#[test]
fn no_branch_is_named_that_somebody_may_not_read() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    repo.push_to("takeover", "nobody knows yet", &[("orders.yml", "a: 1\n")]);
    let labels = |who| get(&server, who, "/_/api/names").json()["labels"].clone();
    eventually("the branch", || {
        let labels = labels(ROOT);
        expect_that(labels == json!(["main", "takeover"]), labels)
    });
    assert_eq!(labels(NARROW), json!(["main"]));
    let url = format!("http://{NARROW}@127.0.0.1:{}", server.port());
    let missing = |label: &str| {
        let address = format!("orders/dev@{label}");
        let ran = Ran::confbus(&["get", &address, "--server", &url]);
        assert_eq!((ran.code, &*ran.stdout), (Some(6), ""), "{ran:?}");
        ran.stderr
    };
    assert!(missing("mian").contains("did you mean `main`?"));
    // It is there, or nearly: both look like what is not.
    for label in ["takeover", "takeovr", "zebra"] {
        assert!(!missing(label).contains("did you mean"), "{label}");
        assert_eq!(missing(label), missing("zebra"));
    }
}

#[test]
fn pins_are_seen_and_released_by_those_whom_rules_cover() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    let server = server(&repo);
    let pin = |who, application: &str| {
        let body = json!({ "application": application, "label": "main", "commit": commit, "reason": "INC-812" });
        let answer = post(&server, who, "/_/api/pins", &body);
        (
            answer.status,
            answer.json()["id"].as_str().map(str::to_owned),
        )
    };
    let (_, payments) = pin(ROOT, "payments");
    assert_eq!(pin(TEAM, "payments").0, 403);
    assert_eq!(pin(TEAM, "orders").0, 201);
    let pins = get(&server, TEAM, "/_/api/pins").json();
    assert_eq!(named(&pins["pins"], "application"), ["orders"]);
    let path = format!("/_/api/pins/{}", payments.unwrap());
    let release = Request::delete(&path);
    assert_eq!(send(&server, TEAM, release.clone()).status, 404);
    eventually("why, in the log", || {
        let lines = server.lines();
        let parts = [
            &path,
            "principal=\"team\"",
            "kind=\"operate\"",
            "status=404",
        ];
        let is_it = |line: &String| parts.iter().all(|part| line.contains(part));
        expect_that(lines.iter().any(is_it), lines)
    });
    assert_eq!(send(&server, ROOT, release).status, 204);
}

#[test]
fn nobody_is_held_at_a_commit_of_a_label_that_rules_do_not_leave_to_it() {
    let repo = ConfigRepo::from_sample();
    let first = repo.push("first", &[("orders.yml", "limit: 1\n")]);
    let server = server(&repo);
    let serves = |commit: &str| {
        eventually(&format!("commit {commit}"), || {
            let answer = get(&server, ROOT, "/orders/dev/main");
            expect_that(answer.json()["version"] == commit, answer)
        });
    };
    serves(&first);
    repo.push_to("secret", "not for all", &[("orders.yml", "limit: 3\n")]);
    serves(&repo.push("second", &[("orders.yml", "limit: 2\n")]));
    let hidden = eventually("the branch", || {
        let answer = get(&server, ROOT, "/orders/dev/secret");
        expect_that(answer.status == 200, &answer)?;
        Ok(answer.json()["version"].as_str().unwrap().to_owned())
    });
    let pin = |who, commit: &str| {
        let body = json!({ "application": "orders", "label": "main", "commit": commit, "reason": "INC-812" });
        post(&server, who, "/_/api/pins", &body)
    };
    let refused = pin(TEAM, &hidden);
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(
        refused.body.contains("has named this commit"),
        "{refused:?}"
    );
    assert_eq!(
        get(&server, ROOT, "/orders/dev/main").json()["label"],
        "main"
    );
    assert_eq!(pin(TEAM, &first).status, 201);
    assert_eq!(pin(ROOT, &hidden).status, 201);
}

/// Notes types and destinations of all events but acks.
fn listen(server: &TestServer, who: &str) -> Arc<Mutex<Vec<String>>> {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let head = format!(
        "GET /confbus/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {}\r\n\r\n",
        basic(who)
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
    lines.find(|line| line == "event: hello").unwrap();
    let heard = Arc::<Mutex<Vec<String>>>::default();
    let noted = Arc::clone(&heard);
    std::thread::spawn(move || {
        let events = lines.filter_map(|line| {
            let event: Value = serde_json::from_str(line.strip_prefix("data: ")?).ok()?;
            let name = event["type"].as_str()?.to_owned();
            let name = name.strip_suffix("RemoteApplicationEvent")?.to_owned();
            Some(format!("{name} {}", event["destinationService"].as_str()?))
        });
        for event in events.filter(|event| !event.starts_with("Ack")) {
            noted.lock().unwrap().push(event);
        }
    });
    heard
}

#[test]
fn events_are_heard_by_those_whom_they_may_concern() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    let (root, team) = (listen(&server, ROOT), listen(&server, TEAM));
    let value = json!({ "name": "a", "value": "b" });
    for (path, body) in [
        ("busrefresh/payments", &json!({})),
        ("busenv/payments", &value),
        ("busenv", &value),
        ("busenv/ord*", &value),
        ("busenv/orders", &value),
        ("busrefresh/ord*", &json!({})),
        ("busrefresh", &json!({})),
    ] {
        let answer = post(&server, ROOT, &format!("/actuator/{path}"), body);
        assert_eq!(answer.status, 204, "{path}");
    }
    for (heard, expected) in [
        (
            &root,
            &[
                "Refresh payments:**",
                "EnvironmentChange payments:**",
                "EnvironmentChange **",
                "EnvironmentChange ord*:**",
                "EnvironmentChange orders:**",
                "Refresh ord*:**",
                "Refresh **",
            ][..],
        ),
        (
            &team,
            &[
                "EnvironmentChange orders:**",
                "Refresh ord*:**",
                "Refresh **",
            ],
        ),
    ] {
        eventually("the last event", || {
            let heard = heard.lock().unwrap().clone();
            let is_last = heard.last().is_some_and(|last| last == "Refresh **");
            expect_that(is_last, heard)
        });
        assert_eq!(*heard.lock().unwrap(), expected);
    }
}

#[test]
fn a_client_needs_rules_for_its_own_application_alone() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    let url = server.url().replace("//", &format!("//{CLIENT}@"));
    let orders = Instance::asking(&url, "orders/dev", 8081, &[]);
    repo.push(
        "a greeting",
        &[("orders-dev.yml", "greeting: from a rule\n")],
    );
    orders.sees("greeting", "from a rule");
    eventually("its report", || {
        let seen = get(&server, TEAM, "/_/api/instances").json();
        expect_that(seen["instances"][0]["evidence"] == "report", seen)
    });
}

fn report(server: &TestServer, who: &str, instance: &str, application: &str) -> u16 {
    let body = json!({
        "instance": instance, "application": application, "profiles": "dev", "outcome": "applied",
    });
    post(server, who, "/confbus/reports", &body).status
}

#[test]
fn who_reports_speaks_for_its_own_instances() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    for (instance, application, expected) in [
        ("orders:dev:8081:ab12", "orders", 204),
        ("payments:dev:8081:ab12", "orders", 403),
        ("orders:dev:8081:ab12", "payments", 403),
    ] {
        let status = report(&server, CLIENT, instance, application);
        assert_eq!(status, expected, "{instance} {application}");
    }
    assert_eq!(
        report(&server, ROOT, "payments:dev:8081:ab12", "orders"),
        204
    );
}

#[test]
fn the_log_says_once_who_was_refused_what_and_why() {
    let repo = ConfigRepo::from_sample();
    let server = server(&repo);
    for _ in 0..5 {
        assert_eq!(
            get(&server, TEAM, "/payments/dev?password=s3cret").status,
            404
        );
    }
    assert_eq!(report(&server, CLIENT, "payments:dev:1:x", "orders"), 403);
    assert_eq!(get(&server, CLIENT, "/_/api/instances").status, 403);
    assert_eq!(server.get("/orders/dev").status, 401);
    let wrong = |number| get(&server, &format!("team:wrong-{number}"), "/orders/prod").status;
    assert_eq!(wrong(0), 401);
    let often = (1..100).find(|number| wrong(*number) == 429);
    assert!(often.is_some());
    for parts in [
        &[
            "principal=\"team\"",
            "kind=\"read\"",
            "wanted=\"payments/dev\"",
            "status=404",
        ][..],
        &[
            "principal=\"orders\"",
            "kind=\"report\"",
            "wanted=\"orders,payments/dev\"",
            "status=403",
        ],
        &[
            "principal=\"orders\"",
            "kind=\"fleet\"",
            "path=\"/_/api/instances\"",
            "status=403",
        ],
        &["path=\"/orders/dev\"", "status=401", "nothing was said"],
        &["path=\"/orders/prod\"", "status=401", "not a good one"],
        &[
            "path=\"/orders/prod\"",
            "status=429",
            "too many wrong passwords",
        ],
    ] {
        let lines = eventually("a line", || {
            let lines = server.lines().into_iter();
            let lines = lines.filter(|line| line.contains("request refused"));
            let lines = lines.filter(|line| parts.iter().all(|part| line.contains(part)));
            let lines: Vec<_> = lines.collect();
            expect_that(
                !lines.is_empty(),
                format!("{parts:?}: {:?}", server.lines()),
            )?;
            Ok(lines)
        });
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].contains("127.0.0.1"), "{lines:?}");
    }
    // The other four of the same, for those who look for more.
    let left_out = || {
        let lines = server.lines().into_iter();
        let lines = lines.filter(|line| line.contains("refusal left out"));
        lines.filter(|line| line.contains("payments/dev")).count()
    };
    assert!(left_out() >= 4, "{:?}", server.lines());
    let told = server.lines().join("\n");
    assert!(
        !told.contains("s3cret") && !told.contains("wrong-"),
        "{told}"
    );
}
