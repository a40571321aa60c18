//! Texts, and errors with bodies of their own.

use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, StatusCode, header};

use super::super::{
    accept::Accept,
    error::{Failure, to_json},
};
use crate::encryption::CipherError;

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Encrypt,
    Decrypt,
}

/// Spring has its own words for some errors and none for others.
pub(super) fn refused(
    error: CipherError,
    direction: Direction,
    accept: &Accept,
) -> Result<Response, Failure> {
    let said = match (error, direction) {
        (CipherError::TooWeak, _) => Said::TOO_WEAK,
        (CipherError::UnknownAlias, Direction::Decrypt) => Said::NOT_SUPPORTED,
        (CipherError::WrongSecret | CipherError::Foreign, Direction::Decrypt) => Said::FOREIGN,
        (
            CipherError::NoKey
            | CipherError::UnknownAlias
            | CipherError::WrongSecret
            | CipherError::Foreign
            | CipherError::TooShort
            | CipherError::Failed,
            _,
        ) => return Err(failed(&error.to_string())),
    };
    said.answer(accept)
}

pub(super) fn failed(message: &str) -> Failure {
    Failure::new(StatusCode::INTERNAL_SERVER_ERROR).because(message)
}

/// An error with a body of its own.
pub(super) struct Said {
    code: StatusCode,
    status: &'static str,
    description: &'static str,
}

impl Said {
    const TOO_WEAK: Self = Self {
        code: StatusCode::NOT_FOUND,
        status: "INVALID",
        description: "The encryption algorithm is not strong enough",
    };
    pub(super) const NO_PUBLIC_KEY: Self = Self {
        code: StatusCode::NOT_FOUND,
        status: "NOT_FOUND",
        description: "No public key available",
    };
    const FOREIGN: Self = Self {
        code: StatusCode::BAD_REQUEST,
        status: "INVALID",
        description: "Text not encrypted with this key",
    };
    const NOT_SUPPORTED: Self = Self {
        code: StatusCode::BAD_REQUEST,
        status: "BAD_REQUEST",
        description: "Server-side decryption is not supported",
    };

    pub(super) fn answer(&self, accept: &Accept) -> Result<Response, Failure> {
        // Spring fails at telling this to somebody who takes no JSON, and is silent when it cannot tell.
        let content_type = accept.json().ok_or_else(|| {
            if accept.is_readable() {
                failed(self.description)
            } else {
                Failure::empty(self.code).because(self.description)
            }
        })?;
        let fields = [("description", self.description), ("status", self.status)];
        Ok(document(self.code, &content_type, &fields))
    }
}

/// Says what there would be, unless nobody knows what is wanted.
pub(super) fn not_acceptable(types: &str, accept: &Accept) -> Failure {
    if accept.is_readable() {
        Failure::not_acceptable(types)
    } else {
        Failure::empty(StatusCode::NOT_ACCEPTABLE)
    }
}

/// A text in the type that is accepted; nobody gets it as bytes.
pub(super) fn text(body: String, accept: &Accept) -> Result<Response, Failure> {
    let types = "text/plain, application/json, application/yaml, application/*+json, */*";
    let content_type = accept.text().ok_or_else(|| not_acceptable(types, accept))?;
    let content_type = if content_type.starts_with("application/octet-stream") {
        "text/plain;charset=UTF-8".to_owned()
    } else {
        content_type
    };
    let mut response = body.into_response();
    if let Ok(content_type) = HeaderValue::try_from(content_type) {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

pub(super) fn document(
    code: StatusCode,
    content_type: &str,
    fields: &[(&'static str, &str)],
) -> Response {
    let body = if content_type.starts_with("application/yaml") {
        let line = |(key, value): &(&str, &str)| format!("{key}: \"{value}\"\n");
        format!("---\n{}", fields.iter().map(line).collect::<String>())
    } else {
        let fields = fields
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).into()));
        to_json(&fields.collect::<serde_json::Map<_, _>>())
    };
    (
        code,
        [(header::CONTENT_TYPE, content_type.to_owned())],
        body,
    )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_in_the_type_that_is_accepted() {
        let told = |line: &str| {
            let headers = [(header::ACCEPT, line.parse().unwrap())]
                .into_iter()
                .collect();
            let accept = Accept::of(&headers);
            let status = |answer: Result<Response, Failure>| match answer {
                Ok(answer) => (
                    answer.status().as_u16(),
                    answer.headers()[header::CONTENT_TYPE]
                        .to_str()
                        .unwrap()
                        .to_owned(),
                ),
                Err(failure) => (failure.status.as_u16(), String::new()),
            };
            (
                status(text("x".into(), &accept)),
                status(Said::FOREIGN.answer(&accept)),
            )
        };
        for (line, text, error) in [
            (
                "*/*",
                (200, "text/plain;charset=UTF-8"),
                (400, "application/json"),
            ),
            (
                "application/json",
                (200, "application/json"),
                (400, "application/json"),
            ),
            (
                "application/yaml",
                (200, "application/yaml;charset=UTF-8"),
                (400, "application/yaml"),
            ),
            (
                "application/octet-stream",
                (200, "text/plain;charset=UTF-8"),
                (500, ""),
            ),
            ("text/plain", (200, "text/plain;charset=UTF-8"), (500, "")),
            ("image/*", (406, ""), (500, "")),
            ("nonsense", (406, ""), (400, "")),
        ] {
            let owned = |(status, content_type): (u16, &str)| (status, content_type.to_owned());
            assert_eq!(told(line), (owned(text), owned(error)), "{line}");
        }
    }
}
