//! The three things that somebody may do on a page: ask for a refresh, pin an address, let it go. Each is a plain form that
//! says first what it will do.

mod form;
mod pin;
mod questions;

use std::time::SystemTime;

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use confbus_protocol::Destination;
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use tracing::info;

use super::{
    super::{
        Services,
        access::Asking,
        busrefresh::told,
        error::Failure,
        pins::{let_go, of_address},
        sight::sees,
    },
    answers::{frame, page},
    reads::{asked, pinned_seen},
    token::{cookie_of, new_cookie, set_cookie},
};
use crate::{
    access::{Kind, Wanted},
    pages::{Confirmation, Place},
    pins::Pin,
};
use form::Form;
pub(in super::super) use pin::{ask_pin, pin};
use questions::{Confirmed, refresh_form, release_form};

/// `GET /_/refresh`
pub(in super::super) async fn ask_refresh(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let form = Form::asked(&uri, &["to"]);
    let asked = refresh_form(&asking, &form);
    show(&services, &asking, &headers, asked, None)
}

/// `POST /_/refresh`
pub(in super::super) async fn refresh(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let form = Form::read(&services.settings, &headers, body).await?;
    let asked = refresh_form(&asking, &form);
    let outcome = look_again(&services, &asking, &headers, &form, &asked.action).await;
    let place = outcome.map(|()| "/refreshes");
    answered(&services, &asking, &headers, asked, place)
}

/// `GET /_/pins/{id}/release`
pub(in super::super) async fn ask_release(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let pin = seen_pin(&services, &asking, &id)?;
    let asked = release_form(&asking, &pin, &Form::default());
    show(&services, &asking, &headers, asked, None)
}

/// `POST /_/pins/{id}/release`
pub(in super::super) async fn release(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response, Failure> {
    let form = Form::read(&services.settings, &headers, body).await?;
    let pin = seen_pin(&services, &asking, &id)?;
    let asked = release_form(&asking, &pin, &form);
    let outcome = released(&services, &asking, &headers, &form, &asked.action, &pin).await;
    answered(&services, &asking, &headers, asked, outcome.map(|()| "/"))
}

async fn look_again(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    form: &Form,
    action: &str,
) -> Result<(), Failure> {
    let who = form.signed(services, asking, headers, action)?;
    let destination = match form.text("to").trim() {
        "" => Destination::everyone(),
        named => Destination::complete(named),
    };
    asking.may(&Wanted::destination(Kind::Refresh, &destination))?;
    let traces = &services.traces;
    let span = traces.request("POST /_/refresh", headers, SystemTime::now());
    told(&services.refresh, destination.clone(), span).await?;
    info!(%who, %destination, reason = form.text("reason").trim(), "somebody asked for a refresh on a page");
    Ok(())
}

async fn released(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    form: &Form,
    action: &str,
    pin: &Pin,
) -> Result<(), Failure> {
    let who = form.signed(services, asking, headers, action)?;
    let reason = form.text("reason").trim().to_owned();
    let (id, by) = (pin.id.clone(), who.clone());
    let_go(&services.pins, asking, id, by, Some(reason.clone())).await?;
    info!(%who, address = %pin.address, commit = %pin.commit, reason, "somebody let an address go on a page");
    Ok(())
}

fn seen_pin(
    services: &Services,
    asking: &Asking,
    id: &str,
) -> Result<std::sync::Arc<Pin>, Failure> {
    let pins = services.pins.all();
    let reach = asking.reach(Kind::Fleet);
    let decides = |pin: &Pin| asking.caller.may(&of_address(&pin.address)).is_ok();
    let pin = pins
        .iter()
        .find(|pin| pin.id == id && (sees(&reach, &pin.address) || decides(pin)));
    let gone = || Failure::not_found().explained("there is no such pin; its time may be over");
    pin.cloned().ok_or_else(gone)
}

/// It was done, and the browser goes on to a place that shows it; or the form once more, with what is wrong. What has nothing
/// to do with what was filled in is told as usual.
fn answered(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    asked: Confirmed,
    outcome: Result<&str, Failure>,
) -> Result<Response, Failure> {
    let problem = match outcome {
        Ok(place) => return Ok(done(services, asking, place)),
        Err(problem) => problem,
    };
    let is_about_form = matches!(
        problem.status,
        StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND | StatusCode::CONFLICT
    );
    match problem.told() {
        Some(told) if is_about_form && problem.denial.is_none() => {
            let told = told.to_owned();
            let mut response = show(services, asking, headers, asked, Some(told))?;
            *response.status_mut() = problem.status;
            Ok(response)
        }
        _ => Err(problem),
    }
}

fn show(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    asked: Confirmed,
    problem: Option<String>,
) -> Result<Response, Failure> {
    let settings = &services.settings;
    let outside = asking.outside();
    let mut frame = frame(settings, outside, Place::Elsewhere, asking.name());
    frame.pinned = pinned_seen(services, asking);
    let cookie = cookie_of(headers).unwrap_or_else(new_cookie);
    let is_tls = outside.scheme(settings) == "https";
    let set = set_cookie(&cookie, &frame.base, is_tls);
    let token = services
        .tokens
        .issue(&cookie, &asking.name(), &asked.action);
    let confirmation = Confirmation {
        frame,
        title: asked.title,
        effect: asked.effect,
        preview: asked.preview,
        action: asked.action,
        seal: token,
        decided: asked.decided,
        fields: asked.fields,
        button: asked.button,
        problem,
    };
    let mut response = page(&confirmation)?;
    let headers = response.headers_mut();
    if let Ok(set) = HeaderValue::try_from(set) {
        headers.insert(header::SET_COOKIE, set);
    }
    // It holds a token.
    let never = HeaderValue::from_static("no-store");
    headers.insert(header::CACHE_CONTROL, never);
    headers.remove(header::ETAG);
    Ok(response)
}

fn done(services: &Services, asking: &Asking, place: &str) -> Response {
    let base = asking.outside().base(&services.settings);
    let location = format!("{base}/_{place}");
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}

impl Form {
    /// What the address of a page fills in.
    fn asked(uri: &Uri, names: &[&'static str]) -> Self {
        let values = names
            .iter()
            .map(|name| ((*name).to_owned(), asked(uri, name)));
        Self::of(values.collect())
    }
}
