//! `GET /_/api/instances`: where each instance stands, and how the server knows.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{StatusCode, Uri, header};
use serde::Serialize;
use url::form_urlencoded;

use super::{
    access::Asking,
    error::{Failure, to_json},
};
use crate::{
    access::Kind,
    ledger::{self, Closed, InstanceFilter, Ledger},
};

/// Instances that `?application=` and `?state=` let through, and readers, as far as the caller may see them.
pub(super) async fn list(
    State(ledger): State<Ledger>,
    asking: Asking,
    uri: Uri,
) -> Result<Response, Failure> {
    let filter = filter(uri.query())?;
    let seen = asking.reach(Kind::Fleet);
    Ok(json(&ledger.instances(filter, seen).await?))
}

fn filter(query: Option<&str>) -> Result<InstanceFilter, Failure> {
    let mut filter = InstanceFilter::default();
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*key {
            "application" => filter.application = Some(value.into_owned()),
            "state" => {
                let unknown =
                    || Failure::bad_request().explained("`state` is no state of an instance");
                filter.state = Some(ledger::State::named(&value).ok_or_else(unknown)?);
            }
            _ => {}
        }
    }
    Ok(filter)
}

/// An answer that no cache keeps.
pub(super) fn json(body: &impl Serialize) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, to_json(body)).into_response()
}

impl From<Closed> for Failure {
    fn from(closed: Closed) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE).explained(closed.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_states_can_be_asked_for() {
        let asked = filter(Some("application=orders&state=live&other=x")).unwrap();
        assert_eq!(asked.application.as_deref(), Some("orders"));
        assert_eq!(asked.state, Some(ledger::State::Live));
        assert_eq!(filter(Some("state=green")).unwrap_err().status, 400);
        assert!(filter(None).unwrap().state.is_none());
    }
}
