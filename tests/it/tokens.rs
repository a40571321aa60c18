//! Tokens of an issuer: who may come in with one, and what is tried.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    thread::JoinHandle,
};

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::support::{
    ConfigRepo, Issuer, Request, SigningKey, TestServer, eventually, message, now,
};

const JWT: &str = "spring.security.oauth2.resourceserver.jwt";

fn server(issuer: &Issuer, more: &[(&str, &str)]) -> TestServer {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let (issuer_uri, audiences) = (format!("{JWT}.issuer-uri"), format!("{JWT}.audiences"));
    let url = issuer.url();
    let mut settings = vec![
        ("spring.cloud.config.server.git.uri", uri.as_str()),
        (&issuer_uri, &url),
        (&audiences, "confbus"),
    ];
    settings.extend(more);
    TestServer::with(&settings)
}

fn status(server: &TestServer, path: &str, token: &str) -> u16 {
    let request = Request::get(path).header("Authorization", &format!("Bearer {token}"));
    server.send(&request).status
}

fn opens(server: &TestServer, token: &str) -> Result<(), String> {
    match status(server, "/orders/dev", token) {
        200 => Ok(()),
        status => Err(status.to_string()),
    }
}

fn changed(claims: &Value, name: &str, value: Value) -> Value {
    let mut claims = claims.clone();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

/// Tokens that somebody might try, by what is wrong with them.
fn attacks(issuer: &Issuer, key: &SigningKey, foreign: &SigningKey) -> Vec<(String, String)> {
    let claims = issuer.claims("orders");
    let with_header = |name: &str, value: Value| {
        let header = changed(&key.header(), name, value);
        foreign.sign(&header.to_string(), &claims.to_string())
    };
    let unsigned = |alg: &str| {
        let header = changed(&key.header(), "alg", json!(alg)).to_string();
        format!("{}.", message(&header, &claims.to_string()))
    };
    let with_public_key = |secret: &[u8]| {
        let header = changed(&key.header(), "alg", json!("HS256")).to_string();
        let message = message(&header, &claims.to_string());
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, secret),
            message.as_bytes(),
        );
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
    };
    let good = key.token(&claims);
    let (head, signature) = good.rsplit_once('.').unwrap();
    let crit = json!({ "alg": "ES256", "kid": "first", "crit": ["b64"], "b64": true });
    let twice = claims
        .to_string()
        .replacen('{', "{\"aud\":\"elsewhere\",", 1);
    let header_twice = key
        .header()
        .to_string()
        .replacen('{', "{\"alg\":\"none\",", 1);
    let public = key.public();
    let mut attacks = vec![
        ("alg none", unsigned("none")),
        ("alg None", unsigned("None")),
        ("alg nOnE", unsigned("nOnE")),
        ("no signature", format!("{head}.")),
        ("HS256 with the point", with_public_key(key.point())),
        (
            "HS256 with the key as published",
            with_public_key(public.to_string().as_bytes()),
        ),
        (
            "HS256 with x",
            with_public_key(public["x"].as_str().unwrap().as_bytes()),
        ),
        ("HS256 with nothing", with_public_key(b"\0")),
        ("another's key", foreign.token(&claims)),
        ("another's key, our kid", with_header("kid", json!("first"))),
        ("unknown kid", with_header("kid", json!("nobody"))),
        (
            "kid that climbs",
            with_header("kid", json!("../../../../dev/null")),
        ),
        (
            "kid that asks a database",
            with_header("kid", json!("' or '1'='1")),
        ),
        ("kid that is no text", with_header("kid", json!(["first"]))),
        (
            "jku elsewhere",
            with_header("jku", json!("http://127.0.0.1:9/keys")),
        ),
        (
            "x5u elsewhere",
            with_header("x5u", json!("http://127.0.0.1:9/chain")),
        ),
        ("jwk inside", with_header("jwk", foreign.public())),
        ("critical", key.sign(&crit.to_string(), &claims.to_string())),
        ("claims twice", key.sign(&key.header().to_string(), &twice)),
        ("header twice", key.sign(&header_twice, &claims.to_string())),
        ("signature cut", format!("{head}.{}", &signature[..40])),
        ("more parts", format!("{good}.x")),
        ("fewer parts", head.to_owned()),
        ("no object", key.sign(&key.header().to_string(), "[]")),
        ("other claims, same signature", {
            let other = message(
                &key.header().to_string(),
                &issuer.claims("root").to_string(),
            );
            format!("{other}.{signature}")
        }),
    ];
    for (name, claim, value) in [
        ("expired", "exp", json!(now() - 120)),
        ("no exp", "exp", Value::Null),
        ("exp that is a text", "exp", json!("tomorrow")),
        ("exp below zero", "exp", json!(-1)),
        ("not yet", "nbf", json!(now() + 120)),
        ("nbf that is a text", "nbf", json!("yesterday")),
        ("another audience", "aud", json!("others")),
        ("no audience", "aud", Value::Null),
        ("audiences that are none", "aud", json!([])),
        ("another issuer", "iss", json!("http://127.0.0.1:9")),
        (
            "issuer with a slash",
            "iss",
            json!(format!("{}/", issuer.url())),
        ),
        ("issuers", "iss", json!([issuer.url(), "x"])),
        ("no issuer", "iss", Value::Null),
        ("no subject", "sub", Value::Null),
        ("empty subject", "sub", json!("")),
        ("subject that is a list", "sub", json!(["orders"])),
        ("subject of two lines", "sub", json!("orders\nroot")),
        ("huge", "padding", json!("x".repeat(7000))),
    ] {
        attacks.push((name, key.token(&changed(&claims, claim, value))));
    }
    attacks
        .into_iter()
        .map(|(name, token)| (name.to_owned(), token))
        .collect()
}

#[test]
fn a_token_of_the_issuer_opens_what_rules_say() {
    let (issuer, key) = (Issuer::start(), SigningKey::new("first"));
    issuer.publish(&[&key]);
    let server = server(
        &issuer,
        &[
            ("confbus.security.rules[0].principals", "jwt:orders-*"),
            ("confbus.security.rules[0].applications", "orders"),
            ("confbus.security.rules[0].allow", "read"),
            ("confbus.security.rules[1].principals", "claim:groups=ops"),
            ("confbus.security.rules[1].allow", "fleet"),
        ],
    );
    let orders = key.token(&issuer.claims("orders-svc"));
    eventually("an answer", || opens(&server, &orders));
    assert_eq!(status(&server, "/payments/dev", &orders), 404);
    assert_eq!(status(&server, "/_/api/instances", &orders), 403);
    let ops = changed(&issuer.claims("jo"), "groups", json!(["dev", "ops"]));
    let ops = key.token(&ops);
    assert_eq!(status(&server, "/_/api/instances", &ops), 200);
    assert_eq!(status(&server, "/orders/dev", &ops), 404);
    let nobody = key.token(&issuer.claims("eve"));
    assert_eq!(status(&server, "/orders/dev", &nobody), 404);
    assert_eq!(
        server.get("/orders/dev").header("www-authenticate"),
        Some("Bearer")
    );
}

#[test]
fn what_is_tried_with_tokens_is_refused() {
    let issuer = Issuer::start();
    let (key, foreign) = (SigningKey::new("first"), SigningKey::new("foreign"));
    issuer.publish(&[&key]);
    let good = key.token(&issuer.claims("orders"));
    // Each with a server's own patience: after twenty failures an address has to wait.
    let attacks = attacks(&issuer, &key, &foreign);
    assert!(attacks.len() >= 40);
    for some in attacks.chunks(18) {
        let server = server(&issuer, &[]);
        eventually("an answer", || opens(&server, &good));
        for (name, token) in some {
            let status = status(&server, "/orders/dev", token);
            assert_eq!(status, 401, "{name}");
        }
        opens(&server, &good).expect("what was good before");
    }
}

#[test]
fn keys_that_rotate_are_fetched_once_and_known_ones_outlive_their_issuer() {
    let issuer = Issuer::start();
    let (first, second) = (SigningKey::new("first"), SigningKey::new("second"));
    issuer.publish(&[&first]);
    let server = server(&issuer, &[]);
    let of_first = |subject| first.token(&issuer.claims(subject));
    eventually("an answer", || opens(&server, &of_first("orders")));
    let fetched = issuer.fetches();

    // Nobody waits longer for the new key than one fetch takes, once the server may ask again.
    issuer.publish(&[&first, &second]);
    let of_second = second.token(&issuer.claims("orders"));
    eventually("the new key", || opens(&server, &of_second));
    let rotated = issuer.fetches();
    assert!(rotated <= fetched + 1, "{fetched} {rotated}");

    // Keys that nobody has make the server ask at most once in ten seconds.
    let unknown = SigningKey::new("unknown").token(&issuer.claims("orders"));
    for _ in 0..10 {
        let status = status(&server, "/orders/dev", &unknown);
        assert!(matches!(status, 401 | 429), "{status}");
    }
    assert!(issuer.fetches() <= rotated + 1);

    issuer.is_down(true);
    opens(&server, &of_second).expect("what was seen before");
    // Keys that nobody has let the address wait.
    eventually("a known key, though nobody can be asked", || {
        opens(&server, &of_first("billing"))
    });
}

#[test]
fn keys_that_are_made_up_count_as_failures() {
    let (issuer, key) = (Issuer::start(), SigningKey::new("first"));
    issuer.publish(&[&key]);
    let server = server(&issuer, &[]);
    let good = key.token(&issuer.claims("orders"));
    eventually("an answer", || opens(&server, &good));
    let made_up = SigningKey::new("made-up");
    let statuses: Vec<_> = (0..60)
        .map(|number| {
            let claims = issuer.claims(&format!("orders-{number}"));
            status(&server, "/orders/dev", &made_up.token(&claims))
        })
        .collect();
    assert_eq!(statuses[0], 401);
    assert!(statuses.contains(&429), "{statuses:?}");
    opens(&server, &good).expect("what was good before");
}

#[test]
fn without_keys_nobody_is_refused_for_good() {
    let (issuer, key) = (Issuer::start(), SigningKey::new("first"));
    issuer.publish(&[&key]);
    issuer.is_down(true);
    let server = server(&issuer, &[]);
    let token = key.token(&issuer.claims("orders"));
    let request = Request::get("/orders/dev").header("Authorization", &format!("Bearer {token}"));
    let answer = server.send(&request);
    assert_eq!(
        (answer.status, answer.header("retry-after")),
        (503, Some("1")),
        "{answer:?}"
    );
    issuer.is_down(false);
    eventually("the issuer's keys", || opens(&server, &token));
}

#[test]
fn a_stream_of_events_ends_with_its_token() {
    let (issuer, key) = (Issuer::start(), SigningKey::new("first"));
    issuer.publish(&[&key]);
    let server = server(&issuer, &[]);
    let lasting = key.token(&issuer.claims("orders"));
    eventually("an answer", || opens(&server, &lasting));
    // A minute over is good, because clocks differ.
    let ending = changed(&issuer.claims("orders"), "exp", json!(now() - 50));
    let (lasting, ending) = (
        listen(&server, &lasting),
        listen(&server, &key.token(&ending)),
    );
    eventually("the end of the stream", || {
        ending.is_finished().then_some(()).ok_or_else(String::new)
    });
    assert!(!lasting.is_finished());
}

/// Reads a stream of events to its end.
fn listen(server: &TestServer, token: &str) -> JoinHandle<()> {
    let mut connection = TcpStream::connect(("127.0.0.1", server.port())).unwrap();
    let head = format!(
        "GET /confbus/events HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    connection.write_all(head.as_bytes()).unwrap();
    let mut lines = BufReader::new(connection).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "HTTP/1.1 200 OK");
    lines.find(|line| line == "event: hello").unwrap();
    // The last chunk is empty.
    std::thread::spawn(move || _ = lines.find(|line| line == "0"))
}
