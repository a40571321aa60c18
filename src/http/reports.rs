//! `POST /confbus/reports`: what an instance made of a version of its configuration.

use std::sync::Arc;

use axum::{body::Body, extract::State};
use confbus_protocol::{LONGEST_REPORT, Report, ReportError};
use http::StatusCode;

use super::{Settings, access::Asking, body, error::Failure};
use crate::{access::Wanted, ledger::Ledger, traces::Traces};

/// Notes a report.
pub(super) async fn receive(
    State(settings): State<Arc<Settings>>,
    State(ledger): State<Ledger>,
    State(traces): State<Traces>,
    asking: Asking,
    body: Body,
) -> Result<StatusCode, Failure> {
    let body = body::read(body, LONGEST_REPORT, &settings.limits).await?;
    let report = Report::from_json(&body)?;
    asking.may(&Wanted::report(&report))?;
    traces.reported(&report);
    ledger.reported(report);
    Ok(StatusCode::NO_CONTENT)
}

impl From<ReportError> for Failure {
    fn from(error: ReportError) -> Self {
        Self::bad_request().explained(error.to_string())
    }
}
