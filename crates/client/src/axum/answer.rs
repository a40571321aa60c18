//! Answers as Spring Boot writes them.

use ::axum::{
    extract::{OriginalUri, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::Actuator;

const ACTUATOR_TYPE: &str = "application/vnd.spring-boot.actuator.v3+json";

/// A body of an endpoint.
pub(super) struct Answer(pub(super) StatusCode, pub(super) Value);

/// Boot's body for errors.
#[derive(Serialize)]
pub(super) struct Failure {
    timestamp: String,
    status: u16,
    error: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    path: String,
}

impl Failure {
    /// `message` names keys and servers, never a value that looks secret.
    pub(super) fn new(status: StatusCode, message: Option<String>, uri: &OriginalUri) -> Self {
        Self {
            timestamp: format!("{:.3}", Timestamp::now()),
            status: status.as_u16(),
            error: status.canonical_reason().unwrap_or("Error"),
            message,
            path: uri.path().to_owned(),
        }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let content_type = [(header::CONTENT_TYPE, ACTUATOR_TYPE)];
        (self.0, content_type, self.1.to_string()).into_response()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = [(header::CONTENT_TYPE, "application/json")];
        let body = serde_json::to_string(&self).unwrap_or_default();
        (status, content_type, body).into_response()
    }
}

pub(super) async fn method_not_allowed(uri: OriginalUri) -> Failure {
    Failure::new(StatusCode::METHOD_NOT_ALLOWED, None, &uri)
}

/// What there is.
pub(super) async fn links(
    State(actuator): State<Actuator>,
    uri: OriginalUri,
    headers: HeaderMap,
) -> Answer {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let origin = host
        .map(|host| format!("http://{host}"))
        .unwrap_or_default();
    let base = format!("{origin}{}", uri.path());
    let always = [
        ("self", ""),
        ("health", "/health"),
        ("health-path", "/health/{*path}"),
        ("info", "/info"),
        ("env", "/env"),
        ("env-toMatch", "/env/{toMatch}"),
        ("refresh", "/refresh"),
    ];
    let with_bus = [
        ("busrefresh", "/busrefresh"),
        ("busrefresh-destinations", "/busrefresh/{*destinations}"),
    ];
    let with_bus = with_bus.into_iter().filter(|_| actuator.client.has_bus());
    let links: Map<String, Value> = always
        .into_iter()
        .chain(with_bus)
        .map(|(name, path)| {
            let link = json!({ "href": format!("{base}{path}"), "templated": path.contains('{') });
            (name.to_owned(), link)
        })
        .collect();
    Answer(StatusCode::OK, json!({ "_links": links }))
}

/// Which version runs, and by what name the bus knows us.
pub(super) async fn info(State(actuator): State<Actuator>) -> Answer {
    let client = &actuator.client;
    let body = json!({
        "config": {
            "version": client.snapshot().version(),
            "instance": client.bus_id().as_str(),
            "client": concat!("confbus-client/", env!("CARGO_PKG_VERSION")),
        },
    });
    Answer(StatusCode::OK, body)
}
