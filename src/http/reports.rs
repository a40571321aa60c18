//! `POST /confbus/reports`: what an instance made of a version of its configuration.

use std::sync::Arc;

use axum::{body::Body, extract::State};
use confbus_protocol::{LONGEST_REPORT, Report, ReportError};
use http::StatusCode;

use super::{Settings, access::Allowed, body, error::Failure};
use crate::ledger::Ledger;

/// Notes a report.
pub(super) async fn receive(
    State(settings): State<Arc<Settings>>,
    State(ledger): State<Ledger>,
    _: Allowed,
    body: Body,
) -> Result<StatusCode, Failure> {
    let body = body::read(body, LONGEST_REPORT, &settings.limits).await?;
    ledger.reported(Report::from_json(&body)?);
    Ok(StatusCode::NO_CONTENT)
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::bad_request().explained(error.to_string())
    }
}
