//! Environments, as JSON and in their text forms.

use axum::{body::Body, response::Response};
use confbus_protocol::{Environment, Representation};
use confbus_resolution::{Conversion, EnvironmentRequest, Format};
use http::{HeaderMap, HeaderValue, header};

use super::{
    conditional::entity_tag, configuration::config_token, error::Failure, reader::instance,
    versions::Provenance,
};
use crate::environment_repository::{EnvironmentRepository, Found, Past};

/// An answer, and what there is to know of it.
pub(super) struct Told {
    pub(super) answer: Response,
    /// The version that the environment shows.
    pub(super) version: Option<String>,
    pub(super) past: Past,
}

/// An environment as JSON.
pub(super) async fn find(
    repository: &EnvironmentRepository,
    request: &EnvironmentRequest,
    representation: Representation,
    content_type: &str,
    headers: &HeaderMap,
) -> Result<Told, Failure> {
    let (environment, provenance) = found(repository, request, headers).await?;
    let body = environment.to_json(representation);
    Ok(told(environment, body, content_type, provenance))
}

/// An environment as YAML, `.properties` or plain JSON.
pub(super) async fn convert(
    repository: &EnvironmentRepository,
    request: &EnvironmentRequest,
    conversion: Conversion,
    headers: &HeaderMap,
) -> Result<Told, Failure> {
    let (environment, provenance) = found(repository, request, headers).await?;
    let text = confbus_resolution::convert(&environment, conversion)?;
    let content_type = content_type_of(conversion.format);
    Ok(told(
        environment,
        text.into_bytes(),
        content_type,
        provenance,
    ))
}

/// An environment, and where it is from.
async fn found(
    repository: &EnvironmentRepository,
    request: &EnvironmentRequest,
    headers: &HeaderMap,
) -> Result<(Environment, Provenance), Failure> {
    let Found {
        value,
        commits,
        held,
        past,
    } = repository
        .find_one(
            request,
            config_token(headers).as_ref(),
            instance(headers).as_ref(),
        )
        .await?;
    let provenance = Provenance {
        commits,
        held,
        past,
    };
    Ok((value, provenance))
}

/// The charset stays unsaid, as in Spring; the bytes are UTF-8.
fn content_type_of(format: Format) -> &'static str {
    match format {
        Format::Yaml | Format::Properties => "text/plain",
        Format::Json => "application/json",
    }
}

fn told(
    environment: Environment,
    body: Vec<u8>,
    content_type: &str,
    provenance: Provenance,
) -> Told {
    let tag = entity_tag(&body);
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    provenance.describe(headers);
    Told {
        answer: response,
        version: environment.version,
        past: provenance.past,
    }
}
