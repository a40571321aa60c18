//! `POST /actuator/busrefresh[/{destination…}]`: tell applications to fetch their configuration again.

use std::sync::Arc;

use axum::extract::{Request, State};
use bytes::Bytes;
use confbus_protocol::Destination;
use http::{HeaderMap, StatusCode, request::Parts};

use super::{
    Settings,
    access::{Caller, denied},
    body::{content_type, is_json, json_object, read},
    error::Failure,
    monitor::since_1970,
    target::segments,
};
use crate::{
    refresh::{Refresh, RefreshError},
    webhook::{Provider, signature},
};

/// Looks, swaps, and tells those whom the path names; everyone when it names nobody.
pub(super) async fn refresh(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, Failure> {
    let (parts, body) = admit(&settings, caller, request).await?;
    if !is_object_or_nothing(&parts.headers, &body) {
        return Err(Failure::bad_request().because("the body is not a JSON object"));
    }
    let path = settings.context_path.below(parts.uri.path());
    refresh
        .destination(destination(path.unwrap_or_default()))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Reads the body of a refresh, if the caller may ask for one.
pub(super) async fn admit(
    settings: &Settings,
    caller: Caller,
    request: Request,
) -> Result<(Parts, Bytes), Failure> {
    let (parts, body) = request.into_parts();
    let may_enter = caller.may_enter(&settings.access);
    // A body is only read for those who may be somebody.
    if !may_enter && !may_be_signed(settings, &parts.headers) {
        return Err(denied(&settings.access));
    }
    // It may be a webhook.
    let body = read(body, settings.limits.webhook, &settings.limits).await?;
    if !may_enter && !is_signed(settings, &parts.headers, &body) {
        return Err(denied(&settings.access));
    }
    Ok((parts, body))
}

impl From<RefreshError> for Failure {
    fn from(error: RefreshError) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR).explained(error.to_string())
    }
}

fn may_be_signed(settings: &Settings, headers: &HeaderMap) -> bool {
    settings.webhook.github.enabled
        && !settings.webhook.github.secrets.is_empty()
        && headers.contains_key("x-hub-signature-256")
}

/// A GitHub webhook may point straight here.
fn is_signed(settings: &Settings, headers: &HeaderMap, body: &[u8]) -> bool {
    let now = since_1970();
    let signs = |secret| signature::verify(Provider::Github, secret, headers, body, now);
    settings.webhook.github.secrets.iter().any(signs)
}

/// All segments behind the endpoint's name, joined by colons; none at all means everyone.
pub(super) fn destination(path: &str) -> Destination {
    let segments = segments(path);
    let (_, parts) = segments.split_at(segments.len().min(2));
    let named: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|part| !part.is_empty())
        .collect();
    if parts.is_empty() {
        Destination::everyone()
    } else {
        Destination::complete(&named.join(":"))
    }
}

/// Forms and other types are ignored, so that webhooks and `curl -d ''` work; Spring answers 415 to them.
fn is_object_or_nothing(headers: &HeaderMap, body: &[u8]) -> bool {
    body.is_empty() || !is_json(&content_type(headers)) || json_object(body).is_ok()
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::*;

    #[test]
    fn the_path_names_the_destination() {
        for (path, expected) in [
            ("/actuator/busrefresh", "**"),
            ("/actuator/busrefresh/", ":**"),
            ("/actuator/busrefresh/**", "**"),
            ("/actuator/busrefresh/customers", "customers:**"),
            ("/actuator/busrefresh/customers:9000", "customers:9000:**"),
            ("/actuator/busrefresh/customers/9000", "customers:9000:**"),
            ("/actuator/busrefresh/customers%3A9000", "customers:9000:**"),
            ("/actuator/busrefresh//nobody", "nobody:**"),
            ("/actuator/bus-refresh/nobody/", "nobody:**"),
            ("/actuator/busrefresh/a:dev:1:x", "a:dev:1:x"),
        ] {
            assert_eq!(destination(path).as_str(), expected, "{path}");
        }
    }

    #[test]
    fn only_malformed_json_is_refused() {
        for (content_type, body, expected) in [
            ("application/json", "", true),
            ("application/json", "{}", true),
            ("application/json", "null", true),
            ("application/json", "{", false),
            ("application/json", "[]", false),
            (
                "application/vnd.spring-boot.actuator.v3+json",
                "\"x\"",
                false,
            ),
            ("application/x-www-form-urlencoded", "payload={", true),
            ("text/plain", "{", true),
        ] {
            let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(
                is_object_or_nothing(&headers, body.as_bytes()),
                expected,
                "{content_type} {body}"
            );
        }
    }
}
