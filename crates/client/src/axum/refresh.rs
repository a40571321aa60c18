use ::axum::{
    extract::{OriginalUri, State},
    http::StatusCode,
};
use serde_json::Value;

use super::{
    Actuator,
    answer::{Answer, Failure},
};
use crate::RefreshError;

/// Spring tells of the version as of a key.
pub(super) const VERSION_KEY: &str = "config.client.version";

/// Looks again and answers with the keys that moved, the version's first.
pub(super) async fn now(
    State(actuator): State<Actuator>,
    uri: OriginalUri,
) -> Result<Answer, Failure> {
    let client = &actuator.client;
    let before = client.snapshot();
    let moved = client.refresh().await.map_err(|error| {
        let status = match error {
            RefreshError::Refused(_) => StatusCode::INTERNAL_SERVER_ERROR,
            RefreshError::Unavailable(_) | RefreshError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Failure::new(status, Some(error.to_string()), &uri)
    })?;
    let version_moved = before.version() != client.snapshot().version();
    let keys = version_moved
        .then(|| VERSION_KEY.to_owned())
        .into_iter()
        .chain(moved);
    Ok(Answer(StatusCode::OK, keys.map(Value::from).collect()))
}
