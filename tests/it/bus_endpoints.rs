//! The endpoints that tell applications something, answered as Spring's were recorded, or more generously on purpose.

use crate::{
    support::{ConfigRepo, Request, TestServer},
    webhook::github_push,
};

const JSON: &str = "application/json";
const ACTUATOR: &str = "application/vnd.spring-boot.actuator.v3+json";
const FORM: &str = "application/x-www-form-urlencoded";

fn server() -> TestServer {
    TestServer::start(&ConfigRepo::from_sample()).ready()
}

/// Posts to a path with a content type, unless that is empty.
fn post(server: &TestServer, path: &str, content_type: &str, body: &str) -> (u16, String) {
    let request = Request::post(path, body);
    let answer = server.send(&if content_type.is_empty() {
        request
    } else {
        request.header("Content-Type", content_type)
    });
    (answer.status, answer.body)
}

#[test]
fn busrefresh_answers_as_recorded() {
    let server = server();
    for (path, content_type, body, expected) in [
        ("", "", "", 204),
        ("/", "", "", 204),
        ("/nobody/", "", "", 204),
        ("//nobody", "", "", 204),
        ("/nobody", JSON, "", 204),
        ("/nobody", JSON, "{}", 204),
        ("/nobody", JSON, "null", 204),
        ("/nobody", ACTUATOR, "{}", 204),
        ("/nobody", JSON, r#"{"a":"#, 400),
        ("/nobody", JSON, "[]", 400),
        ("/nobody", JSON, "\"x\"", 400),
        ("/a%2Fb", "", "", 400),
        ("/a%20b", "", "", 204),
        ("/a:b:c:d", "", "", 204),
        ("/k%C3%B6ln", "", "", 204),
        ("/a,b", "", "", 204),
        ("?destination=nobody", "", "", 204),
        // Spring answers 415 to these; `curl -d ''` sends the first.
        ("/nobody", FORM, "", 204),
        ("/nobody", FORM, "a=b", 204),
        ("/nobody", "text/plain", "hello", 204),
        ("/nobody", "application/octet-stream", "{}", 204),
        ("/nobody", "application/xml", "", 204),
    ] {
        let (status, said) = post(
            &server,
            &format!("/actuator/busrefresh{path}"),
            content_type,
            body,
        );
        assert_eq!(status, expected, "{path} {content_type} {body}");
        assert!(status != 204 || said.is_empty(), "{said}");
    }
}

#[test]
fn busenv_answers_as_recorded() {
    let server = server();
    let whole = r#"{"name":"k","value":"v"}"#;
    for (path, content_type, body, expected) in [
        ("/nobody", JSON, r#"{"name":"k"}"#, 400),
        ("/nobody", JSON, r#"{"value":"v"}"#, 400),
        ("/nobody", JSON, "{}", 400),
        ("/nobody", "", "", 415),
        ("/nobody", "text/plain", "name=k", 415),
        ("/nobody", ACTUATOR, whole, 204),
        ("/nobody", JSON, r#"{"name":"k","value":5}"#, 204),
        ("/nobody", JSON, r#"{"name":"k","value":null}"#, 400),
        ("/nobody?name=k&value=v", JSON, "{}", 204),
        ("", JSON, whole, 204),
        ("/customers/9000", JSON, whole, 204),
    ] {
        let (status, _) = post(
            &server,
            &format!("/actuator/busenv{path}"),
            content_type,
            body,
        );
        assert_eq!(status, expected, "{path} {content_type} {body}");
    }
    let refused = server.send(&Request::post("/actuator/busenv", ""));
    let accept = refused
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("accept"));
    assert_eq!(
        accept.map(|(_, value)| value.as_str()),
        Some(
            "application/vnd.spring-boot.actuator.v3+json, application/vnd.spring-boot.actuator.v2+json, application/json"
        )
    );
    let read = server.get("/actuator/busenv");
    let allow = read
        .headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("allow"));
    assert_eq!(
        (read.status, allow.map(|(_, value)| value.as_str())),
        (405, Some("POST"))
    );
}

/// Where Spring of today answers 404 or 405, for scripts and webhooks that were never touched again.
#[test]
fn endpoints_of_former_springs_still_work() {
    let server = server();
    let push = github_push("refs/heads/main", &["orders.yml"]);
    let whole = r#"{"name":"k","value":"v"}"#;
    let long = format!("k={}", "v".repeat(40_000));
    for (path, content_type, body, expected) in [
        ("/actuator/bus-refresh", "", "", 204),
        ("/actuator/bus-refresh", FORM, "", 204),
        (
            "/actuator/bus-refresh/nobody:9000",
            JSON,
            push.as_str(),
            204,
        ),
        ("/actuator/bus-env", JSON, whole, 204),
        ("/actuator/bus-env/nobody", JSON, whole, 204),
        ("/actuator/bus-env/nobody", "", "", 415),
        ("/bus/refresh", "", "", 200),
        ("/bus/refresh", FORM, "", 200),
        ("/bus/refresh", JSON, push.as_str(), 200),
        ("/bus/refresh?destination=customers:9000", "", "", 200),
        ("/bus/refresh", FORM, "destination=customers:9000", 200),
        ("/bus/env?k=v&destination=customers", "", "", 200),
        ("/bus/env", FORM, "k=v", 200),
        ("/bus/env", FORM, &long, 413),
        ("/actuator/busshutdown/nobody", "", "", 405),
    ] {
        let (status, said) = post(&server, path, content_type, body);
        assert_eq!(status, expected, "{path} {content_type} {body}: {said}");
        assert!(status != 200 || said.is_empty(), "{said}");
    }
    let environment = server.get("/bus/refresh").json();
    assert_eq!(
        environment["name"], "bus",
        "an application may be called so"
    );
}

#[test]
fn the_actuator_lists_both_as_spring_does() {
    let server = server();
    let links = server.get("/actuator").json();
    for name in ["busrefresh", "busenv"] {
        let href = |link: &str| links["_links"][link]["href"].as_str().unwrap().to_owned();
        assert!(href(name).ends_with(&format!("/actuator/{name}")));
        let below = format!("{name}-destinations");
        assert!(href(&below).ends_with(&format!("/actuator/{name}/{{*destinations}}")));
        assert_eq!(links["_links"][&below]["templated"], true);
    }
}
