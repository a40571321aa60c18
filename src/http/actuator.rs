//! `/actuator` and `/actuator/info`.

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{Uri, header, uri::Authority};
use serde_json::{Map, Value, json};

use super::{Settings, access::Asking, error::to_json};
use crate::environment_repository::EnvironmentRepository;

/// Boot's own media type.
pub(super) const CONTENT_TYPE: &str = "application/vnd.spring-boot.actuator.v3+json";

/// Whether somebody asks how the server is, or a part of it.
pub(super) fn is_health(settings: &Settings, path: &str) -> bool {
    let below = settings.context_path.below(path);
    if matches!(below, Some("/livez" | "/readyz")) {
        return true;
    }
    below
        .and_then(|path| path.strip_prefix("/actuator/health"))
        .is_some_and(|rest| match rest.strip_prefix('/') {
            Some(part) => !part.is_empty() && !part.contains('/'),
            None => rest.is_empty(),
        })
}

/// What there is, as links.
pub(super) async fn links(
    State(settings): State<Arc<Settings>>,
    uri: Uri,
    asking: Asking,
    headers: http::HeaderMap,
) -> Response {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .and_then(|host| host.parse::<Authority>().ok());
    let origin = host
        .or_else(|| uri.authority().cloned())
        .map(|host| format!("{}://{host}", asking.outside().scheme(&settings)))
        .unwrap_or_default();
    let base = format!("{origin}{}/actuator", asking.outside().base(&settings));
    let mut links = Map::new();
    for (name, path) in [
        ("self", ""),
        ("info", "/info"),
        ("health", "/health"),
        ("health-path", "/health/{*path}"),
        ("prometheus", "/prometheus"),
        ("busenv-destinations", "/busenv/{*destinations}"),
        ("busenv", "/busenv"),
        ("busrefresh-destinations", "/busrefresh/{*destinations}"),
        ("busrefresh", "/busrefresh"),
    ] {
        if name == "prometheus" && !settings.metrics {
            continue;
        }
        links.insert(
            name.to_owned(),
            json!({ "href": format!("{base}{path}"), "templated": path.contains('{') }),
        );
    }
    // The host is the one that was asked: nobody else is to be given that.
    let never = [(header::CACHE_CONTROL, "no-store")];
    (never, answer(&json!({ "_links": links }))).into_response()
}

/// Which confbus this is, and which commit it serves.
pub(super) async fn info(State(repository): State<EnvironmentRepository>) -> Response {
    let version = repository.version().map(|version| version.to_string());
    answer(&json!({
        "git": { "commit": { "id": version } },
        "build": { "name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION") },
    }))
}

pub(super) fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], to_json(body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn health_is_one_path_and_those_of_its_parts() {
        for (path, expected) in [
            ("/actuator/health", true),
            ("/actuator/health/git", true),
            ("/livez", true),
            ("/readyz", true),
            ("/readyz/", false),
            ("/actuator/health/", false),
            ("/actuator/health/git/main", false),
            ("/actuator/healthy", false),
        ] {
            assert_eq!(is_health(&Settings::default(), path), expected, "{path}");
        }
    }
}
