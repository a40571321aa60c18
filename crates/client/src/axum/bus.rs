use ::axum::{
    extract::{OriginalUri, Path, State},
    http::StatusCode,
};

use super::{Actuator, answer::Failure};

pub(super) async fn everybody(
    State(actuator): State<Actuator>,
    uri: OriginalUri,
) -> Result<StatusCode, Failure> {
    tell(&actuator, "", &uri).await
}

/// Spring joins the segments of a destination with colons.
pub(super) async fn some(
    State(actuator): State<Actuator>,
    Path(destination): Path<String>,
    uri: OriginalUri,
) -> Result<StatusCode, Failure> {
    tell(&actuator, &destination.replace('/', ":"), &uri).await
}

async fn tell(
    actuator: &Actuator,
    destination: &str,
    uri: &OriginalUri,
) -> Result<StatusCode, Failure> {
    let told = actuator.client.refresh_everywhere(destination).await;
    told.map_err(|error| {
        Failure::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            Some(error.to_string()),
            uri,
        )
    })?;
    Ok(StatusCode::NO_CONTENT)
}
