//! `/_/api/pins`: who holds which addresses at which commit.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    Settings,
    access::Asking,
    body::{self, content_type, is_json},
    error::Failure,
    instances::json,
    sight::sees,
};
use crate::{
    access::{Kind, Wanted},
    environment_repository::{EnvironmentRepository, FindError, Holdable},
    pins::{Address, Pin, PinError, Pins, Wish},
};

/// Several times what a pin or a wave needs.
const LONGEST_BODY: usize = 16 * 1024;

#[derive(Serialize)]
struct View<'l> {
    schema: &'static str,
    pins: Vec<&'l Pin>,
}

/// All that hold now and that the caller may see.
pub(super) async fn list(State(pins): State<Pins>, asking: Asking) -> Response {
    let (all, reach) = (pins.all(), asking.reach(Kind::Fleet));
    let seen = all.iter().filter(|pin| sees(&reach, &pin.address));
    json(&View {
        schema: "confbus.pins/1",
        pins: seen.map(|pin| &**pin).collect(),
    })
}

/// Holds an address at a commit. Only JSON is taken, which no page makes a browser send unasked.
pub(super) async fn pin(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(pins): State<Pins>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let wish = Wish::from_json(&json_body(&settings, &headers, body).await?)?;
    let pin = hold(&repository, &pins, &asking, wish, asking.name()).await?;
    Ok((StatusCode::CREATED, json(&*pin)).into_response())
}

/// Puts a pin in force that the caller may make, under this name.
pub(super) async fn hold(
    repository: &EnvironmentRepository,
    pins: &Pins,
    asking: &Asking,
    wish: Wish,
    by: String,
) -> Result<Arc<Pin>, Failure> {
    asking.may(&of_address(&wish.address))?;
    let found = repository.find_holdable(&wish.request, &wish.commit).await;
    let found = found.map_err(not_holdable)?;
    may_hold(asking, repository, &wish.address, &found)?;
    let pin = wish.pin(found.repository, found.commit, by);
    Ok(pins.add(pin).await?)
}

/// Whoever may only decide about some labels holds nothing at a commit that none of them has named: it may be that of a branch
/// which nobody is to be given.
fn may_hold(
    asking: &Asking,
    repository: &EnvironmentRepository,
    address: &Address,
    found: &Holdable,
) -> Result<(), Failure> {
    let reach = asking.reach(Kind::Operate);
    let (application, profile) = (&*address.application, address.profile.as_deref());
    let has = |label: Option<&str>| reach.has_address(application, profile, label);
    if has(None) || repository.has_been_named(found, |label| has(Some(label.as_str()))) {
        return Ok(());
    }
    Err(asking.refusal_of(&of_address(address)).explained(
        "no label that rules of this server leave to you has named this commit here lately",
    ))
}

/// Lets an address go.
pub(super) async fn release(
    State(pins): State<Pins>,
    asking: Asking,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    let_go(&pins, &asking, id, asking.name(), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a pin that the caller may end, under this name, and for this reason if it gives one.
pub(super) async fn let_go(
    pins: &Pins,
    asking: &Asking,
    id: String,
    by: String,
    reason: Option<String>,
) -> Result<(), Failure> {
    let pin = pins.all().iter().find(|pin| pin.id == id).cloned();
    if let Some(pin) = &pin {
        let reach = asking.reach(Kind::Fleet);
        match asking.may(&of_address(&pin.address)) {
            // Why is for the log alone.
            Err(refused) if !sees(&reach, &pin.address) => {
                return Err(no_such_pin().denied_as(refused));
            }
            may => may?,
        }
    }
    if pins.release(id, by, reason).await? {
        Ok(())
    } else {
        Err(no_such_pin())
    }
}

fn no_such_pin() -> Failure {
    Failure::not_found().explained("there is no such pin")
}

/// The body of a request that decides something.
pub(super) async fn json_body(
    settings: &Settings,
    headers: &HeaderMap,
    body: Body,
) -> Result<Bytes, Failure> {
    if !is_json(&content_type(headers)) {
        let failure = Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        return Err(failure.explained("send it as application/json"));
    }
    body::read(body, LONGEST_BODY, &settings.limits).await
}

/// To decide about an address.
pub(super) fn of_address(address: &Address) -> Wanted {
    let (profile, label) = (address.profile.as_deref(), address.label.as_deref());
    Wanted::address(Kind::Operate, &address.application, profile, label)
}

fn not_holdable(error: FindError) -> Failure {
    match error {
        FindError::NoSuchLabel => Failure::not_found().explained("there is no such label"),
        FindError::NoSuchCommit => Failure::not_found()
            .explained("no repository in service has this commit on a branch or under a tag"),
        broken @ FindError::Broken(_) => Failure::from(broken).with_status(StatusCode::CONFLICT),
        other => other.into(),
    }
}

impl From<PinError> for Failure {
    fn from(error: PinError) -> Self {
        let status = match error {
            PinError::Invalid(_) => StatusCode::BAD_REQUEST,
            PinError::TooMany => StatusCode::CONFLICT,
            PinError::NotSaved(_) => StatusCode::INTERNAL_SERVER_ERROR,
            PinError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status).explained(error.to_string())
    }
}
