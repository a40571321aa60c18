//! `POST /monitor`: a git host says that something was pushed.

#[cfg(fuzzing)]
pub(super) mod fuzzing;

use std::{
    net::SocketAddr,
    time::{Duration, Instant, SystemTime},
};

use axum::{
    extract::{ConnectInfo, Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tracing::{info, warn};

use super::{
    Services, Settings,
    accept::Accept,
    access::Asking,
    body::{content_type, is_json, read},
    denials::beginning,
    error::{Failure, to_json},
};
use crate::{
    access::{Caller, Kind},
    metrics::{Delivery, Metrics, OTHER, Phase},
    refresh::Refresh,
    traces::Traces,
    webhook::{self, Deliveries, Provider, Pushed, form_paths, recognise, signature},
};

/// Believes or refuses the delivery, and answers with whom Spring would tell; the work goes on afterwards.
pub(super) async fn receive(
    State(services): State<Services>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    asking: Asking,
    request: Request,
) -> Result<Response, Failure> {
    let provider = Provider::of(request.headers()).map_or(OTHER, Provider::name);
    let mut delivery = Delivery::Closed;
    let received = Received {
        settings: &services.settings,
        refresh: &services.refresh,
        deliveries: &services.deliveries,
        metrics: &services.metrics,
        traces: &services.traces,
        delivery: &mut delivery,
    };
    let answer = received.answer(peer, &asking, request).await;
    services.metrics.webhooks.came(provider, delivery);
    answer
}

/// A delivery, and what becomes of it.
struct Received<'r> {
    settings: &'r Settings,
    refresh: &'r Refresh,
    deliveries: &'r Deliveries,
    metrics: &'r Metrics,
    traces: &'r Traces,
    delivery: &'r mut Delivery,
}

impl Received<'_> {
    async fn answer(
        self,
        peer: SocketAddr,
        asking: &Asking,
        request: Request,
    ) -> Result<Response, Failure> {
        let Self {
            settings,
            refresh,
            deliveries,
            metrics,
            traces,
            delivery,
        } = self;
        let came = SystemTime::now();
        let peer = peer.ip().to_canonical();
        let has_to_prove = has_to_prove(&settings.webhook, &asking.caller);
        if has_to_prove && !settings.webhook.takes_from(peer) {
            return Err(Failure::new(StatusCode::FORBIDDEN).explained(
                "webhooks are not taken from this address: see confbus.monitor.sources",
            ));
        }
        let (parts, body) = request.into_parts();
        *delivery = Delivery::Size;
        let body = read(body, settings.limits.webhook, &settings.limits).await?;
        *delivery = Delivery::Signature;
        if has_to_prove {
            let began = Instant::now();
            let checked = check(&settings.webhook, &parts.headers, &body);
            metrics.refreshes.passed(Phase::Verify, began.elapsed());
            checked?;
        }
        *delivery = Delivery::Malformed;
        let content_type = Accept::of(&parts.headers).json().ok_or_else(|| {
            Failure::not_acceptable("application/json, application/*+json, application/yaml")
        })?;

        let pushed = parse(&parts.headers, &body, &settings.webhook)?;
        *delivery = Delivery::Event;
        let guessed = pushed
            .as_ref()
            .map(|pushed| pushed.guessed.clone())
            .unwrap_or_default();
        if let Some(mut pushed) = pushed {
            *delivery = Delivery::Accepted;
            let again = deliveries.came_before(&parts.headers, Instant::now());
            info!(
                event = "webhook.accepted",
                reference = pushed.reference.as_deref().map(beginning),
                files = pushed.paths.len(),
                again,
                "a push was reported"
            );
            if again {
                *delivery = Delivery::Duplicate;
                // Somebody may have sent it again because nothing came of it: worth one look, and not several.
                pushed.after = None;
            }
            // Strangers begin no traces.
            let span = traces.request("POST /monitor", &parts.headers, came);
            refresh.push_arrived(pushed, span.context());
            span.end();
        }
        Ok(([(header::CONTENT_TYPE, content_type)], to_json(&guessed)).into_response())
    }
}

/// Whether a delivery has to prove where it comes from: not where its sender has proved to be one who may, and not where nothing
/// can come of it elsewhere.
fn has_to_prove(settings: &webhook::Settings, caller: &Caller) -> bool {
    let is_ours = caller.is_this_machine() && settings.believes_this_machine();
    let may = caller
        .proved()
        .is_some_and(|known| known.may_some(Kind::Monitor));
    !is_ours && !may
}

fn check(settings: &webhook::Settings, headers: &HeaderMap, body: &[u8]) -> Result<(), Failure> {
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

    fn believes(settings: &webhook::Settings, caller: &Caller) -> bool {
        !has_to_prove(settings, caller) || check(settings, &HeaderMap::new(), b"").is_ok()
    }

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
            (Caller::user(), true),
            (Caller::this_machine(), false),
            (Caller::Anyone, false),
        ] {
            assert_eq!(believes(&settings, &caller), believed, "{caller:?}");
        }
        settings.validation = false;
        assert!(believes(&settings, &Caller::Anyone));
    }

    #[test]
    fn this_machine_is_believed_where_nothing_comes_of_it_elsewhere() {
        let believed = |settings: &webhook::Settings, caller: Caller| believes(settings, &caller);
        let mut settings = webhook::Settings {
            stays_here: true,
            ..webhook::Settings::default()
        };
        assert!(believed(&settings, Caller::this_machine()));
        assert!(!believed(&settings, Caller::Anyone));
        settings
            .gitea
            .secrets
            .extend(webhook::Secret::new("a secret"));
        assert!(!believed(&settings, Caller::this_machine()));
    }
}
