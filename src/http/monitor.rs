//! `POST /monitor`: a git host says that something was pushed.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::{info, warn};

use super::{
    Settings,
    accept::Accept,
    access::Caller,
    body::{content_type, is_json, read},
    error::{Failure, to_json},
};
use crate::{
    refresh::Refresh,
    webhook::{self, Deliveries, Pushed, form_paths, recognise, signature},
};

/// Believes or refuses the delivery, and answers with whom Spring would tell; the work goes on afterwards.
pub(super) async fn receive(
    State(settings): State<Arc<Settings>>,
    State(refresh): State<Refresh>,
    State(deliveries): State<Deliveries>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let peer = peer.ip().to_canonical();
    if caller != Caller::User && !settings.webhook.takes_from(peer) {
        return Err(Failure::new(StatusCode::FORBIDDEN)
            .explained("webhooks are not taken from this address: see confbus.monitor.sources"));
    }
    let (parts, body) = request.into_parts();
    let body = read(body, settings.limits.webhook, &settings.limits).await?;
    authenticate(&settings.webhook, caller, &parts.headers, &body)?;
    let content_type = Accept::of(&parts.headers).json().ok_or_else(|| {
        Failure::not_acceptable("application/json, application/*+json, application/yaml")
    })?;

    let pushed = parse(&parts.headers, &body, &settings.webhook)?;
    let guessed = pushed
        .as_ref()
        .map(|pushed| pushed.guessed.clone())
        .unwrap_or_default();
    if let Some(mut pushed) = pushed {
        let again = deliveries.came_before(&parts.headers, Instant::now());
        info!(
            reference = pushed.reference,
            files = pushed.paths.len(),
            again,
            "a push was reported"
        );
        if again {
            // Somebody may have sent it again because nothing came of it: worth one look, and not several.
            pushed.after = None;
        }
        refresh.push_arrived(pushed);
    }
    Ok(([(header::CONTENT_TYPE, content_type)], to_json(&guessed)).into_response())
}

/// A signature, or the user's password; nothing at all where nothing can come of it elsewhere.
fn authenticate(
    settings: &webhook::Settings,
    caller: Caller,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Failure> {
    let is_ours = caller == Caller::ThisMachine && settings.believes_this_machine();
    if is_ours || caller == Caller::User {
        return Ok(());
    }
    signature::check(settings, headers, body, since_1970())
        .map_err(|error| Failure::new(StatusCode::FORBIDDEN).explained(error.to_string()))
}

fn parse(
    headers: &HeaderMap,
    body: &[u8],
    settings: &webhook::Settings,
) -> Result<Option<Pushed>, Failure> {
    match content_type(headers).as_str() {
        "application/x-www-form-urlencoded" => {
            let pushed = form_paths(body, settings);
            if pushed.is_none() && body.starts_with(b"payload=") {
                warn!(
                    "a webhook came as a form: choose the content type application/json where it is set up"
                );
            }
            pushed.map(Some).ok_or_else(|| {
                Failure::bad_request()
                    .because("the form has no `path`; webhooks have to be sent as JSON")
            })
        }
        json if is_json(json) => {
            let body = serde_json::from_slice(body)
                .map_err(|_| Failure::bad_request().because("the body is not a JSON object"))?;
            recognise(headers, &body, settings).map_err(|error| {
                Failure::new(StatusCode::INTERNAL_SERVER_ERROR).because(error.to_string())
            })
        }
        "" if body.is_empty() => Err(Failure::bad_request().because("there is no body")),
        _ => Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE).with(
            header::ACCEPT,
            HeaderValue::from_static("application/json, application/yaml, application/*+json"),
        )),
    }
}

pub(super) fn since_1970() -> Duration {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(content_type: &str, body: &str) -> Result<Vec<String>, u16> {
        let headers = [(header::CONTENT_TYPE, content_type.parse().unwrap())]
            .into_iter()
            .collect();
        let pushed = parse(&headers, body.as_bytes(), &webhook::Settings::default());
        pushed
            .map(|pushed| pushed.map(|pushed| pushed.guessed).unwrap_or_default())
            .map_err(|failure| failure.status.as_u16())
    }

    #[test]
    fn deliveries_are_json_objects_or_forms_with_paths() {
        let json = "application/json";
        let form = "application/x-www-form-urlencoded";
        for (content_type, body, expected) in [
            (json, r#"{"path":"foo.yml"}"#, Ok(vec!["foo".to_owned()])),
            (
                "application/vnd.github+json",
                r#"{"path":"foo.yml"}"#,
                Ok(vec!["foo".to_owned()]),
            ),
            (json, "{}", Ok(vec![])),
            (json, "", Err(400)),
            (json, "[]", Err(400)),
            (json, "null", Err(400)),
            (json, "\"foo.yml\"", Err(400)),
            (json, r#"{"path":"#, Err(400)),
            (json, r#"{"path":["a.yml",7,null]}"#, Err(500)),
            (form, "path=foo.yml", Ok(vec!["foo".to_owned()])),
            (form, "payload=%7B%7D", Err(400)),
            ("text/plain", "foo.yml", Err(415)),
            ("", "foo.yml", Err(415)),
            ("", "", Err(400)),
        ] {
            assert_eq!(
                status(content_type, body),
                expected,
                "{content_type} {body}"
            );
        }
    }

    #[test]
    fn strangers_and_this_machine_need_a_signature() {
        let mut settings = webhook::Settings::default();
        for (caller, believed) in [
            (Caller::User, true),
            (Caller::ThisMachine, false),
            (Caller::Stranger, false),
        ] {
            assert_eq!(
                authenticate(&settings, caller, &HeaderMap::new(), b"").is_ok(),
                believed,
                "{caller:?}"
            );
        }
        settings.validation = false;
        assert!(authenticate(&settings, Caller::Stranger, &HeaderMap::new(), b"").is_ok());
    }

    #[test]
    fn this_machine_is_believed_where_nothing_comes_of_it_elsewhere() {
        let believed = |settings: &webhook::Settings, caller| {
            authenticate(settings, caller, &HeaderMap::new(), b"").is_ok()
        };
        let mut settings = webhook::Settings {
            stays_here: true,
            ..webhook::Settings::default()
        };
        assert!(believed(&settings, Caller::ThisMachine));
        assert!(!believed(&settings, Caller::Stranger));
        settings
            .gitea
            .secrets
            .extend(webhook::Secret::new("a secret"));
        assert!(!believed(&settings, Caller::ThisMachine));
    }
}
