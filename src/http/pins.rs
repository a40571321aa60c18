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
    access::{Allowed, Caller},
    body::{self, content_type, is_json},
    error::Failure,
    instances::json,
};
use crate::{
    environment_repository::{EnvironmentRepository, FindError},
    pins::{List, PinError, Pins, Wish},
};

/// Several times what a pin or a wave needs.
const LONGEST_BODY: usize = 16 * 1024;
/// Whoever needs no password is nobody in particular.
const ANONYMOUS: &str = "anonymous";

#[derive(Serialize)]
struct View<'l> {
    schema: &'static str,
    pins: &'l List,
}

/// All that hold now.
pub(super) async fn list(State(pins): State<Pins>, _: Allowed) -> Response {
    json(&View {
        schema: "confbus.pins/1",
        pins: &pins.all(),
    })
}

/// Holds an address at a commit. Only JSON is taken, which no page makes a browser send unasked.
pub(super) async fn pin(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(pins): State<Pins>,
    _: Allowed,
    caller: Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    let wish = Wish::from_json(&json_body(&settings, &headers, body).await?)?;
    let found = repository.find_holdable(&wish.request, &wish.commit).await;
    let found = found.map_err(not_holdable)?;
    let pin = wish.pin(found.repository, found.commit, name_of(caller, &settings));
    let pin = pins.add(pin).await?;
    Ok((StatusCode::CREATED, json(&*pin)).into_response())
}

/// Lets an address go.
pub(super) async fn release(
    State(settings): State<Arc<Settings>>,
    State(pins): State<Pins>,
    _: Allowed,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Failure> {
    if pins.release(id, name_of(caller, &settings)).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Failure::not_found().explained("there is no such pin"))
    }
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

pub(super) fn name_of(caller: Caller, settings: &Settings) -> String {
    match (caller, &settings.access.user) {
        (Caller::User, Some(user)) => user.name.clone(),
        _ => ANONYMOUS.to_owned(),
    }
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
