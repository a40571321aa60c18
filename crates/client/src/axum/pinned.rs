use ::axum::{
    extract::{FromRequestParts, Request, State},
    http::{StatusCode, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};

use crate::{Client, Snapshot};

/// The configuration that was current when the request came in: the same for all who extract it.
///
/// Needs the middleware [`pin`] around the route.
#[derive(Debug, Clone)]
pub struct Pinned(pub Snapshot);

/// The middleware [`pin`] is not around this route; answered with 500.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error(
    "no configuration is pinned to this request: the middleware `confbus_client::axum::pin` is missing"
)]
#[non_exhaustive]
pub struct NotPinned;

/// Holds one configuration through a request, for [`Pinned`].
///
/// For `axum::middleware::from_fn_with_state(client.clone(), pin)`. A request that is pinned already stays as it is.
pub async fn pin(State(client): State<Client>, mut request: Request, next: Next) -> Response {
    request
        .extensions_mut()
        .get_or_insert_with(|| Pinned(client.snapshot()));
    next.run(request).await
}

impl<S: Send + Sync> FromRequestParts<S> for Pinned {
    type Rejection = NotPinned;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, NotPinned> {
        parts.extensions.get::<Self>().cloned().ok_or(NotPinned)
    }
}

impl IntoResponse for NotPinned {
    fn into_response(self) -> Response {
        (StatusCode::INTERNAL_SERVER_ERROR, self.to_string()).into_response()
    }
}
