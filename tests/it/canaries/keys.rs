//! Keys of every kind, and what opens them.

use std::{fs, panic, path::Path};

use confbus::{Settings, Sources};

use super::SERVER;
use crate::support::{
    Authority, ConfigRepo, Issuer, Request, Secrets, SigningKey, TestServer, eventually,
    expect_that,
};

const PEM: &str = include_str!("../../keys/rsa.pem");
/// What opens the stores among the keys of the tests.
const STORE: &str = "storepass";
const ONE: &str = "one-secret";

fn key_file(name: &str) -> String {
    format!("{}/tests/keys/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A line of a key says as much as all of it.
fn with_lines(secrets: Secrets, pem: &str) -> Secrets {
    let lines = pem.lines().filter(|line| !line.starts_with("---"));
    lines.fold(secrets, Secrets::and)
}

/// Settings beside the repository's.
type Said<'s> = Vec<(&'s str, String)>;

fn said<'s>(settings: &[(&'s str, &str)]) -> Said<'s> {
    let settings = settings.iter();
    settings
        .map(|(key, value)| (*key, (*value).to_owned()))
        .collect()
}

/// Every way to have keys and to be asked for proofs, in servers of their own where one setting excludes the other.
fn ways(authority: &Authority, issuer: &Issuer) -> Vec<Said<'static>> {
    let hash = confbus::hash_token("canary-of-a-token").unwrap();
    let mut asked = said(&[
        ("spring.security.user.password", "canary-of-the-user"),
        (
            "confbus.security.users.jo.password",
            "canary-of-another-user",
        ),
        ("confbus.security.tokens.ci.hash", &hash),
        (
            "confbus.monitor.previous-secrets.github",
            "canary-of-yesterday",
        ),
        ("encrypt.key", PEM),
    ]);
    asked.push((
        "spring.security.oauth2.resourceserver.jwt.issuer-uri",
        issuer.url(),
    ));
    asked.push((
        "spring.security.oauth2.resourceserver.jwt.audiences",
        "confbus".to_owned(),
    ));
    let jks = said(&[
        (
            "encrypt.key-store.location",
            &format!("file:{}", key_file("server.jks")),
        ),
        ("encrypt.key-store.password", STORE),
        ("encrypt.key-store.alias", "one"),
        ("encrypt.key-store.secret", ONE),
    ]);
    let mut tls = authority.settings();
    tls.push(("encrypt.key", "canary-of-the-encryption".to_owned()));
    let store = said(&[
        ("server.ssl.key-store", &key_file("server.p12")),
        ("server.ssl.key-store-password", STORE),
    ]);
    vec![asked, jks, tls, store]
}

fn start(repo: &ConfigRepo, settings: &Said<'_>) -> TestServer {
    let uri = repo.path().display().to_string();
    let mut all = vec![
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        ("spring.application.name", "config"),
        ("management.endpoint.health.show-details", "always"),
    ];
    all.extend(settings.iter().map(|(key, value)| (*key, value.as_str())));
    TestServer::with_environment(&all, &[("RUST_LOG", "trace")])
}

#[test]
fn no_key_and_no_proof_is_told() {
    let repo = ConfigRepo::from_sample();
    let undecryptable = "db:\n  password: '{cipher}c4aa17c4aa17c4aa17'\n";
    repo.push("a cipher", &[("orders-dev.yml", undecryptable)]);
    let (authority, issuer) = (Authority::new(), Issuer::start());
    let key = SigningKey::new("one");
    issuer.publish(&[&key]);
    let jwt = key.token(&issuer.claims("orders"));
    let bearers = [&jwt, "ci.canary-of-nobody", "canary-of-a-token"];
    let own_key = fs::read_to_string(authority.path("server.key")).unwrap();

    for settings in ways(&authority, &issuer) {
        let mut server = start(&repo, &settings);
        let given = server.running().secrets().clone();
        let secrets = bearers
            .iter()
            .fold(given, |secrets, bearer| secrets.and(bearer));
        let secrets = with_lines(with_lines(secrets, PEM), &own_key).and("c4aa17c4aa17c4aa17");
        let is_tls = settings
            .iter()
            .any(|(key, _)| key.starts_with("server.ssl"));
        for path in [
            "/orders/dev",
            "/actuator/health",
            "/encrypt/status",
            "/_/api/instances",
        ] {
            if is_tls {
                // What it says to those who do not speak it.
                _ = Request::get(path).send(server.port());
                _ = authority.client(server.port()).get(path);
                continue;
            }
            let answers = bearers.iter().map(|bearer| {
                let bearer = format!("Bearer {bearer}");
                server.send(&Request::get(path).header("Authorization", &bearer))
            });
            for answer in answers {
                let told = secrets.told_in(&format!("{answer:?}"));
                assert_eq!(told, None, "{path}: {answer:?}");
            }
        }
        for line in server.lines() {
            assert_eq!(secrets.told_in(&line), None, "{line}");
        }
    }
}

/// The key is offered to a host that takes the connection and says nothing, and to none at all.
#[test]
fn a_key_for_ssh_is_not_told() {
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for port in [deaf.local_addr().unwrap().port(), 1] {
        let uri = format!("ssh://git@127.0.0.1:{port}/x.git");
        let key = format!("{SERVER}.git.private-key");
        let passphrase = format!("{SERVER}.git.passphrase");
        let timeout = format!("{SERVER}.git.timeout");
        let settings = [
            ("spring.cloud.config.server.git.uri", uri.as_str()),
            (&key, PEM),
            (&passphrase, "canary-of-the-passphrase"),
            (&timeout, "1"),
        ];
        let mut server = TestServer::with_environment(&settings, &[("RUST_LOG", "trace")]);
        let secrets = with_lines(server.running().secrets().clone(), PEM);
        eventually("a look that failed", || {
            let answer = server.get("/orders/dev");
            expect_that(answer.status >= 400, &answer)
        });
        let health = server.get("/actuator/health").body;
        for line in server.lines().into_iter().chain([health]) {
            assert_eq!(secrets.told_in(&line), None, "{line}");
        }
    }
}

/// A panic prints what was at hand as it is shown to developers: there is nothing to be seen of secrets.
#[test]
fn a_panic_over_the_settings_tells_none() {
    let secrets = [
        (
            format!("{SERVER}.git.uri"),
            "https://ana:canary-of-an-address@git.example/x".to_owned(),
        ),
        (
            format!("{SERVER}.git.username"),
            "canary-in-place-of-a-user".to_owned(),
        ),
        (format!("{SERVER}.git.password"), "canary-of-git".to_owned()),
        (
            format!("{SERVER}.git.private-key"),
            "canary-of-a-key".to_owned(),
        ),
        (
            format!("{SERVER}.git.passphrase"),
            "canary-of-a-passphrase".to_owned(),
        ),
        (
            format!("{SERVER}.monitor.github.webhook-secret"),
            "canary-of-a-hook".to_owned(),
        ),
        (
            "confbus.monitor.previous-secrets.gitlab".to_owned(),
            "canary-of-yesterday".to_owned(),
        ),
        (
            "spring.security.user.password".to_owned(),
            "canary-of-the-user".to_owned(),
        ),
        (
            "confbus.security.users.jo.password".to_owned(),
            "canary-of-another".to_owned(),
        ),
        (
            "confbus.security.tokens.ci.hash".to_owned(),
            confbus::hash_token("canary").unwrap(),
        ),
        (
            "spring.rabbitmq.addresses".to_owned(),
            "amqp://ana:canary-of-the-broker@host/x".to_owned(),
        ),
        (
            "encrypt.key".to_owned(),
            "canary-of-the-encryption".to_owned(),
        ),
    ];
    let file = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
    let sources = Sources {
        file: Some(Path::to_owned(file.path())),
        arguments: secrets.to_vec(),
        variables: Vec::new(),
    };
    let settings = Settings::load(&sources).unwrap();
    let held = move || -> () { panic!("the worst case: {settings:#?} of {sources:?}") };
    let payload = panic::catch_unwind(panic::AssertUnwindSafe(held)).unwrap_err();
    let message = payload.downcast::<String>().unwrap();
    assert!(message.contains("listen:"), "{message}");
    for word in ["canary", "$argon2id$"] {
        assert!(!message.contains(word), "{message}");
    }
}
