//! `GET /_/api/refreshes[/{id}]`: which refreshes there were, whom they told, and what came back.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{error::Failure, instances::json};
use crate::ledger::Ledger;

/// All that are remembered, newest first.
pub(super) async fn list(State(ledger): State<Ledger>) -> Result<Response, Failure> {
    Ok(json(&ledger.refreshes().await?))
}

/// One of them.
pub(super) async fn one(
    State(ledger): State<Ledger>,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND).explained("no such refresh is remembered");
    let refresh = ledger.refresh(&id).await?;
    Ok(json(&refresh.ok_or_else(unknown)?))
}
