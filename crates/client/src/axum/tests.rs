use std::sync::{Arc, Mutex};

use ::axum::{
    body::Body,
    extract::FromRequestParts as _,
    http::{HeaderMap, Method, Request, StatusCode},
    middleware::from_fn_with_state,
};
use confbus_bus::{Bus, Signal};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::*;
use crate::testing::{self, FakeServer};

fn client() -> (Client, FakeServer) {
    testing::client([("pool.max", json!(10)), ("db.password", json!("s3cret"))])
}

async fn ask(router: Router, method: Method, path: &str) -> (StatusCode, HeaderMap, Value) {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "shop:8080")
        .body(Body::empty())
        .unwrap();
    let (head, body) = router.oneshot(request).await.unwrap().into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    (head.status, head.headers, body)
}

async fn get_json(router: Router, path: &str) -> (StatusCode, Value) {
    let (status, _, body) = ask(router, Method::GET, path).await;
    (status, body)
}

#[tokio::test]
async fn health_tells_why_a_version_was_refused_and_stays_up() {
    let (client, mut server) = client();
    let (status, body) = get_json(actuator(&client), "/actuator/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("UP")));
    assert_eq!(body["components"]["config"]["details"]["version"], "test-0");
    assert!(body["components"].get("bus").is_none(), "{body}");

    let _max = client.bind::<u32>("pool.max").live().unwrap();
    client.restart_required(["db.*"]);
    server
        .push([("pool.max", "11"), ("db.password", "n3w")])
        .unwrap();
    server.push([("pool.max", "ten")]).unwrap_err();
    let (status, body) = get_json(actuator(&client), "/actuator/health/config").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body["details"]["restart"], json!(["db.password"]));
    let refused = body["details"]["refused"].as_str().unwrap();
    assert!(
        refused.contains("`pool.max`") && refused.contains("test.yml:1:1"),
        "{body}"
    );
}

#[tokio::test]
async fn a_long_silence_is_out_of_service_when_asked_for() {
    let (client, mut server) = client();
    let strict = || {
        Actuator::new(&client)
            .out_of_service_after(Duration::from_secs(3600))
            .router()
    };
    // Nobody was ever in contact.
    for (path, expected) in [
        ("/actuator/health", StatusCode::SERVICE_UNAVAILABLE),
        (
            "/actuator/health/readiness",
            StatusCode::SERVICE_UNAVAILABLE,
        ),
        ("/actuator/health/liveness", StatusCode::OK),
        ("/actuator/health/nothing", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(get_json(strict(), path).await.0, expected, "{path}");
    }
    server.push([("pool.max", 10)]).unwrap();
    assert_eq!(
        get_json(strict(), "/actuator/health").await.0,
        StatusCode::OK
    );
}

#[cfg(feature = "amqp")]
#[tokio::test]
async fn a_broker_that_is_away_takes_nobody_out_of_service() {
    let client = Client::on(Bus::rabbit(crate::RabbitSettings::default()).0);
    let (status, body) = get_json(actuator(&client), "/actuator/health").await;
    assert_eq!((status, &body["status"]), (StatusCode::OK, &json!("UP")));
    assert_eq!(body["components"]["bus"]["status"], "UNKNOWN");
    assert_eq!(body["components"]["bus"]["details"]["connected"], false);
}

#[tokio::test]
async fn env_has_origins_and_hides_values() {
    let (client, _server) = client();
    let (_, body) = get_json(actuator(&client), "/actuator/env").await;
    assert_eq!(body["activeProfiles"], json!(["default"]));
    assert_eq!(
        body["propertySources"],
        json!([
            { "name": "configClient", "properties": { "config.client.version": { "value": "test-0" } } },
            { "name": "test.yml", "properties": {
                "pool.max": { "value": "******", "origin": "test.yml:1:1" },
                "db.password": { "value": "******", "origin": "test.yml:2:1" },
            } },
        ])
    );

    let open = || Actuator::new(&client).show_values().router();
    let (_, body) = get_json(open(), "/actuator/env/POOL.MAX").await;
    assert_eq!(
        body["property"],
        json!({ "source": "test.yml", "value": 10 })
    );
    let (_, body) = get_json(open(), "/actuator/env/db.password").await;
    assert_eq!(body["property"]["value"], "******");
    assert_eq!(
        get_json(open(), "/actuator/env/nobody").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn links_and_info_are_where_spring_has_them() {
    let (client, _server) = client();
    let (_, headers, body) = ask(actuator(&client), Method::GET, "/actuator").await;
    assert_eq!(
        headers["content-type"],
        "application/vnd.spring-boot.actuator.v3+json"
    );
    assert_eq!(
        body["_links"]["refresh"]["href"],
        "http://shop:8080/actuator/refresh"
    );
    assert_eq!(body["_links"]["env-toMatch"]["templated"], true);
    assert!(body["_links"].get("busrefresh").is_none());
    let (_, body) = get_json(actuator(&client), "/actuator/info").await;
    assert_eq!(body["config"]["version"], "test-0");
    assert_eq!(body["config"]["instance"], "test:0:0");
}

#[tokio::test]
async fn other_methods_are_refused_as_boot_does() {
    let (client, _server) = client();
    let router = Router::new().nest("/admin", actuator(&client));
    let (status, headers, body) = ask(router, Method::GET, "/admin/actuator/refresh").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        (&headers["allow"], &headers["content-type"]),
        (
            &"POST".parse().unwrap(),
            &"application/json".parse().unwrap()
        )
    );
    assert_eq!(
        (&body["status"], &body["error"], &body["path"]),
        (
            &json!(405),
            &json!("Method Not Allowed"),
            &json!("/admin/actuator/refresh")
        )
    );
    let written: jiff::Timestamp = body["timestamp"].as_str().unwrap().parse().unwrap();
    assert!(written.duration_until(jiff::Timestamp::now()).as_secs() < 60);
}

#[tokio::test]
async fn busrefresh_tells_those_whom_the_path_names() {
    let (client, _server) = client();
    let (status, _, _) = ask(actuator(&client), Method::POST, "/actuator/busrefresh").await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let bus = Bus::local();
    let mut heard = bus.subscribe();
    let client = Client::on(bus);
    for (path, destination) in [
        ("/actuator/busrefresh", "**"),
        ("/actuator/busrefresh/orders", "orders:**"),
        ("/actuator/busrefresh/orders/dev/8081", "orders:dev:8081"),
        ("/actuator/busrefresh/orders:8081:ab12", "orders:8081:ab12"),
    ] {
        let (status, _, _) = ask(actuator(&client), Method::POST, path).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{path}");
        let Some(Signal::Message(message)) = heard.next().await else {
            panic!("{path}")
        };
        assert_eq!(message.event.destination().as_str(), destination);
        assert_eq!(message.event.origin_service, "test:0:0");
    }
}

#[cfg(feature = "amqp")]
#[tokio::test]
async fn a_broker_that_is_away_fails_a_busrefresh() {
    let client = Client::on(Bus::rabbit(crate::RabbitSettings::default()).0);
    let (status, _, body) = ask(actuator(&client), Method::POST, "/actuator/busrefresh").await;
    assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(body["message"], "the bus is not connected to the broker");
}

#[tokio::test]
async fn a_request_sees_one_version() {
    let (client, server) = client();
    let server = Arc::new(Mutex::new(server));
    let handler = async move |Pinned(first): Pinned, request: Request<Body>| {
        server.lock().unwrap().push([("pool.max", 20)]).unwrap();
        let (mut parts, _) = request.into_parts();
        let Pinned(second) = Pinned::from_request_parts(&mut parts, &()).await.unwrap();
        json!([first.version(), second.version()]).to_string()
    };
    let router = Router::new().route("/", get(handler));
    let layered = router.layer(from_fn_with_state(client.clone(), pin));
    let (_, body) = get_json(layered, "/").await;
    assert_eq!(body, json!(["test-0", "test-0"]));
    assert_eq!(client.snapshot().version(), Some("test-1"));
}

#[tokio::test]
async fn without_the_middleware_nothing_is_pinned() {
    let router = Router::new().route("/", get(|Pinned(_): Pinned| async { "served" }));
    assert_eq!(
        get_json(router, "/").await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}
