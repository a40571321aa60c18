//! The config space: every path that is no fixed route.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use confbus_resolution::Conversion;
use http::{HeaderMap, HeaderName, Method};

use super::{
    Settings,
    access::{Allowed, Caller},
    body, encryption, environments,
    error::Failure,
    methods,
    reader::{Form, Reader},
    resources,
    route::{Ask, Query, route},
    target::segments,
};
use crate::{environment_repository::EnvironmentRepository, ledger::Ledger, vault::Token};

/// Opens Vaults.
const CONFIG_TOKEN: HeaderName = HeaderName::from_static("x-config-token");

/// Routes by the raw path and answers.
pub(super) async fn find(
    State(settings): State<Arc<Settings>>,
    State(repository): State<EnvironmentRepository>,
    State(ledger): State<Ledger>,
    _: Allowed,
    caller: Caller,
    request: Request,
) -> Result<Response, Failure> {
    let (
        http::request::Parts {
            method,
            uri,
            headers,
            extensions,
            ..
        },
        body,
    ) = request.into_parts();
    let below = settings
        .context_path
        .below(uri.path())
        .and_then(|path| settings.prefix.below(path));
    let segments = segments(below.ok_or_else(Failure::not_found)?);
    if let Some(endpoint) = encryption::endpoint(&segments, &method) {
        let request = encryption::Request {
            headers: &headers,
            query: uri.query(),
            body: body::read(body, &settings.limits).await?,
            caller,
        };
        return endpoint.answer(&settings, &method, &request);
    }
    let query = Query::parse(uri.query());
    let route = route(&segments, &query).ok_or_else(Failure::not_found)?;
    if !matches!(method, Method::GET | Method::HEAD) {
        return methods::other(&method, methods::READ);
    }
    let reader = Reader::of(&headers, &extensions);
    // Who asks for the head only has not read what stands below it.
    let note = |request, version, form| {
        if method == Method::GET {
            ledger.read(reader.read(request, version, form));
        }
    };
    match route.ask(&query, &headers)? {
        Ask::Environment {
            request,
            representation,
            content_type,
        } => {
            let (answer, version) = environments::find(
                &repository,
                &request,
                representation,
                &content_type,
                &headers,
            )
            .await?;
            note(request, version, Form::Environment);
            Ok(answer)
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
            let (answer, version) =
                environments::convert(&repository, &request, conversion, &headers).await?;
            note(request, version, Form::Text);
            Ok(answer)
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
