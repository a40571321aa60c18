//! Pages for people: whole without a script, for those who may see them, and never more than text of what others wrote.

use std::io::{BufRead as _, BufReader};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use confbus_protocol::{BusId, Outcome, Report};
use serde_json::json;

use crate::support::{Answer, ConfigRepo, Request, TestServer, eventually, expect_that};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
const PAGES: [&str; 15] = [
    "/_/",
    "/_/instances",
    "/_/refreshes",
    "/_/quarantine",
    "/_/delivery",
    "/_/settings",
    "/_/search?q=orders",
    "/_/apps/orders/dev",
    "/_/apps/orders/dev?label=main&show=shadowed&q=s",
    "/_/apps/orders/dev/key?key=shared.owner",
    "/_/apps/orders/dev/history",
    "/_/diff",
    "/_/diff?from=orders/dev&to=orders/prod@main",
    "/_/refresh",
    "/_/pin",
];
const OPERATOR: &str = "root:all-that-there-is";
const TEAM: &str = "team:a-part-of-it";
const CLIENT: &str = "orders:what-a-client-needs";

fn page(path: &str) -> Request {
    Request::get(path).header("Accept", "text/html,*/*;q=0.8")
}

/// A form as a browser sends it that shows this page.
fn form(path: &str, fields: &[(&str, &str)]) -> Request {
    let pairs = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    Request::post(path, pairs)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Accept", "text/html")
        .header("Sec-Fetch-Site", "same-origin")
}

fn by(request: Request, who: &str) -> Request {
    request.header("Authorization", &format!("Basic {}", STANDARD.encode(who)))
}

/// The token of a form, and the cookie that it belongs to.
fn token(form: &Answer) -> (String, String) {
    let token = form.body.split("name=\"token\" value=\"").nth(1).unwrap();
    let cookie = form.header("set-cookie").unwrap();
    (
        token.split('"').next().unwrap().to_owned(),
        cookie.split(';').next().unwrap().to_owned(),
    )
}

fn read(server: &TestServer, application: &str, id: &str) {
    let request = Request::get(&format!("/{application}/dev")).header("X-Config-Instance", id);
    let request = by(request, OPERATOR);
    assert_eq!(server.send(&request).status, 200);
}

fn reject(server: &TestServer, version: &str, reason: &str) {
    let report = Report {
        instance: BusId::new("orders:dev:8081:ab12").unwrap(),
        application: "orders".into(),
        profiles: "dev".into(),
        label: None,
        version: Some(version.into()),
        running: None,
        outcome: Outcome::Rejected {
            reason: reason.into(),
        },
        transport: Some("stream".into()),
        poll_seconds: None,
    };
    let request = Request::post("/confbus/reports", report.to_json());
    assert_eq!(server.send(&request).status, 204);
}

/// A server where everybody has to be known.
fn guarded(repo: &ConfigRepo) -> TestServer {
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
        ("confbus.security.users.watch.password", "how-a-server-is"),
        ("confbus.security.rules[0].principals", "root"),
        ("confbus.security.rules[0].applications", "*"),
        ("confbus.security.rules[0].allow", "all"),
        ("confbus.security.rules[1].principals", "team"),
        ("confbus.security.rules[1].applications", "orders"),
        ("confbus.security.rules[1].allow", "read,fleet"),
        ("confbus.security.rules[2].principals", "orders"),
        ("confbus.security.rules[2].applications", "orders"),
        ("confbus.security.rules[2].allow", "read,report,events"),
        ("confbus.security.rules[3].principals", "watch"),
        ("confbus.security.rules[3].allow", "health"),
    ]);
    eventually("an answer", || {
        let answer = server.send(&by(Request::get("/orders/dev"), OPERATOR));
        expect_that(answer.status == 200, answer)
    });
    server
}

#[test]
fn pages_are_whole_without_a_script_and_load_nothing_from_elsewhere() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let own = regex::Regex::new(r#"(?:href|src|action)="([^"]*)""#).unwrap();
    for path in PAGES {
        let answer = server.send(&page(path));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.header("content-security-policy"), Some(POLICY));
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"));
        assert_eq!(answer.header("content-disposition"), None);
        assert_eq!(answer.body.matches("<h1").count(), 1, "{path}");
        assert_eq!(answer.body.matches("<script").count(), 1, "{path}");
        for inline in ["<style", " style=", " onclick=", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
        for link in own.captures_iter(&answer.body) {
            let is_own =
                link[1].starts_with("/_/") || link[1].starts_with('#') || link[1].is_empty();
            assert!(is_own, "{path} leads to {}", &link[1]);
        }
        if answer.header("set-cookie").is_some() {
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            continue;
        }
        // It is sent again only when something else stands in it.
        let tag = answer.header("etag").unwrap();
        let again = server.send(&page(path).header("If-None-Match", tag));
        assert_eq!((again.status, again.body.len()), (304, 0), "{path}");
    }
    let missing = server.send(&page("/_/nothing/there"));
    assert_eq!(missing.status, 404);
    assert!(missing.body.contains("there is no such page"));
    assert_eq!(missing.header("content-security-policy"), Some(POLICY));
    // Whoever wants JSON is told as everywhere.
    assert_eq!(server.get("/_/nothing").json()["status"], 404);
}

#[test]
fn assets_may_be_kept_for_good() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let overview = server.send(&page("/_/"));
    let asset = regex::Regex::new(r#""(/_/assets/([a-z]+)-[0-9a-f]{16})""#).unwrap();
    let mut kinds = Vec::new();
    for found in asset.captures_iter(&overview.body) {
        let answer = server.get(&found[1]);
        assert_eq!(answer.status, 200, "{}", &found[1]);
        let keeping = answer.header("cache-control").unwrap();
        assert!(keeping.contains("immutable"), "{keeping}");
        kinds.push((
            found[2].to_owned(),
            answer.header("content-type").unwrap().to_owned(),
        ));
    }
    let kinds: Vec<_> = kinds.iter().map(|(kind, of)| (&**kind, &**of)).collect();
    assert_eq!(
        kinds,
        [
            ("style", "text/css;charset=utf-8"),
            ("icon", "image/svg+xml"),
            ("script", "text/javascript;charset=utf-8")
        ]
    );
    assert_eq!(server.get("/_/assets/style-0000000000000000").status, 404);
}

#[test]
fn what_others_write_stays_text_and_values_stay_away() {
    let repo = ConfigRepo::from_sample();
    let secret = "canary-in-a-value-7f31";
    let hostile = "<img src=x onerror=alert(1)>\"'&";
    let files = [
        ("orders.yml", &*format!("password: {secret}\nlimit: 1\n")),
        ("broken.yml", &format!("a: {secret}\n  b: <b>{secret}\n")),
    ];
    let commit = repo.push(hostile, &files);
    let server = TestServer::start(&repo).ready();
    server.serves(&commit);
    let request = Request::get("/%3Cb%3Ex/dev").header("X-Config-Instance", "<b>x:dev:1:<i>");
    server.send(&request);
    reject(&server, &commit, hostile);
    let next = repo.push(
        "next",
        &[("orders.yml", &*format!("password: {secret}2\n"))],
    );
    server.serves(&next);
    reject(&server, &next, hostile);
    let refreshes = eventually("a refresh", || {
        let all = server.get("/_/api/refreshes").json()["refreshes"].clone();
        let id = all[0]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| all.to_string())
    });
    let refresh = format!("/_/refreshes/{refreshes}");
    let mut seen = String::new();
    let others = [
        "/_/instances/orders:dev:8081:ab12",
        &refresh,
        "/_/search?q=%3Cb%3E",
    ];
    for path in PAGES.iter().chain(&others) {
        let answer = server.send(&page(path));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.body.contains(secret), "{path} shows a value");
        for markup in ["<img", "<b>", "<i>", "onerror=alert(1)>"] {
            assert!(!answer.body.contains(markup), "{path} has {markup}");
        }
        seen += &answer.body;
    }
    // All of that was there.
    assert!(seen.contains("onerror=alert(1)&#62;") || seen.contains("onerror=alert(1)&gt;"));
    assert!(seen.contains("broken.yml"), "the broken file is named");
}

#[test]
fn an_application_shows_what_wins_and_what_that_shadows() {
    let repo = ConfigRepo::from_sample();
    let first = repo.push(
        "first",
        &[("orders.yml", "limit: 1\npassword: s3cret-of-many\n")],
    );
    let server = TestServer::start(&repo).ready();
    server.serves(&first);
    let second = repo.push(
        "second",
        &[
            ("orders.yml", "limit: 1\npassword: s3cret-of-many\n"),
            ("orders-dev.yml", "limit: 40\npassword: s3cret-of-dev\n"),
        ],
    );
    server.serves(&second);
    let body = |path: &str| {
        let answer = server.send(&page(path));
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert!(!answer.body.contains("s3cret"), "{path} shows a secret");
        answer.body
    };
    let whole = body("/_/apps/orders/dev?show=shadowed&q=limit");
    assert!(
        whole.contains("A orders-dev.yml:1") && whole.contains("B orders.yml:1"),
        "{whole}"
    );
    assert!(
        whole.contains(&format!("label={second}")),
        "no lasting address: {whole}"
    );
    assert!(!body("/_/apps/orders/dev?q=limit").contains("orders.yml:1"));
    // What was true then goes on being shown.
    let then = body(&format!("/_/apps/orders/dev?label={first}&q=limit"));
    assert!(!then.contains("orders-dev.yml:1"), "{then}");
    let says = format!(">main gives <code>{}</code></a>", &second[..7]);
    assert!(
        then.contains("not the current") && then.contains(&says),
        "{then}"
    );
    assert!(!whole.contains("not the current"), "{whole}");
    let key = body("/_/apps/orders/dev/key?key=limit");
    assert!(key.contains("wins") && key.contains("shadowed"), "{key}");
    let secret = body("/_/apps/orders/dev/key?key=password");
    let fingerprint = regex::Regex::new("#[0-9a-f]{4}<").unwrap();
    let prints: Vec<_> = fingerprint
        .find_iter(&secret)
        .map(|one| one.as_str())
        .collect();
    assert!(
        prints.len() >= 2 && prints.iter().any(|one| *one != prints[0]),
        "{prints:?}"
    );
    let wrong = server.send(&page("/_/apps/orders/dev/key?key=limt"));
    assert_eq!(wrong.status, 404);
    assert!(wrong.body.contains("did you mean `limit`?"), "{wrong:?}");

    let diff = body(&format!(
        "/_/diff?from=orders/dev@{first}&to=orders/dev@{second}"
    ));
    assert!(
        diff.contains("keys differ") && diff.contains(">limit<"),
        "{diff}"
    );
    let history = eventually("both moves", || {
        let history = body("/_/apps/orders/dev/history");
        expect_that(history.contains(&second[..7]), history.clone()).map(|()| history)
    });
    for shown in [&whole, &history] {
        let made = shown.contains("Test, <time") && shown.contains("</time>: second");
        assert!(made, "{shown}");
    }
    assert!(
        history.contains("/_/diff?from=orders%2Fdev%40"),
        "{history}"
    );
}

#[test]
fn what_people_ask_most_is_two_steps_from_the_overview() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    for (address, id) in [
        ("/orders/dev", "orders:dev:8081:ab12"),
        ("/orders/prod/main", "orders:prod:8081:ab13"),
        ("/payments/prod", "payments:prod:8081:ab14"),
    ] {
        let request = Request::get(address).header("X-Config-Instance", id);
        assert_eq!(server.send(&request).status, 200);
    }
    let commit = repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    server.serves(&commit);
    let links = |path: &str| -> Vec<String> {
        let body = server.send(&page(path)).body.replace("&#38;", "&");
        let links = regex::Regex::new("href=\"([^\"]+)\"").unwrap();
        links
            .captures_iter(&body)
            .map(|one| one[1].to_owned())
            .collect()
    };
    let overview = eventually("all of them", || {
        let overview = links("/_/");
        let is_there = overview
            .iter()
            .any(|link| link.starts_with("/_/apps/payments"));
        expect_that(is_there, &overview).map(|()| overview)
    });
    let has = |from: &[String], link: &str| {
        assert!(from.iter().any(|one| one == link), "{link}: {from:?}");
    };
    // What was it like on Tuesday?
    has(&overview, "/_/apps/orders/dev/history");
    let version = format!("/_/apps/orders/dev?label={commit}");
    eventually("the version", || {
        let history = links("/_/apps/orders/dev/history");
        expect_that(history.contains(&version), history)
    });
    // What is it in another profile?
    has(&overview, "/_/apps/orders/dev");
    let application = links("/_/apps/orders/dev");
    has(&application, "/_/diff?from=orders%2Fprod&to=orders%2Fdev");
    assert!(
        !application.iter().any(|link| link.contains("payments")),
        "{application:?}"
    );
}

#[test]
fn everybody_sees_what_rules_let_them() {
    let repo = ConfigRepo::from_sample();
    let server = guarded(&repo);
    read(&server, "orders", "orders:dev:8081:ab12");
    read(&server, "payments", "payments:dev:8081:cd34");
    let stranger = server.send(&page("/_/"));
    assert_eq!(stranger.status, 401);
    let challenge = stranger.header("www-authenticate").unwrap();
    assert!(challenge.starts_with("Basic"), "{challenge}");
    assert_eq!(server.send(&by(page("/_/"), CLIENT)).status, 403);

    let all = server.send(&by(page("/_/"), OPERATOR)).body;
    assert!(all.contains("orders/dev") && all.contains("payments/dev"));
    for path in [
        "/_/",
        "/_/instances",
        "/_/search?q=dev",
        "/_/delivery",
        "/_/quarantine",
        "/_/settings",
    ] {
        let answer = server.send(&by(page(path), TEAM));
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.body.contains("payments"), "{path}: {}", answer.body);
        let uri = repo.path().display().to_string();
        assert!(!answer.body.contains(&uri), "{path} names the repository");
    }
    let one = |who, id: &str| {
        server
            .send(&by(page(&format!("/_/instances/{id}")), who))
            .status
    };
    assert_eq!(one(TEAM, "orders:dev:8081:ab12"), 200);
    assert_eq!(one(TEAM, "payments:dev:8081:cd34"), 404);
    assert_eq!(one(OPERATOR, "payments:dev:8081:cd34"), 200);
    for path in [
        "/_/apps/NAME/dev",
        "/_/apps/NAME/dev/key?key=shared.owner",
        "/_/apps/NAME/dev/history",
        "/_/diff?from=orders/dev&to=NAME/dev",
    ] {
        let of = |name: &str| {
            server
                .send(&by(page(&path.replace("NAME", name)), TEAM))
                .status
        };
        assert_eq!((of("orders"), of("payments")), (200, 404), "{path}");
    }
    for path in ["/_/pin", "/_/refresh"] {
        assert_eq!(server.send(&by(page(path), TEAM)).status, 403, "{path}");
    }
}

#[test]
fn settings_are_shown_with_their_places_and_without_secrets() {
    let repo = ConfigRepo::from_sample();
    let server = guarded(&repo);
    let told = |who| server.send(&by(Request::get("/_/api/settings"), who));
    assert_eq!(told(TEAM).status, 403);
    assert_eq!(told(CLIENT).status, 403);
    // Who knows how a server is may know its settings, and nothing of the fleet.
    let watch = told("watch:how-a-server-is");
    assert_eq!((watch.status, watch.body), (200, told(OPERATOR).body));
    let all = told(OPERATOR).json();
    assert_eq!(all["schema"], "confbus.settings/1");
    let of = |key: &str| {
        let settings = all["settings"].as_array().unwrap();
        let found = settings.iter().find(|setting| setting["key"] == key);
        found.cloned().unwrap_or_else(|| panic!("no {key}: {all}"))
    };
    let bus = of("spring.cloud.bus.enabled");
    assert_eq!(bus["value"], "false");
    assert_eq!(bus["from"], "--spring.cloud.bus.enabled");
    let password = of("confbus.security.users.root.password");
    assert_eq!(password["value"], serde_json::Value::Null);
    let shown = server.send(&by(page("/_/settings"), OPERATOR)).body;
    assert!(shown.contains("spring.cloud.bus.enabled"), "{shown}");
    for text in [shown, all.to_string()] {
        for secret in ["all-that-there-is", "a-part-of-it", "what-a-client-needs"] {
            assert!(!text.contains(secret), "{text}");
        }
    }
    let team = server.send(&by(page("/_/settings"), TEAM)).body;
    assert!(!team.contains("spring.cloud.bus.enabled"), "{team}");
}

#[test]
fn whoever_follows_many_pages_leaves_room_for_others() {
    let repo = ConfigRepo::from_sample();
    let server = guarded(&repo);
    let follow = |who| {
        let request = by(Request::get("/_/api/changes"), who);
        let stream = request.sent(server.port()).unwrap();
        let patience = Some(crate::support::DEADLINE);
        stream.set_read_timeout(patience).unwrap();
        let mut first = String::new();
        BufReader::new(&stream).read_line(&mut first).unwrap();
        (stream, first.split(' ').nth(1).unwrap().to_owned())
    };
    let mut open = Vec::new();
    let refused = loop {
        let (stream, status) = follow(TEAM);
        if status != "200" || open.len() > 64 {
            break status;
        }
        open.push(stream);
    };
    assert_eq!(refused, "429");
    assert!(open.len() >= 8, "{} windows", open.len());
    assert_eq!(follow(OPERATOR).1, "200");
    drop(open);
    eventually("room again", || {
        let status = follow(TEAM).1;
        expect_that(status == "200", status.clone())
    });
}

#[test]
fn a_pin_is_made_and_let_go_by_forms() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    let server = guarded(&repo);
    eventually("the limit", || {
        let answer = server.send(&by(Request::get("/orders/dev"), OPERATOR));
        expect_that(answer.json()["version"] == commit, answer)
    });
    let next = repo.push("another", &[("orders.yml", "limit: 2\n")]);
    eventually("another limit", || {
        let answer = server.send(&by(Request::get("/orders/dev"), OPERATOR));
        expect_that(answer.json()["version"] == next, answer)
    });
    // First which commit, of those that were given before; nothing is signed yet.
    let choice = server
        .send(&by(page("/_/pin?application=orders"), OPERATOR))
        .body;
    assert!(
        choice.contains("value=\"orders\"") && !choice.contains("token"),
        "{choice}"
    );
    let link = format!("/_/pin?application=orders&commit={commit}");
    // In markup, an ampersand is written out.
    assert!(choice.contains(&link.replace('&', "&#38;")), "{choice}");
    // Then what it changes, with the button that does it.
    let asked = server.send(&by(page(&link), OPERATOR));
    for text in ["keys differ", ">limit<", ">2<", ">1<", "name=\"reason\""] {
        assert!(asked.body.contains(text), "{text}: {asked:?}");
    }
    let set = asked.header("set-cookie").unwrap();
    assert!(
        set.contains("HttpOnly") && set.contains("SameSite=Strict"),
        "{set}"
    );
    let (token_of_form, cookie) = token(&asked);
    let wish = |token: &str, commit: &str| {
        let fields = [
            ("token", token),
            ("application", "orders"),
            ("commit", commit),
            ("hours", "2"),
            ("reason", "INC-812"),
        ];
        by(form("/_/pin", &fields), OPERATOR)
    };
    let pins = || {
        let answer = server.send(&by(Request::get("/_/api/pins"), OPERATOR));
        answer.json()["pins"].as_array().unwrap().clone()
    };
    let cookie_of = |request: Request| request.header("Cookie", &cookie);
    for (request, status) in [
        (wish(&token_of_form, &commit), 400),
        (cookie_of(wish("", &commit)), 400),
        (cookie_of(wish(&"0".repeat(64), &commit)), 400),
        (cookie_of(wish(&token_of_form, "beef")), 400),
        (cookie_of(wish(&token_of_form, &"0".repeat(40))), 404),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(answer.body.contains("role=\"alert\""), "{answer:?}");
        // What was filled in is still there.
        assert!(answer.body.contains("value=\"INC-812\""), "{answer:?}");
    }
    let body = "application=orders";
    let of_another_site = Request::post("/_/pin", body)
        .header("Content-Type", "application/x-www-form-urlencoded")
        .header("Sec-Fetch-Site", "cross-site");
    let answer = server.send(&by(of_another_site, OPERATOR));
    assert_eq!(answer.status, 403, "{answer:?}");
    assert_eq!(pins(), Vec::<serde_json::Value>::new());

    let done = server.send(&cookie_of(wish(&token_of_form, &commit)));
    assert_eq!(
        (done.status, done.header("location")),
        (303, Some("/_/")),
        "{done:?}"
    );
    let pin = pins()[0].clone();
    assert_eq!(
        (&pin["by"], &pin["reason"]),
        (&json!("root"), &json!("INC-812"))
    );
    server.line_with("somebody pinned on a page");
    let overview = server.send(&by(page("/_/"), OPERATOR)).body;
    assert!(overview.contains("by root: INC-812"), "{overview}");
    assert!(overview.contains("1 pinned"), "{overview}");
    let held = server.send(&by(page("/_/apps/orders/dev"), OPERATOR)).body;
    assert!(held.contains("by root: INC-812"), "{held}");

    let path = format!("/_/pins/{}/release", pin["id"].as_str().unwrap());
    let asked = server.send(&by(page(&path), OPERATOR));
    assert!(asked.body.contains("INC-812"), "{asked:?}");
    let (token_of_form, cookie) = token(&asked);
    let fields = [("token", &*token_of_form), ("reason", "mended")];
    let request = by(form(&path, &fields), OPERATOR).header("Cookie", &cookie);
    assert_eq!(server.send(&request).status, 303);
    assert_eq!(pins(), Vec::<serde_json::Value>::new());
    server.line_with("somebody let an address go on a page");
}

#[test]
fn a_refresh_is_asked_for_by_a_form_and_by_name() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let (token, cookie) = token(&server.send(&page("/_/refresh")));
    let ask = |name: &str| {
        let fields = [
            ("token", &*token),
            ("to", "orders"),
            ("reason", "test"),
            ("name", name),
        ];
        server.send(&form("/_/refresh", &fields).header("Cookie", &cookie))
    };
    // Nobody has to say who they are here, so they say what they are called.
    assert_eq!(ask("").status, 400);
    let done = ask("Ana");
    assert_eq!(done.header("location"), Some("/_/refreshes"), "{done:?}");
    let line = server.line_with("asked for a refresh on a page");
    assert!(
        line.contains("Ana (not proved)") && line.contains("orders"),
        "{line}"
    );
    eventually("the refresh", || {
        let body = server.send(&page("/_/refreshes")).body;
        expect_that(body.contains("command"), body)
    });
}

#[test]
fn pages_are_told_that_something_changed_and_not_what() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    read(&server, "orders", "orders:dev:8081:ab12");
    let stream = Request::get("/_/api/changes").sent(server.port()).unwrap();
    stream
        .set_read_timeout(Some(crate::support::DEADLINE))
        .unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    let mut number = |event: &str| {
        let name = format!("event: {event}");
        lines.by_ref().find(|line| *line == name).unwrap();
        lines.next().unwrap()
    };
    let first = number("hello");
    assert!(first.starts_with("id: "), "{first}");
    repo.push("a limit", &[("orders.yml", "limit: 1\n")]);
    let next = number("changed");
    assert_ne!(first, next);
    assert!(!next.contains("orders"), "{next}");
    number("beat");
}

#[test]
fn a_thousand_instances_fit_on_a_small_page() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    for index in 0..1000 {
        let application = format!("app-{}", index % 20);
        read(
            &server,
            &application,
            &format!("{application}:dev:8081:{index:04x}"),
        );
    }
    let overview = server.send(&page("/_/"));
    assert!(overview.body.contains("20 addresses, 1000 instances"));
    let assets: usize = regex::Regex::new(r#"/_/assets/[a-z0-9-]+"#)
        .unwrap()
        .find_iter(&overview.body)
        .map(|asset| server.get(asset.as_str()).bytes.len())
        .sum();
    let size = overview.bytes.len();
    assert!(size + assets <= 60_000, "{size} bytes and {assets}");
    let list = server.send(&page("/_/instances?state=served&page=3")).body;
    assert!(list.contains("201 to 300 of 1000"), "{list}");
}

#[test]
fn pages_can_be_switched_off_and_live_where_management_does() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let uri = ("spring.cloud.config.server.git.uri", &*uri);
    let without = TestServer::with(&[uri, ("confbus.ui.enabled", "false")]).ready();
    // What is there in Spring: the configuration of an application with that name.
    assert_eq!(without.get("/_/instances").json()["name"], "_");
    assert!(!without.send(&page("/_/")).body.contains("Overview"));
    assert_eq!(without.get("/_/api/changes").status, 404);
    assert_eq!(without.get("/_/api/instances").status, 200);

    let named = TestServer::with(&[
        uri,
        ("confbus.ui.name", "prod-eu"),
        ("confbus.ui.color", "red"),
    ])
    .ready();
    let overview = named.send(&page("/_/")).body;
    assert!(
        overview.contains("line-red") && overview.contains("prod-eu"),
        "{overview}"
    );

    let apart = TestServer::with(&[uri, ("management.server.port", "0")]).ready();
    assert_eq!(apart.send(&page("/_/")).status, 404);
    let line = apart.line_with("management has a port of its own");
    let port = line.rsplit(':').next().unwrap().trim().parse().unwrap();
    assert_eq!(page("/_/").send(port).unwrap().status, 200);
}
