//! Reads bodies within bounds of size and time.

use std::error::Error;

use axum::body::{Body, HttpBody as _};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde_json::{Map, Value};

use super::{error::Failure, gate::TooMany, settings::Limits};

/// The whole body, of at most so many bytes.
pub(super) async fn read(body: Body, longest: usize, limits: &Limits) -> Result<Bytes, Failure> {
    let too_long = || {
        Failure::new(StatusCode::PAYLOAD_TOO_LARGE)
            .explained(format!("the body is larger than {longest} bytes"))
    };
    if body.size_hint().lower() > longest as u64 {
        return Err(too_long());
    }
    let whole = Limited::new(body, longest).collect();
    let collected = tokio::time::timeout(limits.body_timeout, whole).await;
    match collected {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if comes_from::<LengthLimitError>(&*error) => Err(too_long()),
        Ok(Err(error)) if comes_from::<TooMany>(&*error) => Err(Failure::busy()),
        Ok(Err(_)) => Err(Failure::bad_request().because("the body could not be read")),
        Err(_) => Err(Failure::new(StatusCode::REQUEST_TIMEOUT)),
    }
}

/// `application/json`, without parameters and in lower case; empty when it is not said.
pub(super) fn content_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

pub(super) fn is_json(content_type: &str) -> bool {
    content_type == "application/json"
        || (content_type.starts_with("application/") && content_type.ends_with("+json"))
}

/// The object that a body is; `null` is an empty one.
pub(super) fn json_object(body: &[u8]) -> Result<Map<String, Value>, Failure> {
    let object: Option<_> = serde_json::from_slice(body)
        .map_err(|_| Failure::bad_request().because("the body is not a JSON object"))?;
    Ok(object.unwrap_or_default())
}

fn comes_from<E: Error + 'static>(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<E>() {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test]
    async fn a_long_body_is_refused_before_it_is_read() {
        let limits = Limits::default();
        let read = async |body| read(body, 4, &limits).await;
        assert_eq!(read(Body::from("1234")).await.unwrap(), "1234");
        let parts = |last: &'static str| {
            let parts = ["12", last].map(Ok::<_, Infallible>);
            Body::from_stream(futures_util::stream::iter(parts))
        };
        assert_eq!(read(parts("34")).await.unwrap(), "1234");
        for body in [Body::from("12345"), parts("345")] {
            let refused = read(body).await.unwrap_err();
            assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
        }
    }

    #[test]
    fn vendors_have_json_types_of_their_own() {
        for (value, expected) in [
            ("application/json;charset=UTF-8", true),
            ("application/vnd.github+json", true),
            ("text/plain", false),
            ("text/x+json", false),
        ] {
            let headers = [(header::CONTENT_TYPE, value.parse().unwrap())]
                .into_iter()
                .collect();
            assert_eq!(is_json(&content_type(&headers)), expected, "{value}");
        }
    }
}
