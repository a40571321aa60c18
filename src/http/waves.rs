//! `/_/api/waves`: which commits are on their way, and who decides about them.

use axum::{body::Body, extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde::Serialize;

use super::{
    Services,
    access::Asking,
    error::Failure,
    instances::json,
    pins::{json_body, of_address},
    sight::sees,
};
use crate::{
    access::Kind,
    waves::{Decision, WaveError, WaveView, Waves, Wish},
};

#[derive(Serialize)]
struct View {
    schema: &'static str,
    waves: Vec<WaveView>,
}

/// All that are under way or stand still and that the caller may see.
pub(super) async fn list(State(waves): State<Waves>, asking: Asking) -> Response {
    let reach = asking.reach(Kind::Fleet);
    let waves = waves.all().into_iter();
    shown(waves.filter(|wave| sees(&reach, wave.address())).collect())
}

/// Gives everybody the commit of a wave.
pub(super) async fn promote(
    services: State<Services>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    decide(services, asking, headers, body, Decision::Promote).await
}

/// Gives nobody the commit of a wave.
pub(super) async fn abort(
    services: State<Services>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Failure> {
    decide(services, asking, headers, body, Decision::Abort).await
}

async fn decide(
    State(services): State<Services>,
    asking: Asking,
    headers: HeaderMap,
    body: Body,
    decision: Decision,
) -> Result<Response, Failure> {
    let body = json_body(&services.settings, &headers, body).await?;
    let wish = Wish::from_json(&body, decision)?;
    asking.may(&of_address(&wish.address))?;
    let waves = services.waves.decide(wish, asking.name()).await?;
    Ok(shown(waves))
}

fn shown(waves: Vec<WaveView>) -> Response {
    json(&View {
        schema: "confbus.waves/1",
        waves,
    })
}

impl From<WaveError> for Failure {
    fn from(error: WaveError) -> Self {
        let status = match error {
            WaveError::Invalid(_) => StatusCode::BAD_REQUEST,
            WaveError::NoWave => StatusCode::NOT_FOUND,
            WaveError::Closed => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status).explained(error.to_string())
    }
}
