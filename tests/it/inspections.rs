//! What the server shows of an address: its keys with their places, why they have their values, and who runs it. Of secrets it
//! shows fingerprints.

mod generated;

use confbus_protocol::Outcome;
use serde_json::{Value, json};

use crate::support::{Answer, ConfigRepo, Request, TestServer, eventually, expect_that, report};

/// `mysecret` under the pass phrase `foo`.
const CIPHER: &str = "{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda";

/// Sources that cover each other, and secrets of every kind.
const FILES: [(&str, &str); 3] = [
    (
        "shop-prod.yml",
        "pool:\n  max: 40\nservers:\n- a\nurl: http://${db.host}/${unknown:x}\n",
    ),
    (
        "shop.yml",
        "pool:\n  max: 20\nservers:\n- b\n- c\ndb:\n  host: pg\n  password: hunter2\n---\npool:\n  idle: 30s\n",
    ),
    (
        "other.yml",
        "db:\n  password: hunter2\n  pin: 4711\nfrom: amqp://ana:hunter2@host/x\nrefers: is ${db.password}\n",
    ),
];

fn repo() -> ConfigRepo {
    let repo = ConfigRepo::from_sample();
    repo.push("a shop", &FILES);
    let sealed = format!("a: 1\nkept: '{CIPHER}'\nbroken: '{{cipher}}00'\n");
    repo.push("something encrypted", &[("sealed.yml", &sealed)]);
    repo
}

fn start(repo: &ConfigRepo, settings: &[(&str, &str)]) -> TestServer {
    let uri = repo.path().display().to_string();
    let own = [
        ("spring.cloud.config.server.git.uri", &*uri),
        ("encrypt.key", "foo"),
        ("confbus.acceptance.ciphers", "false"),
    ];
    TestServer::with(&[&own[..], settings].concat())
}

fn shown(server: &TestServer, path: &str) -> Value {
    let answer = server.get(&format!("/_/api/{path}"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// What is shown of a key.
fn property(view: &Value, key: &str) -> Value {
    let all = view["properties"].as_array().unwrap().iter();
    let mut found = all.filter(|property| property["key"] == key);
    let property = found.next().unwrap_or_else(|| panic!("no {key} in {view}"));
    assert!(found.next().is_none());
    property.clone()
}

/// `shop.yml:2:8 = 20` of what stands in a file.
fn placed(view: &Value, written: &Value) -> String {
    let source = usize::try_from(written["source"].as_u64().unwrap()).unwrap();
    let file = view["sources"][source]["name"].as_str().unwrap();
    let (line, column) = (&written["line"], &written["column"]);
    format!("{file}:{line}:{column} = {}", written["value"])
}

#[test]
fn every_key_is_shown_with_its_places() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let view = shown(&server, "configurations/shop/prod?label=main");
    assert_eq!(view["schema"], "confbus.configuration/1");
    let address = json!({ "application": "shop", "profiles": ["prod"], "label": "main" });
    assert_eq!(view["address"], address);
    let answer = server.get("/shop/prod/main").json();
    assert_eq!(view["commit"], answer["version"]);
    assert_eq!(view["held"], Value::Null);

    let sources = view["sources"].as_array().unwrap().iter();
    let sources: Vec<_> = sources
        .map(|source| {
            let name = source["file"].as_str().unwrap();
            format!("{name} {} {}", source["document"], source["keys"])
        })
        .collect();
    assert_eq!(
        sources,
        [
            "shop-prod.yml 0 3",
            "application-prod.yml 0 2",
            "shop.yml 1 1",
            "shop.yml 0 5",
            "application.yml 0 6",
        ]
    );

    let max = property(&view, "pool.max");
    assert_eq!(placed(&view, &max), "shop-prod.yml:2:8 = 40");
    assert_eq!(placed(&view, &max["shadowed"][0]), "shop.yml:2:8 = 20");
    assert_eq!(max["shadowed"].as_array().unwrap().len(), 1);
    let idle = property(&view, "pool.idle");
    assert_eq!(placed(&view, &idle), "shop.yml:11:9 = \"30s\"");
    assert_eq!(
        property(&view, "url")["refers_to"],
        json!(["db.host", "unknown"])
    );
    assert_eq!(view["covered"][0]["key"], "servers[1]");
    assert_eq!(view["covered"][0]["covered_by"], 0);
    let covered = &view["covered"][0]["written"][0];
    assert_eq!(placed(&view, covered), "shop.yml:5:3 = \"c\"");
}

#[test]
fn secrets_are_fingerprints_that_outlive_the_server() {
    let repo = repo();
    let server = start(
        &repo,
        &[
            ("spring.cloud.config.server.overrides.forced", CIPHER),
            ("spring.cloud.config.server.overrides.limit", "5"),
        ],
    )
    .ready();
    let of = |server: &TestServer, application: &str, key: &str| {
        let view = shown(server, &format!("configurations/{application}/prod"));
        property(&view, key)["value"].clone()
    };
    let password = of(&server, "shop", "db.password");
    assert_eq!(password["masked"], true);
    assert_eq!(password["fingerprint"].as_str().unwrap().len(), 4);
    assert_eq!(of(&server, "other", "db.password"), password);
    let kept = of(&server, "sealed", "kept");
    assert_eq!(kept["masked"], true);
    assert_eq!(of(&server, "shop", "forced"), kept);
    assert_eq!(of(&server, "shop", "limit"), "5");
    for key in ["db.pin", "from", "refers"] {
        assert_eq!(of(&server, "other", key)["masked"], true, "{key}");
    }

    let place = property(&shown(&server, "configurations/sealed/prod"), "kept");
    assert_eq!((&place["line"], &place["column"]), (&json!(2), &json!(7)));
    for application in ["shop", "other", "sealed"] {
        let address = format!("configurations/{application}/prod");
        let mut texts = vec![server.get(&format!("/_/api/{address}")).body];
        for key in ["db.password", "from", "refers", "kept", "broken", "forced"] {
            let address = format!("/_/api/explanations/{application}/prod?key={key}");
            texts.push(server.get(&address).body);
        }
        for secret in ["hunter2", "mysecret", "682bc583", "4711"] {
            assert!(!texts.iter().any(|text| text.contains(secret)), "{texts:?}");
        }
    }

    let uri = repo.path().display().to_string();
    let settings = [("spring.cloud.config.server.git.uri", &*uri)];
    let server = server.restarted(&settings).ready();
    assert_eq!(of(&server, "shop", "db.password"), password);
}

#[test]
fn a_key_is_explained() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let view = shown(&server, "explanations/shop/prod?key=pool.max");
    assert_eq!(view["schema"], "confbus.explain/1");
    assert_eq!(
        (&view["key"], &view["value"]),
        (&json!("pool.max"), &json!(40))
    );
    let sources = view["sources"].as_array().unwrap().iter();
    let sources: Vec<_> = sources
        .map(|source| {
            let file = source["file"].as_str().unwrap();
            let (line, column) = (&source["line"], &source["column"]);
            format!(
                "{file}:{line}:{column} {} {}",
                source["value"], source["wins"]
            )
        })
        .collect();
    assert_eq!(
        sources,
        ["shop-prod.yml:2:8 40 true", "shop.yml:2:8 20 false"]
    );
    assert_eq!(view["silent"].as_array().unwrap().len(), 3);

    let view = shown(&server, "explanations/shop/prod?key=url");
    assert_eq!(view["resolved"], "http://pg/x");
    assert_eq!(view["refers_to"][0]["winner"]["line"], 7);
    assert_eq!(
        view["refers_to"][1],
        json!({ "key": "unknown", "winner": null })
    );
    let view = shown(&server, "explanations/shop/prod?key=servers%5B1%5D");
    assert_eq!(view["value"], Value::Null);
    assert_eq!(view["covered_by"]["file"], "shop-prod.yml");

    let absent = server.get("/_/api/explanations/shop/prod?key=pool.maxx");
    assert_eq!(absent.status, 404);
    let message = "none of the 13 keys is called that; did you mean `pool.max`?";
    assert_eq!(absent.json()["message"], message);
    assert_eq!(server.get("/_/api/explanations/shop/prod").status, 400);
    for (length, status) in [(256, 404), (257, 400)] {
        let key = "k".repeat(length);
        let answer = server.get(&format!("/_/api/explanations/shop/prod?key={key}"));
        assert_eq!(answer.status, status, "{length}");
    }
    assert_eq!(
        server
            .get("/_/api/explanations/shop/prod/main?key=a")
            .status,
        404
    );
}

#[test]
fn a_key_that_is_made_of_a_secret_is_not_named() {
    let repo = repo();
    let text = "db:\n  pin: 4711\nslot: ${slots.${db.pin}}\nslots.4711: here\nat: ${db.pin}/${slots.4711}\n";
    repo.push("a slot", &[("slots.yml", text)]);
    let server = start(&repo, &[]).ready();
    let names = |key: &str| {
        let view = shown(&server, &format!("explanations/slots/prod?key={key}"));
        let all = view["refers_to"].as_array().unwrap().iter();
        all.map(|one| one["key"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names("slot"), ["db.pin"]);
    assert_eq!(names("at"), ["db.pin", "slots.4711"]);
}

fn applied() -> Outcome {
    Outcome::Applied {
        restart: Vec::new(),
    }
}

#[test]
fn one_sentence_says_how_far_the_fleet_is() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let sentence = |query: &str| shown(&server, &format!("fleet{query}"))["sentence"].clone();
    assert_eq!(sentence(""), "no instance has asked yet");
    let commit = repo.push("a move", &[("shop.yml", "pool.max: 8\n")]);
    server.serves(&commit);
    let short = &commit[..7];
    for number in ["1", "2", "3"] {
        let outcome = match number {
            "3" => Outcome::Rejected {
                reason: "at most 7".into(),
            },
            _ => applied(),
        };
        report(
            &server,
            &format!("shop:prod:8080:{number}"),
            &commit,
            outcome,
        );
    }
    let expected = format!("{short} is live on 2 of 3 instances; 1 rejected it");
    assert_eq!(sentence(""), expected);
    assert_eq!(
        sentence("?application=shop&profile=prod&label=main"),
        expected
    );
    assert_eq!(
        sentence("?application=billing"),
        "no instance has asked yet"
    );
    assert_eq!(sentence("?label=other"), "no instance has asked yet");
    let view = shown(&server, "fleet");
    assert_eq!(view["wanted"], commit);
    assert_eq!(view["totals"]["rejected"], 1);
    let rejected = &view["applications"][0]["instances"][2];
    assert_eq!(rejected["counts_as"], "rejected");
    assert_eq!(rejected["rejection"]["message"], "at most 7");
    let explained = shown(&server, "explanations/shop/prod?key=pool.max");
    assert_eq!(explained["instances"]["live"], 2);

    // What is held is live nowhere.
    let pin = json!({
        "application": "shop", "profile": "prod", "commit": short, "reason": "INC-1", "for_seconds": 60,
    });
    let pin =
        Request::post("/_/api/pins", pin.to_string()).header("Content-Type", "application/json");
    assert_eq!(server.send(&pin).status, 201);
    let next = repo.push("the next", &[("shop.yml", "pool.max: 9\n")]);
    server.serves(&next);
    let next = &next[..7];
    let expected = format!("{next} is live on 0 of 3 instances; 1 rejected it, 2 are held");
    eventually("what is held", || {
        expect_that(sentence("") == expected, sentence(""))
    });
    assert_eq!(shown(&server, "fleet")["applications"][0]["held"], "pinned");
    assert_eq!(
        shown(&server, "configurations/shop/prod")["held"]["because"],
        "pinned"
    );
}

#[test]
fn two_addresses_differ_in_what_applications_get() {
    let repo = repo();
    repo.push("a broken one", &[("bad.yml", "a: [\n")]);
    let server = start(&repo, &[]).ready();
    let before = server.get("/orders/dev").json()["version"].clone();
    let before = before.as_str().unwrap().to_owned();
    report(&server, "shop:prod:8080:1", &before, applied());
    report(&server, "bad:prod:8080:1", &before, applied());
    let after = repo.push(
        "moved",
        &[
            ("shop-prod.yml", "servers:\n- a\nurl: same\nnew: 1\n"),
            (
                "shop.yml",
                "pool:\n  max: 40\n  idle: 30s\ndb:\n  host: pg\n  password: hunter3\n",
            ),
        ],
    );
    server.serves(&after);
    let diffs = |from: &str, to: &str| shown(&server, &format!("diffs?from={from}&to={to}"));
    let short = &before[..7];
    let view = diffs(&format!("shop/prod@{short}"), "shop/prod@main");
    assert_eq!(view["schema"], "confbus.diff/1");
    assert_eq!(view["from"]["commit"], before);
    assert_eq!(view["to"]["commit"], after);
    let changes = view["changes"].as_array().unwrap().iter();
    let changes: Vec<_> = changes
        .map(|change| format!("{} {} {}", change["key"], change["kind"], change["line"]))
        .collect();
    assert_eq!(
        changes,
        [
            "\"db.password\" \"changed\" 6",
            "\"new\" \"added\" 4",
            "\"url\" \"changed\" 3",
        ]
    );
    let password = &view["changes"][0];
    assert_eq!(password["after"]["masked"], true);
    assert_ne!(password["before"], password["after"]);
    assert_eq!(password["was"]["line"], 8);
    assert_eq!(view["blast_radius"][0]["keys"], 3);
    assert_eq!(view["blast_radius"][0]["instances"], 1);
    assert_eq!(view["blast_radius"].as_array().unwrap().len(), 1);
    assert_eq!(view["not_compared"], 1, "nobody knows what is in bad.yml");
    assert!(!view.to_string().contains("hunter"), "{view}");

    let other = diffs("shop/prod", "shop/dev");
    assert_eq!(other["blast_radius"], Value::Null);
    assert_eq!(diffs("shop/prod", "shop/prod@main")["changes"], json!([]));
    let wrong = server.get("/_/api/diffs?from=shop/prod/main&to=shop");
    assert_eq!(wrong.status, 400);
    assert!(
        wrong.body.contains("`from`: there is one `/` too many"),
        "{wrong:?}"
    );
    assert_eq!(server.get("/_/api/diffs?from=shop").status, 400);
}

#[test]
fn history_says_what_was_served_and_how_it_went() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let first = server.get("/orders/dev").json()["version"].clone();
    report(
        &server,
        "shop:prod:8080:1",
        first.as_str().unwrap(),
        applied(),
    );
    let second = repo.push("for the shop", &[("shop.yml", "pool.max: 8\nnew: 1\n")]);
    server.serves(&second);
    report(&server, "shop:prod:8080:1", &second, applied());
    let third = repo.push("for others", &[("orders.yml", "limit: 8\n")]);
    server.serves(&third);
    let view = eventually("both moves and their keys", || {
        let view = shown(&server, "history/shop/prod");
        let is_known = |entry: &Value| entry["keys"].is_u64();
        let entries = view["entries"].as_array().unwrap();
        expect_that(entries.len() == 2 && entries.iter().all(is_known), &view)?;
        Ok(view)
    });
    assert_eq!(view["schema"], "confbus.history/1");
    let (newest, older) = (&view["entries"][0], &view["entries"][1]);
    assert_eq!(
        (&newest["commit"], &newest["keys"]),
        (&json!(third), &json!(0))
    );
    assert_eq!(older["commit"], second);
    let lost = server.get("/_/api/explanations/shop/prod?key=db.host");
    let said = format!("it was last set until {} by Test", &second[..7]);
    assert_eq!(lost.status, 404);
    assert!(lost.body.contains(&said), "{lost:?}");
    assert_eq!(older["before"], first);
    assert!(older["keys"].as_u64().unwrap() > 1, "{older}");
    assert_eq!(
        (&older["instances"], &older["live"]),
        (&json!(1), &json!(1))
    );
    assert!(older["refresh"].as_str().unwrap().starts_with("r-"));
    assert_eq!(
        shown(&server, "history/shop/prod?label=main")["entries"][1],
        *older
    );
    assert_eq!(
        server.get("/_/api/history/shop/prod?label=nothing").status,
        404
    );
}

#[test]
fn a_key_that_another_profile_lost_was_never_ones_own() {
    let repo = repo();
    let debug = "debug.port: 5005\n";
    repo.push("for developers", &[("shop-dev.yml", debug)]);
    let server = start(&repo, &[]).ready();
    // Both ask, so that it is looked at what changes for them.
    for profile in ["dev", "prod"] {
        assert_eq!(server.get(&format!("/shop/{profile}")).status, 200);
    }
    let gone = repo.push("no port any more", &[("shop-dev.yml", "other: 1\n")]);
    server.serves(&gone);
    let lost = |profile: &str| {
        let path = format!("/_/api/explanations/shop/{profile}?key=debug.port");
        let answer = server.get(&path);
        assert_eq!(answer.status, 404, "{answer:?}");
        answer.body
    };
    let said = format!("it was last set until {} by Test", &gone[..7]);
    eventually("what dev has lost", || {
        let told = lost("dev");
        expect_that(told.contains(&said), told)
    });
    let told = lost("prod");
    assert!(!told.contains("last set"), "{told}");
}

#[test]
fn a_commit_says_who_made_it() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let subject = format!("raise \x1b[2J\u{202e}pool {}\n\nA body\n", "x".repeat(300));
    let author = "Ana \u{2066}Petrov";
    let commit = repo.push_by(author, &subject, &[("shop.yml", "pool.max: 8\n")]);
    server.serves(&commit);
    let is_made = |made: &Value| {
        assert_eq!(made["commit"], commit);
        assert_eq!(made["author"], r"Ana \u{2066}Petrov");
        let subject = made["subject"].as_str().unwrap();
        assert!(
            subject.starts_with(r"raise \u{1b}[2J\u{202e}pool xxx"),
            "{subject}"
        );
        assert!(subject.ends_with("x…") && subject.len() < 250, "{subject}");
        assert!(made["authored"].as_str().unwrap().ends_with('Z'), "{made}");
    };
    let paths = [
        "configurations/shop/prod",
        "explanations/shop/prod?key=pool.max",
    ];
    for path in paths {
        is_made(&shown(&server, path)["commits"][0]);
    }
    let entry = || {
        eventually("the move", || {
            let view = shown(&server, "history/shop/prod");
            expect_that(view["entries"][0].is_object(), &view)?;
            Ok(view["entries"][0].clone())
        })
    };
    is_made(&entry());
    let id = entry()["refresh"].as_str().unwrap().to_owned();
    let refresh = shown(&server, &format!("refreshes/{id}"));
    assert_eq!(refresh["labels"][0]["author"], r"Ana \u{2066}Petrov");
    assert!(
        !refresh.to_string().contains("test@example.com"),
        "{refresh}"
    );
}

#[test]
fn a_commit_that_is_not_the_current_one_says_so() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let old = repo.push("old", &[("shop.yml", "pool.max: 1\n")]);
    server.serves(&old);
    let path = format!("configurations/shop/dev?label={old}");
    assert_eq!(shown(&server, &path)["superseded"], Value::Null);
    let mut new = String::new();
    for max in 2..7 {
        new = repo.push("new", &[("shop.yml", &format!("pool.max: {max}\n"))]);
        server.serves(&new);
    }
    let current = json!({ "label": "main", "commit": new });
    let view = shown(&server, &path);
    assert_eq!(
        (&view["superseded"], &view["commit"]),
        (&current, &json!(old))
    );
    assert!(view.to_string().contains(r#""value":1"#), "{view}");
    let explained = format!("explanations/shop/dev?key=pool.max&label={old}");
    assert_eq!(shown(&server, &explained)["superseded"], current);
    for path in ["", "?label=main"] {
        let view = shown(&server, &format!("configurations/shop/dev{path}"));
        assert_eq!(view["superseded"], Value::Null);
    }
}

#[test]
fn what_is_encrypted_anew_is_no_change() {
    let repo = repo();
    let server = start(&repo, &[]).ready();
    let first = server.get("/sealed/prod").json()["version"].clone();
    let first = first.as_str().unwrap();
    let sealed = |cipher: &str| format!("a: 1\nkept: '{cipher}'\n");
    let push = |message: &str, text: &str| {
        let commit = repo.push(message, &[("sealed.yml", text)]);
        server.serves(&commit);
        commit
    };
    let entry = |commit: &str| {
        eventually("the move with its keys", || {
            let view = shown(&server, "history/sealed/prod");
            let newest = view["entries"][0].clone();
            let is_it = newest["commit"] == commit && newest["keys"].is_u64();
            expect_that(is_it, &view).map(|()| newest)
        })
    };
    let plain = Request::post("/encrypt", "mysecret").header("Content-Type", "text/plain");
    let anew = server.send(&plain);
    assert_eq!(anew.status, 200, "{anew:?}");
    let anew = anew.body;
    assert_ne!(format!("{{cipher}}{anew}"), CIPHER);
    report(&server, "sealed:prod:8080:1", first, applied());
    let less = push("one value less", &sealed(CIPHER));
    assert_eq!(entry(&less)["keys"], 1);
    let rotated = push("another key", &sealed(&format!("{{cipher}}{anew}")));
    let newest = entry(&rotated);
    assert_eq!(
        (&newest["keys"], &newest["instances"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn what_may_not_be_read_looks_like_what_is_not_there() {
    let repo = repo();
    let server = start(
        &repo,
        &[
            ("confbus.security.users.root.password", "all-that-there-is"),
            ("confbus.security.users.team.password", "a-part-of-it"),
            ("confbus.security.rules[0].principals", "root"),
            ("confbus.security.rules[0].applications", "*"),
            ("confbus.security.rules[0].allow", "all"),
            ("confbus.security.rules[1].principals", "team"),
            ("confbus.security.rules[1].allow", "fleet"),
            ("confbus.security.rules[2].principals", "team"),
            ("confbus.security.rules[2].applications", "orders"),
            ("confbus.security.rules[2].labels", "main"),
            ("confbus.security.rules[2].allow", "read"),
        ],
    );
    let get = |user: &str, path: &str| -> Answer {
        let password = match user {
            "root" => "all-that-there-is",
            _ => "a-part-of-it",
        };
        let request = Request::get(&format!("/_/api/{path}"));
        server.send(&request.login(user, password))
    };
    let without = |answer: &Answer| {
        let mut body = answer.json();
        body["timestamp"] = Value::Null;
        body["path"] = Value::Null;
        (answer.status, body)
    };
    eventually("an answer", || {
        let answer = get("root", "configurations/shop/prod");
        expect_that(answer.status == 200, answer)
    });
    assert_eq!(get("team", "configurations/orders/dev").status, 200);
    let names = |user: &str| get(user, "names").json()["applications"].clone();
    assert_eq!(names("team"), json!([]));
    assert!(names("root").as_array().unwrap().contains(&json!("shop")));
    let nothing = without(&get("root", "configurations/shop/prod?label=nothing"));
    assert_eq!(nothing.0, 404);
    for path in [
        "configurations/shop/prod",
        "configurations/orders/dev?label=other",
        "explanations/shop/prod?key=pool.max",
        "explanations/shop/prod?key=nothing",
        "configurations/orders,shop/dev",
        "diffs?from=shop/prod&to=orders/dev",
        "diffs?from=orders/dev&to=orders/dev@other",
        "history/shop/prod",
    ] {
        assert_eq!(without(&get("team", path)), nothing, "{path}");
    }
}
