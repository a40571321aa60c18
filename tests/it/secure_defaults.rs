//! What is closed until somebody opens it. docs/DEFAULTS.md names a test for each of them.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    thread,
};

use serde_json::{Value, json};

use crate::support::{
    ConfigRepo, GitDaemon, GitHttp, Issuer, Manner, Post, ROOT, Request, Running, Shows,
    SigningKey, StatusHost, TestServer, TlsFront, VaultServer, eventually, expect_that,
};

const SERVER: &str = "spring.cloud.config.server";
const URI: &str = "spring.cloud.config.server.git.uri";

#[test]
fn every_default_is_shown_by_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("docs/DEFAULTS.md")).unwrap();
    let (table, _) = page.split_once("\n## ").unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let rows = rows.filter(|line| !line.starts_with("| --- ")).skip(1);
    let (mut defaults, mut missing) = (0, Vec::new());
    for row in rows {
        defaults += 1;
        let quoted = row.split('`').skip(1).step_by(2);
        let tests: Vec<_> = quoted.filter_map(|name| name.split_once(".rs::")).collect();
        if tests.is_empty() {
            missing.push(row.to_owned());
        }
        for (file, test) in tests {
            let code = fs::read_to_string(root.join(format!("{file}.rs"))).unwrap_or_default();
            if !is_test(&code, test) {
                missing.push(format!("{file}.rs::{test}"));
            }
        }
    }
    assert!(defaults > 15, "only {defaults}");
    assert!(missing.is_empty(), "no such test: {missing:#?}");
}

/// Whether there is a function of that name with the mark of a test above it.
fn is_test(code: &str, name: &str) -> bool {
    let Some((before, _)) = code.split_once(&format!("fn {name}(")) else {
        return false;
    };
    let marks = before.rsplit("\n\n").next().unwrap_or_default();
    marks.contains("#[test]") || marks.contains("#[tokio::test")
}

#[test]
fn only_its_user_reads_what_a_server_writes() {
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("state");
    let repo = ConfigRepo::from_sample();
    let daemon = GitDaemon::serve(&repo);
    let server = TestServer::careless_in_folder(&base, &[(URI, &daemon.url())]).ready();
    let kinds = ["git", "lock", "served"];
    eventually("files of each kind", || {
        let found = below(&base);
        let is_there = |kind: &&str| {
            found
                .iter()
                .any(|path| path.extension() == Some(kind.as_ref()))
        };
        expect_that(kinds.iter().all(is_there), &found)
    });
    for path in below(&base) {
        // Git's own objects come and go.
        let Ok(found) = fs::symlink_metadata(&path) else {
            continue;
        };
        let mode = found.permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{} has {mode:o}", path.display());
    }
    drop(server);
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            found.extend(below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn a_commit_that_nothing_reaches_is_no_label() {
    let repo = ConfigRepo::from_sample();
    let hidden = repo.commit(
        "hidden",
        "never pushed",
        &[("orders.yml", "greeting: no\n")],
    );
    let pushed = repo.push("pushed", &[("orders.yml", "greeting: yes\n")]);
    let server = TestServer::start(&repo).ready();
    assert_eq!(server.get(&format!("/orders/dev/{pushed}")).status, 200);
    // As Spring answers for a commit that it does not find.
    let unreached = server.get(&format!("/orders/dev/{hidden}"));
    assert_eq!(unreached.status, 500, "{unreached:?}");
    assert!(!unreached.body.contains("propertySources"), "{unreached:?}");
    repo.point("hidden", &hidden);
    eventually("the commit of a branch", || {
        let answer = server.get(&format!("/orders/dev/{hidden}"));
        expect_that(answer.status == 200, &answer)
    });
}

#[test]
fn the_environment_of_the_server_fills_nothing_in() {
    let repo = ConfigRepo::from_sample();
    let text = "of-server: ${CANARY_ENV:nothing}\nhome: ${HOME:nothing}\n";
    repo.push(
        "ask",
        &[("orders.yml", text), ("ask.txt", "${CANARY_ENV:nothing}")],
    );
    let server = TestServer::start(&repo).ready();
    let yaml = server.get("/orders-dev.yml").body;
    assert!(yaml.contains("of-server: nothing"), "{yaml}");
    assert!(yaml.contains("home: nothing"), "{yaml}");
    assert_eq!(server.get("/orders/dev/main/ask.txt").body, "nothing");
    let of_server = server.value("/orders/dev", "of-server");
    assert_eq!(of_server, "${CANARY_ENV:nothing}");
}

/// Whoever asks is led to another address.
fn leads_to(other: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let other = other.to_owned();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut head = [0; 4096];
            let read = stream.read(&mut head).unwrap_or_default();
            let head = String::from_utf8_lossy(&head[..read]).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = format!(
                "HTTP/1.1 302 Found\r\nLocation: {other}{path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            // Whoever asked may be gone.
            _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://ana:s3cret@{address}")
}

#[test]
fn git_is_not_led_to_another_host() {
    let repo = ConfigRepo::from_sample();
    let other = GitHttp::serve(repo.parent(), Manner::Ordinary);
    let first = leads_to(other.url("").trim_end_matches('/'));
    let server = TestServer::with(&[(URI, &format!("{first}/config.git"))]);
    eventually("why nothing is fetched", || {
        let health = server.get("/actuator/health").json();
        let error = &health["components"]["git"]["details"]["error"];
        expect_that(error.is_string(), &health)
    });
    assert_eq!(other.asked(), [""; 0]);
    assert_eq!(server.get("/orders/dev").status, 503);
}

#[test]
fn a_vault_whose_certificate_is_not_good_is_told_no_token() {
    let vault = VaultServer::start();
    let front = TlsFront::before(&format!("http://127.0.0.1:{}", vault.port()));
    let server = TestServer::with_environment(
        &[
            ("spring.profiles.active", "vault"),
            (&format!("{SERVER}.vault.scheme"), "https"),
            (&format!("{SERVER}.vault.host"), "localhost"),
            (&format!("{SERVER}.vault.port"), &front.port().to_string()),
        ],
        &[("SSL_CERT_FILE", &front.authority().display().to_string())],
    );
    let read = || server.send(&Request::get("/orders/dev").header("X-Config-Token", ROOT));
    for shows in [Shows::Expired, Shows::AnotherHost, Shows::SignedByItself] {
        front.show(shows);
        let answer = read();
        assert!(answer.status >= 500, "{shows:?}: {answer:?}");
    }
    assert_eq!(vault.requests().len(), 0);
    front.show(Shows::Good);
    assert_eq!(read().status, 200);
}

#[test]
fn an_issuer_whose_certificate_is_not_good_lets_nobody_in() {
    let (repo, issuer, key) = (
        ConfigRepo::from_sample(),
        Issuer::start(),
        SigningKey::new("one"),
    );
    issuer.publish(&[&key]);
    let front = TlsFront::before(&issuer.url());
    front.show(Shows::SignedByItself);
    let jwt = "spring.security.oauth2.resourceserver.jwt";
    let at_front = format!("https://localhost:{}", front.port());
    let server = TestServer::with_environment(
        &[
            (URI, &repo.path().display().to_string()),
            (&format!("{jwt}.issuer-uri"), &at_front),
            (&format!("{jwt}.jwk-set-uri"), &format!("{at_front}/keys")),
            (&format!("{jwt}.audiences"), "confbus"),
        ],
        &[("SSL_CERT_FILE", &front.authority().display().to_string())],
    );
    let mut claims = issuer.claims("ci");
    claims["iss"] = at_front.as_str().into();
    let login = format!("Bearer {}", key.token(&claims));
    let ask = || {
        let request = Request::get("/orders/dev").header("Authorization", &login);
        server.send(&request)
    };
    let answer = ask();
    assert!(matches!(answer.status, 401 | 503), "{answer:?}");
    server.line_with("UnknownIssuer");
    assert_eq!(issuer.fetches(), 0);
    front.show(Shows::Good);
    eventually("that somebody comes in", || {
        let answer = ask();
        expect_that(answer.status == 200, &answer)
    });
    assert!(issuer.fetches() > 0);
}

#[test]
fn a_status_is_told_to_no_host_whose_certificate_is_not_good() {
    let (repo, host) = (ConfigRepo::from_sample(), StatusHost::start());
    std::os::unix::fs::symlink(".", repo.parent().join("acme")).unwrap();
    let daemon = GitDaemon::serve(&repo);
    let uri = daemon.url().replace("/config.git", "/acme/config.git");
    let front = TlsFront::before(&host.url());
    front.show(Shows::AnotherHost);
    let folder = tempfile::tempdir().unwrap();
    let token = folder.path().join("token");
    fs::write(&token, "s3cret-token").unwrap();
    let server = TestServer::with_environment(
        &[
            (URI, &uri),
            ("confbus.commit-status.kind", "github"),
            (
                "confbus.commit-status.api-url",
                &format!("https://localhost:{}", front.port()),
            ),
            (
                "confbus.commit-status.token-file",
                &token.display().to_string(),
            ),
        ],
        &[("SSL_CERT_FILE", &front.authority().display().to_string())],
    )
    .ready();
    repo.push("break it", &[("orders.yml", "a: [")]);
    server.post("/actuator/busrefresh");
    server.line_with("not valid for name");
    assert_eq!(host.posts().len(), 0);
    front.show(Shows::Good);
    let commit = repo.push("break it again", &[("orders.yml", "b: [")]);
    server.post("/actuator/busrefresh");
    let posts = eventually("a status", || {
        let posts = host.posts();
        let is_of_commit = |post: &Post| post.path.ends_with(&commit);
        expect_that(posts.iter().any(is_of_commit), &posts).map(|()| posts)
    });
    let login = Some("Bearer s3cret-token");
    let of = |post: &Post| post.headers.get("authorization").cloned();
    assert!(posts.iter().all(|post| of(post).as_deref() == login));
}

#[test]
fn what_was_opened_is_named_at_the_start_and_in_health() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let switches = [
        ("confbus.encrypt.decrypt-endpoint", "true"),
        ("confbus.security.mode", "none"),
        ("management.endpoint.health.show-details", "always"),
        ("spring.cloud.config.server.git.skip-ssl-validation", "true"),
        (
            "spring.cloud.config.server.git.strict-host-key-checking",
            "false",
        ),
        (
            "spring.cloud.config.server.monitor.gogs.validation-enabled",
            "false",
        ),
        (
            "spring.cloud.config.server.monitor.validation-filter-enabled",
            "false",
        ),
    ];
    let mut settings = vec![(URI, uri.as_str())];
    let opened = |server: &TestServer| {
        let health = server.get("/actuator/health").json();
        health["components"]["security"]["details"]["opened"].clone()
    };
    assert_eq!(opened(&TestServer::with(&settings).ready()), Value::Null);
    settings.extend(switches);
    let server = TestServer::with(&settings).ready();
    let named = opened(&server);
    let named: Vec<_> = named
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap())
        .collect();
    let mut expected = switches
        .map(|(key, value)| format!("{key}={value}"))
        .to_vec();
    for switch in &expected {
        server.line_with(switch);
    }
    expected.sort();
    let mut found = named.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn whoever_opens_the_checks_of_the_broker_is_told() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    for key in ["validate-server-certificate", "verify-hostname"] {
        let key = format!("spring.rabbitmq.ssl.{key}");
        let server = TestServer::with(&[
            (URI, &uri),
            ("spring.rabbitmq.addresses", "amqps://127.0.0.1:1"),
            (&key, "false"),
        ]);
        server.line_with(&format!("{key}=false"));
        let health = server.ready().get("/actuator/health").json();
        let opened = &health["components"]["security"]["details"]["opened"];
        assert_eq!(opened, &json!([format!("{key}=false")]));
    }
}

#[test]
fn strangers_are_told_how_the_server_is_and_nothing_more() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::with(&[
        (URI, &repo.path().display().to_string()),
        ("spring.security.user.password", "a-l0ng-password"),
    ]);
    eventually("health", || {
        let health = server.get("/actuator/health").json();
        let expected = json!({ "status": "UP", "groups": ["liveness", "readiness"] });
        expect_that(health == expected, &health)
    });
    for part in ["git", "bus", "security", "configServer"] {
        let health = server.get(&format!("/actuator/health/{part}"));
        assert_eq!(health.json(), json!({ "status": "UP" }), "{part}");
    }
    for route in ["/orders/dev", "/actuator/info", "/_/api/instances", "/key"] {
        assert_eq!(server.get(route).status, 401, "{route}");
    }
}

#[test]
fn a_secret_that_is_guessed_stops_a_start_that_faces_a_network() {
    for secret in [
        "encrypt.key=geheim1",
        "spring.security.user.password=guess-1",
    ] {
        let uri = format!("--{URI}=/nowhere");
        let secret = format!("--{secret}");
        let arguments = [
            "serve",
            "--server.address=0.0.0.0",
            "--server.port=0",
            &uri,
            &secret,
        ];
        let mut program = Running::confbus(&arguments.map(str::to_owned));
        assert_eq!(program.wait().code(), Some(78), "{secret}");
        program.line_with("quickly guessed");
    }
}
