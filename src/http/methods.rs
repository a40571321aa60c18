//! Methods that a resource does not have.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderName, Method, StatusCode, header};

use super::{access::Asking, error::Failure};

/// What a resource is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Methods {
    /// For 405.
    allowed: &'static str,
    /// For OPTIONS.
    options: &'static str,
}

pub(super) const READ: Methods = Methods {
    allowed: "GET",
    options: "GET,HEAD,OPTIONS",
};
pub(super) const WRITE: Methods = Methods {
    allowed: "POST",
    options: "POST,OPTIONS",
};
pub(super) const READ_OR_WRITE: Methods = Methods {
    allowed: "GET, POST",
    options: "GET,HEAD,POST,OPTIONS",
};

/// Answers OPTIONS and refuses the rest.
pub(super) fn other(method: &Method, methods: Methods) -> Result<Response, Failure> {
    if method != Method::OPTIONS {
        return Err(Failure::method_not_allowed(methods.allowed));
    }
    let accept_patch = HeaderName::from_static("accept-patch");
    Ok((
        StatusCode::OK,
        [(header::ALLOW, methods.options), (accept_patch, "")],
    )
        .into_response())
}

/// [`other`] as a handler of a resource that is read.
pub(super) async fn not_read(asking: Asking, method: Method) -> Result<Response, Failure> {
    asking.may_enter()?;
    other(&method, READ)
}

/// [`other`] as a handler of a resource that is written.
pub(super) async fn not_written(asking: Asking, method: Method) -> Result<Response, Failure> {
    asking.may_enter()?;
    other(&method, WRITE)
}
