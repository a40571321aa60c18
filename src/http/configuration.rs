//! The config space: every path that is no fixed route.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use confbus_resolution::Conversion;
use http::{HeaderMap, HeaderName, Method, Uri};

use super::{
    Settings,
    access::Allowed,
    environments,
    error::Failure,
    methods, resources,
    route::{Ask, Query, route},
    target::segments,
};
use crate::{environment_repository::EnvironmentRepository, vault::Token};

/// Opens Vaults.
const CONFIG_TOKEN: HeaderName = HeaderName::from_static("x-config-token");

/// Routes by the raw path and answers.
pub(super) async fn find(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    _: Allowed,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = Query::parse(uri.query());
    let below = settings
        .context_path
        .below(uri.path())
        .and_then(|path| settings.prefix.below(path));
    let route = below
        .and_then(|path| route(&segments(path), &query))
        .ok_or_else(Failure::not_found)?;
    if !matches!(method, Method::GET | Method::HEAD) {
        return methods::other(&method, methods::READ);
    }
    match route.ask(&query, &headers)? {
        Ask::Environment {
            request,
            representation,
            content_type,
        } => {
            environments::find(
                &repository,
                &request,
                representation,
                &content_type,
                &headers,
            )
            .await
        }
        Ask::Converted {
            request,
            format,
            placeholders,
        } => {
            let conversion = Conversion {
                format,
                placeholders,
                strip_document: settings.strip_document,
            };
            environments::convert(&repository, &request, conversion, &headers).await
        }
        Ask::Resource { .. } if !repository.has_files() => Err(Failure::not_found()),
        Ask::Resource {
            request,
            path,
            form,
        } => resources::find(&repository, &request, &path, form, &headers).await,
    }
}

/// The token that a request brings along for Vaults.
pub(super) fn config_token(headers: &HeaderMap) -> Option<Token> {
    Token::of_header(headers.get(CONFIG_TOKEN)?)
}
