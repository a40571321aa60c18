//! `GET /_/api/refreshes[/{id}]`: which refreshes there were, whom they told, and what came back.

use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;

use super::{access::Asking, error::Failure, instances::json};
use crate::{access::Kind, ledger::Ledger};

/// All that are remembered and may concern applications of the caller, newest first.
pub(super) async fn list(
    State(ledger): State<Ledger>,
    asking: Asking,
) -> Result<Response, Failure> {
    let seen = asking.reach(Kind::Fleet);
    Ok(json(&ledger.refreshes(seen).await?))
}

/// One of them.
pub(super) async fn one(
    State(ledger): State<Ledger>,
    asking: Asking,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    let unknown = || Failure::new(StatusCode::NOT_FOUND).explained("no such refresh is remembered");
    let refresh = ledger.refresh(id, asking.reach(Kind::Fleet)).await?;
    Ok(json(&refresh.ok_or_else(unknown)?))
}
