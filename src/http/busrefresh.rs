//! `POST /actuator/busrefresh[/{destination…}]`: tell applications to fetch their configuration again.

use std::{sync::Arc, time::SystemTime};

use axum::extract::{Request, State};
use bytes::Bytes;
use confbus_protocol::Destination;
use http::{HeaderMap, HeaderName, StatusCode, request::Parts};

use super::{
    Settings,
    access::Asking,
    audit,
    body::{content_type, is_json, json_object, read},
    error::Failure,
    monitor::since_1970,
    target::segments,
};
use crate::{
    access::{Kind, Wanted},
    ledger::RefreshId,
    refresh::{Refresh, RefreshError},
    traces::{REFRESH as REFRESH_ID, Span, Traces},
    webhook::{Provider, signature},
};

/// Under which id `/_/api/refreshes` tells what comes of it.
const REFRESH: HeaderName = HeaderName::from_static("x-config-refresh");

/// Looks, swaps, and tells those whom the path names; everyone when it names nobody.
pub(super) async fn refresh(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    State(traces): State<Traces>,
    asking: Asking,
    request: Request,
) -> Result<(StatusCode, [(HeaderName, String); 1]), Failure> {
    let admitted = admit(&settings, &asking, request).await?;
    if !is_object_or_nothing(&admitted.parts.headers, &admitted.body) {
        return Err(Failure::bad_request().because("the body is not a JSON object"));
    }
    let path = settings.context_path.below(admitted.parts.uri.path());
    let destination = destination(path.unwrap_or_default());
    admitted.may_tell(&asking, &destination)?;
    let name = "POST /actuator/busrefresh";
    let span = traces.request(name, &admitted.parts.headers, SystemTime::now());
    let id = told(&refresh, destination, span).await?;
    Ok((StatusCode::NO_CONTENT, [(REFRESH, id.to_string())]))
}

/// Tells those whom it names, as a part of the request that asks for it; its span says what came of that.
pub(super) async fn told(
    refresh: &Refresh,
    destination: Destination,
    span: Span,
) -> Result<RefreshId, RefreshError> {
    let told = refresh.destination(destination, span.context()).await;
    match &told {
        Ok(id) => span.with(REFRESH_ID, id.to_string()).end(),
        Err(_) => span.failed("undeliverable").end(),
    }
    told
}

/// A request for a refresh, its body read.
pub(super) struct Admitted {
    pub(super) parts: Parts,
    pub(super) body: Bytes,
    /// A webhook's, which may tell everyone.
    is_signed: bool,
}

/// Reads the body of a refresh, if the caller may ask for one at all.
pub(super) async fn admit(
    settings: &Settings,
    asking: &Asking,
    request: Request,
) -> Result<Admitted, Failure> {
    let (parts, body) = request.into_parts();
    let may_some = asking.may_some(Kind::Refresh);
    // A body is only read for those who may be somebody.
    if may_some.is_err() && !may_be_signed(settings, &parts.headers) {
        may_some?;
    }
    // It may be a webhook.
    let body = read(body, settings.limits.webhook, &settings.limits).await?;
    let is_signed = is_signed(settings, &parts.headers, &body);
    if !is_signed {
        asking.may_some(Kind::Refresh)?;
    }
    Ok(Admitted {
        parts,
        body,
        is_signed,
    })
}

impl Admitted {
    /// # Errors
    /// The answer for somebody who may not tell these.
    pub(super) fn may_tell(
        &self,
        asking: &Asking,
        destination: &Destination,
    ) -> Result<(), Failure> {
        if !self.is_signed {
            asking.may(&Wanted::destination(Kind::Refresh, destination))?;
        }
        audit::refresh(asking, destination, self.is_signed);
        Ok(())
    }
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
