//! A pin: which address and commit, then what that changes and why it is done.

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, Uri};
use serde_json::json;
use tracing::info;

use super::{
    answered,
    form::Form,
    questions::{Confirmed, PINNED, choice_fields, pin_form, pinned},
    show,
};
use crate::{
    access::Kind,
    http::{
        Services,
        access::Asking,
        configuration::config_token,
        error::Failure,
        inspections::readable,
        pages::{answers::page, reads::framed},
        pins::hold,
        route::Names,
    },
    inspection::{DiffView, HistoryView},
    pages::{Earlier, PinChoice, Place, Preview},
    pins::{Address, DEFAULT_PROFILE, Wish},
};

const HOUR: u64 = 60 * 60;

/// `GET /_/pin`: what it changes, once an address and a commit are named.
pub(in crate::http) async fn ask_pin(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Response, Failure> {
    let form = Form::asked(&uri, &PINNED);
    let is_named = |name: &str| !form.text(name).trim().is_empty();
    if is_named("application") && is_named("commit") {
        let asked = previewed(&services, &asking, &headers, &form).await;
        return show(&services, &asking, &headers, asked, None);
    }
    let address = pinned(&form);
    let history = history(&services, &asking, &headers, &address).await;
    let (frame, _) = framed(&services, &asking, Place::Elsewhere).await;
    page(&PinChoice {
        frame,
        fields: choice_fields(&form),
        earlier: history
            .map(|history| Earlier::of(&history, &address))
            .unwrap_or_default(),
    })
}

/// `POST /_/pin`
pub(in crate::http) async fn pin(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let form = Form::read(&services.settings, &headers, body).await?;
    let asked = pin_form(&asking, &form);
    let outcome = held(&services, &asking, &headers, &form, &asked.action).await;
    let asked = match &outcome {
        Ok(()) => asked,
        Err(_) => previewed(&services, &asking, &headers, &form).await,
    };
    answered(&services, &asking, &headers, asked, outcome.map(|()| "/"))
}

/// The form with what it changes.
async fn previewed(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    form: &Form,
) -> Confirmed {
    let (address, commit) = (pinned(form), form.text("commit").trim().to_owned());
    let compared = compared(services, asking, headers, &address, &commit).await;
    let compared = compared.map_err(|failure| {
        let told = failure.told();
        told.unwrap_or("rules of this server do not let you")
            .to_owned()
    });
    Confirmed {
        preview: Some(Preview::of_pin(&address, &commit, compared)),
        ..pin_form(asking, form)
    }
}

/// How what the commit gives differs from what the address is given now.
async fn compared(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    address: &Address,
    commit: &str,
) -> Result<DiffView, Failure> {
    let side = |label| readable(asking, &names(address, label), &services.settings);
    let (now, then) = (side(address.label.as_deref())?, side(Some(commit))?);
    let (token, sight) = (config_token(headers), asking.reach(Kind::Fleet));
    let may_read = asking.reach(Kind::Read);
    let inspector = &services.inspector;
    let view = inspector.diff(&now, &then, token.as_ref(), sight, &may_read);
    Ok(view.await?)
}

/// What the address was given before.
async fn history(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    address: &Address,
) -> Result<HistoryView, Failure> {
    let names = names(address, address.label.as_deref());
    let request = readable(asking, &names, &services.settings)?;
    let (token, sight) = (config_token(headers), asking.reach(Kind::Fleet));
    let view = services.inspector.history(&request, token.as_ref(), sight);
    Ok(view.await?)
}

/// The plainest request for an address.
fn names(address: &Address, label: Option<&str>) -> Names {
    let profile = address.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
    Names::new(&address.application, profile, label)
}

async fn held(
    services: &Services,
    asking: &Asking,
    headers: &HeaderMap,
    form: &Form,
    action: &str,
) -> Result<(), Failure> {
    let who = form.signed(services, asking, headers, action)?;
    let hours = match form.text("hours").trim() {
        "" => None,
        text => Some(text.parse::<u64>().map_err(|_| {
            Failure::bad_request().explained("the time is not a whole number of hours")
        })?),
    };
    let address = pinned(form);
    let body = json!({
        "application": address.application,
        "profile": address.profile,
        "label": address.label,
        "commit": form.text("commit").trim(),
        "reason": form.text("reason"),
        "for_seconds": hours.map(|hours| hours.saturating_mul(HOUR)),
    });
    let wish = Wish::from_json(body.to_string().as_bytes())?;
    let pin = hold(&services.repository, &services.pins, asking, wish, who).await?;
    info!(who = %pin.by, address = %pin.address, commit = %pin.commit, reason = %pin.reason, "somebody pinned on a page");
    Ok(())
}
