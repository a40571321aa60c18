//! Answers as Spring Cloud Config Server gives them.

use crate::support::{ConfigRepo, Request, TestServer};

#[test]
fn an_environment_comes_from_one_commit() {
    let repo = ConfigRepo::from_sample();
    let commit = repo.push(
        "raise the limit",
        &[("orders.yml", "orders:\n  limits:\n    max-open: 21\n")],
    );
    let server = TestServer::start(&repo).ready();

    let environment = server.get("/orders/dev").json();
    assert_eq!(environment["version"], commit.as_str());
    assert_eq!(environment["profiles"], serde_json::json!(["dev"]));
    assert_eq!(environment["label"], serde_json::Value::Null);
    let names: Vec<_> = environment["propertySources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|source| source["name"].as_str().unwrap().rsplit('/').next().unwrap())
        .collect();
    assert_eq!(names, ["orders-dev.yml", "orders.yml", "application.yml"]);
    assert_eq!(
        server.value("/orders/dev/main", "orders.limits.max-open"),
        21
    );
    assert_eq!(
        server.value(&format!("/orders/dev/{commit}"), "orders.limits.max-open"),
        21
    );
    assert_eq!(server.get("/orders/dev/no-such-label").status, 404);
}

#[test]
fn the_converted_formats_answer() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let yaml = server.get("/main/orders-dev.yml");
    assert_eq!(
        (yaml.status, yaml.header("content-type")),
        (200, Some("text/plain"))
    );
    // Read by somebody else's parser.
    let document: serde_yaml::Value = serde_yaml::from_str(&yaml.body).unwrap();
    assert_eq!(document["orders"]["limits"]["max-open"], 20);
    assert_eq!(
        document["orders"]["contact"], "platform@example.com",
        "placeholders are resolved"
    );

    let properties = server.get("/orders-dev.properties");
    assert!(
        properties
            .body
            .contains("greeting: Hello from orders on a developer's machine"),
        "{}",
        properties.body
    );
    let kept = server.get("/orders-dev.properties?resolvePlaceholders=false");
    assert!(
        kept.body.contains("orders.contact: ${shared.support}"),
        "{}",
        kept.body
    );
    assert_eq!(
        server.get("/orders-dev.json").json()["orders"]["limits"]["max-open"],
        20
    );
}

#[test]
fn plain_files_have_their_placeholders_filled_in() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let file = server.get("/orders/prod/main/nginx.conf");
    assert!(
        file.body.contains("server orders.example.com:443;"),
        "{}",
        file.body
    );
    assert!(
        file.body.contains("proxy_set_header Host $host;"),
        "{}",
        file.body
    );
    assert_eq!(server.get("/orders/prod/main/no-such-file").status, 404);
}

#[test]
fn a_known_answer_is_not_sent_again() {
    let repo = ConfigRepo::from_sample();
    let server = TestServer::start(&repo).ready();
    let etag = server
        .get("/orders/dev")
        .header("etag")
        .expect("an ETag")
        .to_owned();
    let again = server.send(&Request::get("/orders/dev").header("If-None-Match", &etag));
    assert_eq!((again.status, again.body.as_str()), (304, ""));

    let commit = repo.push("another greeting", &[("orders.yml", "greeting: hi\n")]);
    server.serves(&commit);
    assert_eq!(
        server
            .send(&Request::get("/orders/dev").header("If-None-Match", &etag))
            .status,
        200
    );
}

#[test]
fn whoever_comes_through_a_proxy_is_a_stranger() {
    let server = TestServer::start(&ConfigRepo::from_sample()).ready();
    let answer = server.send(&Request::get("/orders/dev").header("X-Forwarded-For", "192.0.2.7"));
    assert_eq!(answer.status, 401, "{answer:?}");
    assert!(
        answer.body.contains("spring.security.user"),
        "it says how to protect it: {}",
        answer.body
    );
}

#[test]
fn users_log_in() {
    let repo = ConfigRepo::from_sample();
    let uri = repo.path().display().to_string();
    let server = TestServer::with(&[
        ("spring.cloud.config.server.git.uri", &uri),
        ("spring.security.user.name", "ana"),
        ("spring.security.user.password", "s3cret"),
    ]);
    // ana:s3cret and ana:wrong
    let good = || {
        server.send(&Request::get("/orders/dev").header("Authorization", "Basic YW5hOnMzY3JldA=="))
    };
    crate::support::eventually("an answer", || {
        if good().status == 200 {
            Ok(())
        } else {
            Err(format!("{:?}", good()))
        }
    });
    assert_eq!(
        server
            .send(&Request::get("/orders/dev").header("Authorization", "Basic YW5hOndyb25n"))
            .status,
        401
    );
    assert_eq!(server.get("/orders/dev").status, 401);
    assert_eq!(server.post("/actuator/busrefresh").status, 401);
    assert_eq!(server.get("/actuator/health").status, 200);
}
