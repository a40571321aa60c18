//! A Vault as a backend: whose token reads what, and what becomes of it.

use serde_json::{Value, json};

use crate::support::{
    Answer, ConfigRepo, Mood, ROOT, Request, Running, TestServer, VaultServer, eventually,
    expect_that,
};

const SERVER: &str = "spring.cloud.config.server";

/// A server whose only backend is this Vault, with these settings below `…vault.`.
fn serve(vault: &VaultServer, settings: &[(&str, &str)]) -> TestServer {
    serve_with(vault, settings, &[])
}

fn serve_with(
    vault: &VaultServer,
    below_vault: &[(&str, &str)],
    more: &[(&str, &str)],
) -> TestServer {
    let mut settings = vec![
        ("spring.profiles.active".to_owned(), "vault".to_owned()),
        (format!("{SERVER}.vault.port"), vault.port()),
    ];
    settings.extend(
        below_vault
            .iter()
            .map(|(key, value)| (format!("{SERVER}.vault.{key}"), (*value).to_owned())),
    );
    settings.extend(
        more.iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned())),
    );
    let settings: Vec<_> = settings
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()))
        .collect();
    TestServer::with(&settings)
}

fn get(server: &TestServer, path: &str, token: &str) -> Answer {
    server.send(&Request::get(path).header("X-Config-Token", token))
}

fn sources(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["propertySources"].clone()
}

fn names(answer: &Answer) -> Vec<String> {
    let sources = sources(answer);
    let sources = sources.as_array().unwrap().iter();
    sources
        .map(|source| source["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn secrets_are_sources_the_last_profile_first() {
    let vault = VaultServer::start();
    vault.keep(
        "secret/orders",
        json!({ "who": "orders", "n": 5, "l": [1, { "k": null }], "b": true }),
    );
    vault.keep("secret/orders,dev", json!({ "who": "dev" }));
    vault.keep("secret/orders,qa", json!({}));
    vault.keep("secret/application", json!({ "who": "shared" }));
    vault.keep("secret/application,qa", json!({ "who": "shared-qa" }));
    let server = serve(&vault, &[]);
    let answer = get(&server, "/orders/dev,qa", ROOT);
    assert_eq!(
        answer.json(),
        json!({
            "name": "orders", "profiles": ["dev,qa"], "label": null, "version": null, "state": null,
            "propertySources": [
                { "name": "vault:application,qa", "source": { "who": "shared-qa" } },
                { "name": "vault:orders,dev", "source": { "who": "dev" } },
                { "name": "vault:orders", "source": { "b": true, "l[0]": 1, "l[1].k": "", "n": 5, "who": "orders" } },
                { "name": "vault:application", "source": { "who": "shared" } },
            ],
        })
    );
    let text = get(&server, "/orders-dev.properties", ROOT).body;
    assert!(text.starts_with("who: dev\nb: true\nn: 5\n"), "{text}");
}

#[test]
fn the_newest_version_is_read_below_its_path_and_namespace() {
    let vault = VaultServer::start();
    vault.keep_version("kv/team", "apps/orders", 3, json!({ "who": "newest" }));
    vault.keep_version("kv/team", "apps/orders,dev", 2, Value::Null);
    let below_path = [
        ("backend", "kv/team"),
        ("kv-version", "2"),
        ("path-to-key", "apps"),
        ("full-key-path", "true"),
    ];
    let server = serve(&vault, &below_path);
    let answer = get(&server, "/orders/dev", ROOT);
    assert_eq!(
        sources(&answer),
        json!([{ "name": "vault:kv/team/orders", "source": { "who": "newest" } }])
    );

    vault.keep_in("team1", "secret/orders", json!({ "who": "namespaced" }));
    let server = serve(&vault, &[("namespace", "team1")]);
    assert_eq!(names(&get(&server, "/orders/dev", ROOT)), ["vault:orders"]);
}

#[test]
fn keys_may_end_in_a_label() {
    let vault = VaultServer::start();
    for key in ["orders-default-main", "orders-dev-main", "orders-dev-v1"] {
        vault.keep(&format!("secret/{key}"), json!({ "key": key }));
    }
    let settings = [
        ("enable-label", "true"),
        ("profile-separator", "-"),
        ("default-key", ""),
    ];
    let server = serve(&vault, &settings);
    let asked = |path: &str| names(&get(&server, path, ROOT));
    assert_eq!(
        asked("/orders/dev"),
        ["vault:orders-dev-main", "vault:orders-default-main"]
    );
    assert_eq!(asked("/orders/dev/v1"), ["vault:orders-dev-v1"]);
    assert_eq!(vault.requests().len(), 4, "an empty default key is none");
}

#[test]
fn each_request_reads_with_its_own_token() {
    let vault = VaultServer::start();
    for application in ["orders", "billing"] {
        vault.keep(
            &format!("secret/{application}"),
            json!({ "who": application }),
        );
        vault.allow(
            &format!("s.of-{application}"),
            &format!("secret/{application}"),
        );
        vault.allow(&format!("s.of-{application}"), "secret/application");
    }
    let server = serve(&vault, &[]);
    std::thread::scope(|scope| {
        for (own, other) in [("orders", "billing"), ("billing", "orders")] {
            let server = &server;
            scope.spawn(move || {
                let token = format!("s.of-{own}");
                for _ in 0..20 {
                    let answer = get(server, &format!("/{own}/default"), &token);
                    assert_eq!(names(&answer), [format!("vault:{own}")]);
                    assert_eq!(
                        get(server, &format!("/{other}/default"), &token).status,
                        500
                    );
                }
            });
        }
    });
    for request in vault.requests() {
        let own = request.token.trim_start_matches("s.of-").to_owned();
        assert!(["orders", "billing"].contains(&own.as_str()), "{request:?}");
    }

    for request in [
        Request::get("/orders/default"),
        Request::get("/orders-default.yml"),
        Request::get("/orders/default").header("X-Config-Token", ""),
    ] {
        let answer = server.send(&request);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.body.contains("X-Config-Token"), "{answer:?}");
    }
    assert_eq!(
        vault.requests(),
        [],
        "nobody asks with a token of somebody else"
    );
    let lines = server.lines().join("\n");
    assert!(!lines.contains("s.of-"), "a token in the log: {lines}");
}

#[test]
fn a_token_of_the_settings_is_used_for_everybody() {
    let vault = VaultServer::start();
    vault.keep("secret/orders", json!({ "who": "orders" }));
    for settings in [
        [("token", ROOT), ("timeout", "5")],
        [("token", ROOT), ("authentication", "TOKEN")],
    ] {
        let server = serve(&vault, &settings);
        assert_eq!(names(&server.get("/orders/default")), ["vault:orders"]);
        assert_eq!(
            names(&get(&server, "/orders/default", "s.other")),
            ["vault:orders"]
        );
        assert!(vault.requests().iter().all(|request| request.token == ROOT));
    }
}

#[test]
fn a_token_of_the_settings_is_kept_alive() {
    let vault = VaultServer::start();
    vault.limit(ROOT, 1);
    vault.answer(Mood::Status(503));
    let mut server = serve(&vault, &[("token", ROOT)]);
    server
        .running()
        .line_with("the vault's token could not be renewed yet");
    vault.requests();
    vault.answer(Mood::Well);
    eventually("two renewals", || {
        let asked = vault.asked();
        let renewals = asked
            .iter()
            .filter(|asked| asked.path.ends_with("renew-self"));
        expect_that(renewals.count() >= 2, &asked)
    });
    assert_eq!(vault.requests()[0].path, "auth/token/lookup-self");
    let lines = server.lines().join("\n");
    assert!(!lines.contains(ROOT), "{lines}");
}

#[test]
fn a_vault_stands_beside_git() {
    let vault = VaultServer::start();
    vault.keep(
        "secret/orders",
        json!({ "who": "vault", "password": "opensesame" }),
    );
    let repo = ConfigRepo::from_sample();
    repo.push(
        "files",
        &[
            ("orders.yml", "who: git\n"),
            ("login.txt", "password=${password}"),
            ("plain.txt", "nothing to fill in"),
        ],
    );
    let uri = repo.path().display().to_string();
    let git = [
        ("spring.profiles.active", "git,vault"),
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.cloud.config.server.overrides.forced", "yes"),
    ];
    let server = serve_with(&vault, &[], &git);
    eventually("Git's answer", || {
        let answer = get(&server, "/orders/default", ROOT);
        expect_that(answer.status == 200, &answer)
    });
    let answer = get(&server, "/orders/default", ROOT);
    let found = names(&answer);
    assert_eq!(found[..2], ["overrides", "vault:orders"], "{found:?}");
    assert!(
        found.len() > 2 && found[2].ends_with("/orders.yml"),
        "{found:?}"
    );
    assert_eq!(answer.json()["version"], Value::Null);

    let file = get(&server, "/orders/default/main/login.txt", ROOT);
    assert_eq!(file.body, "password=opensesame");
    let file = server.get("/orders/default/main/login.txt");
    assert!(
        file.status == 500 && file.body.contains("X-Config-Token"),
        "{file:?}"
    );

    vault.requests();
    let file = server.get("/orders/default/main/plain.txt");
    assert_eq!(file.body, "nothing to fill in");
    assert_eq!(vault.requests(), []);

    let order = [
        git.as_slice(),
        &[("spring.cloud.config.server.git.order", "1")],
    ]
    .concat();
    let server = serve_with(&vault, &[("order", "2")], &order);
    eventually("Git before the vault", || {
        let answer = get(&server, "/orders/default", ROOT);
        let expected = |name: &String| name.ends_with("/orders.yml");
        expect_that(
            answer.status == 200 && names(&answer).get(1).is_some_and(expected),
            &answer,
        )
    });
}

#[test]
fn trouble_is_told_and_never_an_answer() {
    let vault = VaultServer::start();
    vault.keep("secret/orders", json!({ "password": "opensesame" }));
    let server = serve(&vault, &[("timeout", "500ms")]);
    let told = |mood: Mood, token: &str, text: &str| {
        vault.answer(mood);
        for path in ["/orders/dev", "/orders-dev.yml"] {
            let answer = get(&server, path, token);
            assert_eq!(answer.status, 500, "{mood:?}: {answer:?}");
            assert!(answer.body.contains(text), "{mood:?}: {answer:?}");
            assert!(!answer.body.contains("s."), "a token is told: {answer:?}");
        }
    };
    told(
        Mood::Well,
        "s.nobody",
        "does not let this token read `secret/orders,dev` (403)",
    );
    told(Mood::Status(403), ROOT, "does not let this token read");
    told(
        Mood::Status(500),
        ROOT,
        "answered 500 to a read of `secret/orders,dev`",
    );
    told(Mood::Status(503), ROOT, "it is sealed or under maintenance");
    told(Mood::Status(307), ROOT, "redirects are not followed");
    told(Mood::Body("<html>"), ROOT, "it is not JSON");
    told(
        Mood::Body("{\"data\":7}"),
        ROOT,
        "there is no map of values",
    );
    told(Mood::Endlessly, ROOT, "it is larger than 4 MiB");
    told(Mood::Silent, ROOT, "the vault did not answer within 500 ms");
    let lines = server.lines().join("\n");
    assert!(lines.contains("the vault could not be read"), "{lines}");
    assert!(
        !lines.contains("s.nobody") && !lines.contains(ROOT),
        "{lines}"
    );

    let nobody = serve(&vault, &[("host", "127.0.0.1"), ("port", "1")]);
    let answer = get(&nobody, "/orders/dev", ROOT);
    assert_eq!(answer.status, 500);
    assert!(
        answer
            .body
            .contains("cannot be reached: Connection refused"),
        "{answer:?}"
    );
}

#[test]
fn what_is_not_there_is_nothing() {
    let vault = VaultServer::start();
    let server = serve(&vault, &[]);
    assert_eq!(names(&get(&server, "/orders/dev", ROOT)), [""; 0]);
    assert_eq!(get(&server, "/orders/dev/main/file.txt", ROOT).status, 404);
    vault.requests();
    let climbing = get(&server, "/orders,./default", ROOT);
    assert_eq!(names(&climbing), [""; 0]);
    let mut asked: Vec<_> = vault
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    asked.sort();
    assert_eq!(asked, ["secret/application", "secret/orders"]);
    let many: Vec<_> = (0..30).map(|number| format!("p{number}")).collect();
    let answer = get(&server, &format!("/a,b,c,d/{}", many.join(",")), ROOT);
    assert!(
        answer.status == 500 && answer.body.contains("more than 100 keys"),
        "{answer:?}"
    );
    assert_eq!(vault.requests(), []);

    let strict = serve_with(
        &vault,
        &[],
        &[("spring.cloud.config.server.accept-empty", "false")],
    );
    assert_eq!(get(&strict, "/orders/dev", ROOT).status, 404);
    vault.requests();
    let health = strict.get("/actuator/health");
    assert_eq!(
        (health.status, &health.json()["status"]),
        (200, &json!("UP"))
    );
    assert_eq!(vault.requests(), [], "a probe asks nobody");
}

#[test]
fn connections_are_used_again_and_answers_are_bounded() {
    let vault = VaultServer::start();
    vault.keep("secret/orders", json!({ "who": "orders" }));
    let server = serve(&vault, &[]);
    for _ in 0..20 {
        assert_eq!(names(&get(&server, "/orders/dev", ROOT)).len(), 1);
    }
    assert!(
        vault.connections() <= 8,
        "{} connections",
        vault.connections()
    );

    for profile in 0..6 {
        let large = "x".repeat(3 << 20);
        vault.keep(
            &format!("secret/orders,p{profile}"),
            json!({ "large": large }),
        );
    }
    let patient = serve(&vault, &[("timeout", "1m")]);
    let few = get(&patient, "/orders/p0,p1,p2,p3", ROOT);
    assert_eq!(names(&few).len(), 5);
    let many = get(&patient, "/orders/p0,p1,p2,p3,p4,p5", ROOT);
    assert!(
        many.status == 500 && many.body.contains("take more than 16 MiB"),
        "{many:?}"
    );
}

#[test]
fn a_composite_may_have_several_vaults_and_do_without_one() {
    let vault = VaultServer::start();
    vault.keep("one/orders", json!({ "who": "one" }));
    vault.keep_version("two", "orders", 1, json!({ "who": "two" }));
    let port = vault.port();
    let member = |index: usize, key: &str, value: &str| {
        (
            format!("{SERVER}.composite[{index}].{key}"),
            value.to_owned(),
        )
    };
    let settings = |lenient: &str| {
        [
            ("spring.profiles.active".to_owned(), "composite".to_owned()),
            (
                format!("{SERVER}.fail-on-composite-error"),
                lenient.to_owned(),
            ),
            member(0, "type", "vault"),
            member(0, "port", &port),
            member(0, "backend", "one"),
            member(1, "type", "vault"),
            member(1, "port", &port),
            member(1, "backend", "two"),
            member(1, "kvVersion", "2"),
            member(1, "token", ROOT),
            member(1, "order", "0"),
        ]
    };
    let start = |lenient: &str| {
        TestServer::with(
            &settings(lenient)
                .each_ref()
                .map(|(k, v)| (k.as_str(), v.as_str())),
        )
    };
    let strict = start("true");
    let both = sources(&get(&strict, "/orders/default", ROOT));
    assert_eq!(
        both,
        json!([
            { "name": "vault:orders", "source": { "who": "two" } },
            { "name": "vault:orders", "source": { "who": "one" } },
        ])
    );
    assert!(
        !strict.lines().join("\n").contains("is not a setting"),
        "{:?}",
        strict.lines()
    );
    assert_eq!(strict.get("/orders/default").status, 400);
    let lenient = start("false");
    assert_eq!(
        sources(&lenient.get("/orders/default")),
        json!([{ "name": "vault:orders", "source": { "who": "two" } }])
    );
}

#[test]
fn what_cannot_be_done_is_refused_at_the_start() {
    for (settings, told) in [
        (
            &[("authentication", "APPROLE")] as &[_],
            "`APPROLE` is not supported by confbus",
        ),
        (
            &[("authentication", "TOKEN")],
            "there is no `spring.cloud.config.server.vault.token`",
        ),
        (
            &[("token", "two\nlines")],
            "`spring.cloud.config.server.vault.token` is no token",
        ),
        (&[("kv-version", "3")], "is neither 1 nor 2"),
        (&[("host", "vault/x")], "is not the host of a vault"),
        (&[("scheme", "ftp")], "is neither http nor https"),
        (
            &[("timeout", "0")],
            "is not a duration that anything could be done in",
        ),
        (
            &[("ssl.trust-store", "file:x")],
            "`spring.cloud.config.server.vault.ssl.trust-store` is not supported",
        ),
    ] {
        let mut arguments = vec![
            "serve".to_owned(),
            "--spring.profiles.active=vault".to_owned(),
        ];
        let settings = settings.iter();
        arguments.extend(settings.map(|(key, value)| format!("--{SERVER}.vault.{key}={value}")));
        let mut program = Running::confbus(&arguments);
        assert_eq!(program.wait().code(), Some(78), "{told}");
        program.line_with(told);
        program.line_with("--> --spring.cloud.config.server.vault.");
    }
}
