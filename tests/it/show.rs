//! What the commands show that look: `get`, `explain`, `diff`, `fleet` and `history`.

use confbus_protocol::Outcome;
use serde_json::{Value, json};

use crate::support::{ConfigRepo, Ran, Request, TestServer, eventually, expect_that, report};

const SHOP: &str = "pool:\n  max: 20\nservers:\n- b\n- c\ndb:\n  host: pg\n  password: hunter2\n";
const PROD: &str = "pool:\n  max: 40\nservers:\n- a\nurl: http://${db.host}/x\n";
/// Shows dots and not stars.
const UTF8: (&str, &str) = ("LC_ALL", "C.UTF-8");

struct Shop {
    repo: ConfigRepo,
    server: TestServer,
    url: String,
}

impl Shop {
    fn open() -> Self {
        let repo = ConfigRepo::from_sample();
        repo.push("a shop", &[("shop.yml", SHOP), ("shop-prod.yml", PROD)]);
        let server = TestServer::start(&repo).ready();
        let url = server.url();
        Self { repo, server, url }
    }

    fn version(&self) -> String {
        let version = self.server.get("/orders/dev").json()["version"].clone();
        version.as_str().unwrap().to_owned()
    }

    /// What a command writes that does what was asked for.
    #[track_caller]
    fn shows(&self, arguments: &[&str]) -> String {
        let ran = self.runs(arguments);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert_eq!(ran.stderr, "", "{arguments:?}");
        ran.stdout
    }

    fn runs(&self, arguments: &[&str]) -> Ran {
        let server = ["--server", &self.url];
        let ran = Ran::with(&[arguments, &server].concat(), &[UTF8], "");
        if !arguments.contains(&"--reveal") {
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!all.contains("hunter"), "{all}");
        }
        ran
    }

    #[track_caller]
    fn document(&self, arguments: &[&str], schema: &str) -> Value {
        let text = self.shows(&[arguments, &["--json"]].concat());
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["schema"], schema);
        document
    }

    fn applied(&self, instance: &str, version: &str) {
        let restart = Vec::new();
        report(
            &self.server,
            instance,
            version,
            Outcome::Applied { restart },
        );
    }
}

#[test]
fn get_prints_what_applications_get() {
    let shop = Shop::open();
    assert_eq!(shop.shows(&["get", "shop/prod", "pool.max"]), "40\n");
    assert_eq!(shop.shows(&["get", "shop", "pool.max"]), "20\n");
    assert_eq!(
        shop.shows(&["get", "shop/prod@main", "pool", "--format", "env"]),
        "POOL_MAX=40\n"
    );
    assert_eq!(
        shop.shows(&["get", "shop/prod", "db", "--format=yaml"]),
        "db:\n  host: pg\n  password: ••••••\n"
    );
    let all = shop.shows(&["get", "shop/prod"]);
    for line in [
        "db.password: ******",
        "pool.max: 40",
        "servers[0]: a",
        "url: http://pg/x",
    ] {
        assert!(all.contains(line), "{all}");
    }
    assert!(!all.contains("servers[1]"), "{all}");
    assert_eq!(shop.shows(&["get", "shop/prod", "db.password"]), "••••••\n");
    let revealed = |key: &str| shop.shows(&["get", "shop/prod@main", key, "--reveal"]);
    assert_eq!(revealed("db.password"), "hunter2\n");
    assert_eq!(revealed("url"), "http://pg/x\n");

    let document = shop.document(&["get", "shop/prod", "pool"], "confbus.get/1");
    assert_eq!(document["properties"], json!({ "pool.max": 40 }));
    assert_eq!(document["commit"], shop.version());
    let masked = shop.document(&["get", "shop/prod", "db.password"], "confbus.get/1");
    assert_eq!(masked["properties"]["db.password"]["masked"], true);

    for (arguments, code, said) in [
        (
            &["get", "shop/prod", "pool.maxx"][..],
            6,
            "did you mean `pool.max`?",
        ),
        (&["get", "shop/prod@nothing"], 6, "answered 404"),
        (&["get", "shopp/prod"], 6, "did you mean `shop`?"),
        (&["get", "shop/prod@mian"], 6, "did you mean `main`?"),
        (&["get", "shop/prod/main"], 2, "one `/` too many"),
        (&["get", "shop/"], 2, "the profile is empty"),
    ] {
        let ran = shop.runs(arguments);
        assert_eq!(ran.code, Some(code), "{ran:?}");
        assert!(ran.stderr.contains(said), "{ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn explain_names_the_winner_and_what_it_shadows() {
    let shop = Shop::open();
    shop.applied("shop:prod:8080:1", &shop.version());
    let version = shop.version();
    let short = &version[..7];
    let explained = shop.shows(&["explain", "shop/prod", "pool.max"]);
    let mut lines: Vec<_> = explained.split('\n').collect();
    let made = lines.remove(1);
    let is_made = made.starts_with(&format!("{short}  Test, 20")) && made.ends_with("Z  a shop");
    assert!(is_made, "{made}");
    assert_eq!(
        lines.join("\n"),
        format!(
            "pool.max = 40    shop/prod at {short}\n\n  >  40  shop-prod.yml:2:8\n     20  shop.yml:2:8\n     -   application-prod.yml  does not set it\n     -   application.yml  does not set it\n\n{short} is live on 1 of 1 instance\n"
        )
    );
    let url = shop.shows(&["explain", "shop/prod", "url"]);
    assert!(
        url.contains("${db.host}  pg  shop.yml:7:9\ncomes to http://pg/x"),
        "{url}"
    );
    let covered = shop.shows(&["explain", "shop/prod", "servers[1]"]);
    assert!(
        covered.starts_with("servers[1] is in no list of shop-prod.yml"),
        "{covered}"
    );
    let next = shop
        .repo
        .push("next", &[("shop-prod.yml", "pool.max: 41\n")]);
    shop.server.serves(&next);
    let old = format!("shop/prod@{short}");
    let old = shop.shows(&["explain", &old, "pool.max"]);
    let current = format!("not the current configuration: main gives {}", &next[..7]);
    assert_eq!(old.lines().nth(1), Some(&*current), "{old}");
    let secret = shop.shows(&["explain", "shop/prod", "db.password"]);
    assert!(secret.contains("= ••••••"), "{secret}");
    shop.document(&["explain", "shop/prod", "pool.max"], "confbus.explain/1");
    let absent = shop.runs(&["explain", "shop/prod", "pool.mx"]);
    assert_eq!(absent.code, Some(6));
    assert!(
        absent.stderr.contains("did you mean `pool.max`?"),
        "{absent:?}"
    );
}

#[test]
fn diff_says_what_is_different_and_for_whom() {
    let shop = Shop::open();
    let before = shop.version();
    shop.applied("shop:prod:8080:1", &before);
    let after = shop.repo.push(
        "another",
        &[(
            "shop.yml",
            &SHOP.replace("hunter2", "hunter3").replace("host", "port"),
        )],
    );
    shop.server.serves(&after);
    let from = format!("shop/prod@{}", &before[..7]);
    let shown = shop.shows(&["diff", &from, "shop/prod"]);
    let expected = format!(
        "{from} ({}) -> shop/prod ({})    4 of 13 keys\n\n-  db.host      pg                                  was shop.yml:7:9\n~  db.password  •••••• -> ••••••                    shop.yml:8:13\n+  db.port      pg                                  shop.yml:7:9\n~  url          http://pg/x -> http://${{db.host}}/x  shop-prod.yml:5:6  through ${{db.host}}\n\nblast radius   shop/prod 4 keys, 1 instance\n",
        &before[..7],
        &after[..7],
    );
    assert_eq!(shown, expected);
    let same = ["diff", "shop/prod", "shop/prod@main", "--exit-code"];
    assert_eq!(shop.runs(&same).code, Some(0));
    let differ = ["diff", &from, "shop/prod", "--exit-code"];
    assert_eq!(shop.runs(&differ).code, Some(1));
    shop.document(&["diff", &from, "shop/prod"], "confbus.diff/1");
}

#[test]
fn diff_says_whom_it_leaves_out() {
    let shop = Shop::open();
    let before = shop.version();
    let branch = [("shop.yml", "pool.max: 1\n")];
    shop.repo.push_to("release/2.0", "a release", &branch);
    let after = shop.repo.push("more", &[("shop.yml", "pool.max: 2\n")]);
    shop.server.serves(&after);
    let report = json!({
        "instance": "shop:prod:8080:1", "application": "shop", "profiles": "prod", "label": "release/2.0",
        "version": before, "running": before, "outcome": "applied",
    });
    let report = Request::post("/confbus/reports", report.to_string());
    assert_eq!(shop.server.send(&report).status, 204);
    let from = format!("shop/prod@{}", &before[..7]);
    let line = "elsewhere      1 instance at another label: release/2.0";
    eventually("the instance elsewhere", || {
        let shown = shop.shows(&["diff", &from, "shop/prod"]);
        expect_that(shown.lines().any(|one| one == line), shown)
    });
    let all = ["diff", &from, "shop/prod"];
    assert_eq!(shop.document(&all, "confbus.diff/1")["not_compared"], 0);
}

#[test]
fn fleet_says_who_runs_what_and_waits() {
    let shop = Shop::open();
    assert_eq!(shop.shows(&["fleet"]), "no instance has asked yet\n");
    let nobody = shop.runs(&["fleet", "shop", "--wait", "--timeout=1s"]);
    assert_eq!(nobody.code, Some(5), "{nobody:?}");
    let version = shop.version();
    shop.applied("shop:prod:8080:1", &version);
    // Without a profile it is all of them.
    for part in ["shop", "shop@main"] {
        let shown = shop.shows(&["fleet", part]);
        assert!(shown.contains("\nshop/prod  1 "), "{shown}");
    }
    let other = shop.shows(&["fleet", "shop/default"]);
    assert!(!other.contains("shop/prod"), "{other}");
    let shown = shop.shows(&["fleet", "shop/prod", "--wait"]);
    let sentence = format!("{} is live on 1 of 1 instance\n", &version[..7]);
    assert!(shown.starts_with(&sentence), "{shown}");
    assert!(shown.contains("\nshop/prod  1          1     -"), "{shown}");
    shop.document(&["fleet"], "confbus.fleet/1");

    let next = shop.repo.push("next", &[("shop.yml", "pool.max: 1\n")]);
    shop.server.serves(&next);
    let late = shop.runs(&["fleet", "--wait", "--timeout=1s"]);
    assert_eq!(late.code, Some(5), "{late:?}");
    assert!(
        late.stdout.contains("shop:prod:8080:1  waiting  runs"),
        "{late:?}"
    );
    let reason = "at least 2".to_owned();
    report(
        &shop.server,
        "shop:prod:8080:1",
        &next,
        Outcome::Rejected { reason },
    );
    let rejected = shop.runs(&["fleet", "--wait"]);
    assert_eq!(rejected.code, Some(1), "{rejected:?}");
    assert!(rejected.stdout.contains("1 rejected it"), "{rejected:?}");
    assert!(rejected.stdout.contains("at least 2"), "{rejected:?}");
}

#[test]
fn a_folder_answers_without_a_server() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop.yml"), SHOP).unwrap();
    std::fs::write(folder.path().join("shop-prod.yml"), PROD).unwrap();
    // What is configured here is for servers.
    let elsewhere = (
        "SPRING_CLOUD_CONFIG_SERVER_GIT_URI",
        "http://127.0.0.1:1/x.git",
    );
    let plain = folder.path().display().to_string();
    let repo = ConfigRepo::from_sample();
    repo.push("a shop", &[("shop.yml", SHOP), ("shop-prod.yml", PROD)]);
    let bare = repo.path().display().to_string();
    for directory in [&plain, &bare] {
        let repo = ["--repo", directory];
        let runs = |arguments: &[&str]| {
            let ran = Ran::with(&[arguments, &repo].concat(), &[UTF8, elsewhere], "");
            assert_eq!(ran.code, Some(0), "{ran:?}");
            assert_eq!(ran.stderr, "");
            ran.stdout
        };
        assert_eq!(runs(&["get", "shop/prod", "pool.max"]), "40\n");
        assert_eq!(
            runs(&["get", "shop/prod", "db.password", "--reveal"]),
            "hunter2\n"
        );
        let explained = runs(&["explain", "shop/prod", "pool.max"]);
        assert!(
            explained.contains(">  40  shop-prod.yml:2:8\n     20  shop.yml:2:8\n"),
            "{explained}"
        );
        let diff = runs(&["diff", "shop", "shop/prod"]);
        let mut lines = diff.lines().filter(|line| line.starts_with("~  pool.max "));
        assert!(lines.any(|line| line.contains("20 -> 40")), "{diff}");
    }
    let nowhere = Ran::confbus(&["get", "shop", "--repo", "/no/such/folder"]);
    assert_eq!(nowhere.code, Some(3), "{nowhere:?}");
}

#[test]
fn history_says_what_was_served() {
    let shop = Shop::open();
    let empty = shop.shows(&["history", "shop/prod"]);
    assert_eq!(empty, "no move of this label is remembered\n");
    shop.applied("shop:prod:8080:1", &shop.version());
    let next = shop.repo.push("next", &[("shop.yml", "pool.max: 1\n")]);
    shop.server.serves(&next);
    // The host and the password. The second server, which a list covers, only those saw who ask for single keys.
    eventually("the move with its keys", || {
        let shown = shop.shows(&["history", "shop/prod", "-n", "1"]);
        let row = shown.lines().nth(1).unwrap_or_default().to_owned();
        let is_known = row.contains(&format!("{}  2 ", &next[..7]));
        expect_that(is_known, shown)
    });
    let shown = shop.shows(&["history", "shop/prod"]);
    assert!(shown.contains("Test  next"), "{shown}");
    shop.document(&["history", "shop/prod"], "confbus.history/1");
}

#[test]
fn the_next_server_is_asked_when_one_does_not_answer() {
    let shop = Shop::open();
    let servers = format!("http://127.0.0.1:1,{}", shop.url);
    for arguments in [
        &["fleet"][..],
        &["history", "shop/prod"],
        &["get", "shop/prod", "pool.max"],
    ] {
        let all = [arguments, &["--server", &servers]].concat();
        let ran = Ran::with(&all, &[UTF8], "");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let said = format!("{} answered; no answer from http://127.0.0.1:1\n", shop.url);
        assert_eq!(ran.stderr, said, "{arguments:?}");
    }
    let ran = Ran::confbus(&["fleet", "--server", "http://127.0.0.1:1,http://127.0.0.1:2"]);
    assert_eq!((ran.code, &*ran.stdout), (Some(3), ""), "{ran:?}");
}

#[test]
fn what_is_there_is_shown_of_lists_and_of_applications_without_a_file() {
    let shop = Shop::open();
    let diff = shop.shows(&["diff", "shop,orders/prod", "shop-new/prod"]);
    assert!(diff.starts_with("shop,orders/prod ("), "{diff}");
    for address in ["shop,orders", "shop-new"] {
        let shown = shop.shows(&["history", address]);
        assert_eq!(shown, "no move of this label is remembered\n", "{address}");
    }
}

#[test]
fn a_misspelt_application_is_not_one_without_history() {
    let shop = Shop::open();
    for arguments in [
        &["history", "shpo"][..],
        &["diff", "shop/prod", "shpo/prod"],
        &["explain", "shpo/prod", "limit"],
        &["get", "shpo/prod", "--reveal"],
        &["fleet", "shpo"],
        &["fleet", "shpo/prod", "--json"],
    ] {
        let ran = shop.runs(arguments);
        assert_eq!((ran.code, &*ran.stdout), (Some(6), ""), "{ran:?}");
        assert!(ran.stderr.contains("did you mean `shop`?"), "{ran:?}");
    }
}

#[test]
fn a_misspelt_label_is_like_a_branch_that_nobody_has_asked_for() {
    let shop = Shop::open();
    shop.repo
        .push_to("release/2.0", "a release", &[("shop.yml", SHOP)]);
    eventually("the branch", || {
        let names = shop.server.get("/_/api/names").json();
        let labels = names["labels"].as_array().unwrap();
        expect_that(labels.contains(&json!("release/2.0")), &names)
    });
    let wrong = "shop/prod@relase/2.0";
    for arguments in [
        &["get", wrong][..],
        &["get", wrong, "--reveal"],
        &["explain", wrong, "pool.max"],
        &["history", wrong],
        &["diff", "shop/prod", wrong],
        &["diff", wrong, "shop/prod"],
        &["fleet", wrong],
    ] {
        let ran = shop.runs(arguments);
        assert_eq!((ran.code, &*ran.stdout), (Some(6), ""), "{ran:?}");
        let said = "did you mean `release/2.0`?";
        assert!(ran.stderr.contains(said), "{ran:?}");
    }
    assert_eq!(shop.shows(&["get", "shop@release/2.0", "pool.max"]), "20\n");
}

/// A row without the room between its columns.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn diff_follows_placeholders() {
    let shop = Shop::open();
    let files = |host: &str, password: &str, name: &str| {
        let shared = SHOP.replace("pg", host).replace("hunter2", password);
        let own = "url: http://${db.host}/x\nlogin: ${db.password}@${url}\nsame: ${port:1}\n";
        let commit = shop.repo.push(
            "a step",
            &[
                ("shop.yml", &shared),
                ("shop-prod.yml", &format!("{own}name: {name}\n")),
            ],
        );
        shop.server.serves(&commit);
        commit
    };
    let before = files("pg", "hunter2", "${db.host}");
    shop.applied("shop:prod:8080:1", &before);
    let after = files("db", "hunter3", "db");
    let [from, to] = [&before, &after].map(|commit| format!("shop/prod@{}", &commit[..7]));
    let shown = shop.shows(&["diff", &from, &to]);
    let lines: Vec<_> = shown.lines().skip(2).take(5).map(squeezed).collect();
    assert_eq!(
        lines,
        [
            "~ db.host pg -> db shop.yml:7:9",
            "~ db.password •••••• -> •••••• shop.yml:8:13",
            "~ login •••••• -> •••••• shop-prod.yml:2:8 through ${db.password}, ${db.host}",
            "~ name ${db.host} -> db shop-prod.yml:4:7",
            "~ url http://pg/x -> http://db/x shop-prod.yml:1:6 through ${db.host}",
        ],
        "{shown}"
    );
    assert!(shown.contains("shop/prod 5 keys, 1 instance"), "{shown}");
    let document = shop.document(&["diff", &from, &to], "confbus.diff/1");
    let change = |key: &str| {
        let mut changes = document["changes"].as_array().unwrap().iter();
        changes.find(|change| change["key"] == key).unwrap()
    };
    let url = change("url");
    assert_eq!(url["before"], "http://${db.host}/x");
    assert_eq!(url["before"], url["after"]);
    let expected = json!({ "before": "http://pg/x", "after": "http://db/x" });
    assert_eq!(
        (&url["comes_to"], &url["through"]),
        (&expected, &json!(["db.host"]))
    );
    let login = &change("login")["comes_to"];
    assert_eq!(login["before"]["masked"], true);
    assert_ne!(login["before"], login["after"]);
    assert_eq!(change("db.host")["comes_to"], Value::Null);
    let page = shop.server.get(&format!("/_/diff?from={from}&to={to}"));
    for text in ["http://db/x", "shop-prod.yml:1 through db.host"] {
        assert!(page.body.contains(text), "{page:?}");
    }
    assert!(!page.body.contains("hunter"), "{page:?}");
}

#[test]
fn what_is_written_otherwise_and_comes_to_the_same_says_so() {
    let shop = Shop::open();
    let before = shop.version();
    let own = PROD.replace("${db.host}", "pg");
    let after = shop.repo.push("by hand", &[("shop-prod.yml", &own)]);
    shop.server.serves(&after);
    let from = format!("shop/prod@{}", &before[..7]);
    let shown = shop.shows(&["diff", &from, "shop/prod"]);
    let line =
        "~  url  http://${db.host}/x -> http://pg/x  shop-prod.yml:5:6  both come to http://pg/x";
    assert!(shown.contains(line), "{shown}");
}

#[test]
fn a_side_that_is_held_says_so() {
    let shop = Shop::open();
    let good = shop.version();
    shop.repo
        .push_to("other", "another label", &[("shop.yml", "pool.max: 1\n")]);
    shop.runs(&["pin", &format!("shop@{}", &good[..7]), "--reason", "INC-1"]);
    let next = shop.repo.push("next", &[("shop.yml", "pool.max: 2\n")]);
    shop.server.serves(&next);
    let [good, next] = [&good, &next].map(|commit| &commit[..7]);
    let shown = eventually("the other label", || {
        let ran = shop.runs(&["diff", "shop/prod", "shop/prod@other"]);
        expect_that(ran.code == Some(0), &ran).map(|()| ran.stdout)
    });
    assert!(shown.contains("    0 of "), "{shown}");
    let line = format!("shop/prod is held at {good} while its label names {next}: pinned");
    assert_eq!(shown.lines().nth(1), Some(&*line), "{shown}");
    let other = format!("shop/prod@other is held at {good} while its label names ");
    assert!(shown.lines().nth(2).unwrap().starts_with(&other), "{shown}");
    let explained = shop.shows(&["explain", "shop/prod", "pool.max"]);
    let line = format!("is held at {good} while its label names {next}: pinned");
    assert_eq!(explained.lines().nth(1), Some(&*line), "{explained}");
    let page = shop.server.get("/_/diff?from=shop/prod&to=shop/prod@other");
    let held = format!("shop/prod: {next} is what the label names, and is held back: pinned");
    assert!(page.body.contains(&held), "{page:?}");
}
