//! `POST /actuator/refresh` of a service, against a server that answers.

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
};
use confbus_client::{Client, axum::actuator};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{Say, Server, environment, settings};

async fn refresh(client: &Client) -> (StatusCode, Value) {
    let request = Request::post("/actuator/refresh").body(Body::empty());
    let router: Router = actuator(client);
    let answer = router.oneshot(request.unwrap()).await.unwrap();
    let status = answer.status();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

#[tokio::test]
async fn a_refresh_answers_with_what_moved_or_why_nothing_did() {
    let server = Server::start(Say::Body(environment("c1", r#"{"max":1,"min":0}"#), None)).await;
    let client = Client::connect(settings(&[&server])).await.unwrap();
    let _max = client.bind::<u32>("max").live().unwrap();

    server.say(Say::Body(environment("c2", r#"{"max":2,"min":0}"#), None));
    let moved = refresh(&client).await;
    assert_eq!(
        moved,
        (StatusCode::OK, json!(["config.client.version", "max"]))
    );
    assert_eq!(refresh(&client).await, (StatusCode::OK, json!([])));

    server.say(Say::Body(environment("c3", r#"{"max":"many"}"#), None));
    let (status, body) = refresh(&client).await;
    assert_eq!(
        (status, &body["status"]),
        (StatusCode::INTERNAL_SERVER_ERROR, &json!(500))
    );
    let message = body["message"].as_str().unwrap();
    assert!(
        message.contains("`max`") && message.contains("orders-dev.yml"),
        "{message}"
    );

    server.say(Say::Status(503, ""));
    let (status, body) = refresh(&client).await;
    assert_eq!(
        (status, &body["error"]),
        (
            StatusCode::SERVICE_UNAVAILABLE,
            &json!("Service Unavailable")
        )
    );
    assert!(body["message"].as_str().unwrap().contains("503"), "{body}");
    assert_eq!(client.snapshot().version(), Some("c2"));
}
