//! `/livez` and `/readyz`, for whoever starts and stops this program. A probe looks at what is in memory and asks nobody.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, header};

use super::{
    Services,
    access::Asking,
    health::{is_ready, shows_details},
};

/// 200, unless nothing but another start helps.
pub(super) async fn live(State(services): State<Services>) -> Response {
    if services.watchdog.is_lost() {
        return text(
            StatusCode::SERVICE_UNAVAILABLE,
            "threads are stuck: start this server anew\n",
        );
    }
    text(StatusCode::OK, "live\n")
}

/// 200 as soon as there is something to serve, whatever Git and the broker do since; 503 before that, and while the server stops.
/// Which repositories it waits for, only they are told who may see details of health.
pub(super) async fn ready(State(services): State<Services>, asking: Asking) -> Response {
    if is_ready(services.repository.is_serving(), &services.shutdown) {
        return text(StatusCode::OK, "ready\n");
    }
    let mut body = if services.shutdown.is_cancelled() {
        "not ready: the server is stopping\n".to_owned()
    } else {
        "not ready: nothing has been read yet that could be served\n".to_owned()
    };
    if shows_details(&services.settings, &asking.caller) {
        for name in services.repository.waited_for() {
            body.push_str(&format!("waits for {name}\n"));
        }
    }
    text(StatusCode::SERVICE_UNAVAILABLE, body)
}

fn text(status: StatusCode, body: impl Into<String>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/plain;charset=UTF-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, body.into()).into_response()
}
