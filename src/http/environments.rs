//! Environments, as JSON and in their text forms.

use axum::{body::Body, response::Response};
use confbus_protocol::Representation;
use confbus_resolution::{Conversion, EnvironmentRequest, Format};
use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    conditional::{entity_tag, has_tag},
    configuration::config_token,
    error::Failure,
    versions::Provenance,
};
use crate::environment_repository::{EnvironmentRepository, Found};

/// An environment as JSON, and the version that it shows.
pub(super) async fn find(
    repository: &EnvironmentRepository,
    request: &EnvironmentRequest,
    representation: Representation,
    content_type: &str,
    headers: &HeaderMap,
) -> Result<(Response, Option<String>), Failure> {
    let Found {
        value,
        commits,
        held,
    } = repository
        .find_one(request, config_token(headers).as_ref())
        .await?;
    let body = value.to_json(representation);
    let answer = answer(body, content_type, &Provenance { commits, held }, headers);
    Ok((answer, value.version))
}

/// An environment as YAML, `.properties` or plain JSON, and the version that it is of.
pub(super) async fn convert(
    repository: &EnvironmentRepository,
    request: &EnvironmentRequest,
    conversion: Conversion,
    headers: &HeaderMap,
) -> Result<(Response, Option<String>), Failure> {
    let Found {
        value,
        commits,
        held,
    } = repository
        .find_one(request, config_token(headers).as_ref())
        .await?;
    let text = confbus_resolution::convert(&value, conversion)?;
    let answer = answer(
        text.into_bytes(),
        content_type_of(conversion.format),
        &Provenance { commits, held },
        headers,
    );
    Ok((answer, value.version))
}

/// The charset stays unsaid, as in Spring; the bytes are UTF-8.
fn content_type_of(format: Format) -> &'static str {
    match format {
        Format::Yaml | Format::Properties => "text/plain",
        Format::Json => "application/json",
    }
}

fn answer(
    body: Vec<u8>,
    content_type: &str,
    provenance: &Provenance,
    headers: &HeaderMap,
) -> Response {
    let tag = entity_tag(&body);
    let known = has_tag(headers, &tag);
    let mut response = Response::new(if known {
        Body::empty()
    } else {
        Body::from(body)
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else if let Ok(content_type) = HeaderValue::try_from(content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    if let Ok(tag) = HeaderValue::try_from(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-cache"),
    );
    provenance.describe(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use confbus_protocol::CommitId;

    use super::*;

    #[test]
    fn a_caller_who_has_the_answer_gets_no_body() {
        let provenance = Provenance {
            commits: vec![CommitId::from_bytes([7; 20])],
            held: None,
        };
        let first = answer(
            b"{}".to_vec(),
            "application/json",
            &provenance,
            &HeaderMap::new(),
        );
        assert_eq!(first.status(), 200);
        assert_eq!(first.headers()["cache-control"], "private, no-cache");
        assert_eq!(first.headers()["x-config-version"], "07".repeat(20));

        let again = [(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone())]
            .into_iter()
            .collect();
        let second = answer(b"{}".to_vec(), "application/json", &provenance, &again);
        assert_eq!(second.status(), 304);
        assert!(!second.headers().contains_key(header::CONTENT_TYPE));
        assert_eq!(
            second.headers()[header::ETAG],
            first.headers()[header::ETAG]
        );
        assert_eq!(
            answer(b"{ }".to_vec(), "application/json", &provenance, &again).status(),
            200
        );
    }
}
