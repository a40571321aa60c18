use std::error::Error as StdError;

use ::object_store::{
    Error,
    client::{HttpError, HttpErrorKind},
};

use super::KIND;
use crate::lookups::LookupError;

/// What a store says of a file that is not there.
const MISSING: &str = "NoSuchKey";

/// What it says when it would answer another time.
const PASSING: [&str; 5] = [
    "InternalError",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
];

/// The longest word that is taken for a code.
const LONGEST_CODE: usize = 64;

/// Whether the store says that the file is not there; of whatever else is not found that says nothing: a bucket, a page of
/// somebody in between.
pub(super) fn is_missing(error: &Error) -> bool {
    let Error::NotFound { source, .. } = error else {
        return false;
    };
    code(&source.to_string()) == Some(MISSING)
}

/// What a store says about itself in one word. Its sentences may hold what was signed, and by whom.
pub(super) fn told(error: &Error) -> LookupError {
    let text = error.to_string();
    if let Some(code) = code(&text) {
        let why = code.to_owned();
        return if PASSING.contains(&code) {
            unreachable(why)
        } else {
            refused(why)
        };
    }
    if let Some(status) = status(&text) {
        let why = format!("HTTP {status}");
        return if status.starts_with('5') {
            unreachable(why)
        } else {
            refused(why)
        };
    }
    if text.contains("redirect without LOCATION") {
        return refused("the bucket is in another region".to_owned());
    }
    unreachable(cause(error).unwrap_or_else(|| "its answer cannot be understood".to_owned()))
}

fn unreachable(why: String) -> LookupError {
    LookupError::Unreachable { kind: KIND, why }
}

fn refused(why: String) -> LookupError {
    LookupError::Refused { kind: KIND, why }
}

/// `AccessDenied`, from the XML behind it.
fn code(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("<Code>")?;
    let (code, _) = behind.split_once("</Code>")?;
    let is_word =
        code.len() <= LONGEST_CODE && code.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_word.then_some(code)
}

/// `403`, where nothing else is known.
fn status(text: &str) -> Option<&str> {
    let (_, behind) = text.split_once("status code: ")?;
    let status = behind.get(..3)?;
    status
        .bytes()
        .all(|byte| byte.is_ascii_digit())
        .then_some(status)
}

/// Why nobody answered; the first cause says most: `Connection refused`. What came in may be in others.
fn cause(error: &Error) -> Option<String> {
    let mut cause: &(dyn StdError + 'static) = error;
    let mut is_of_connection = false;
    while let Some(deeper) = cause.source() {
        let kind = deeper.downcast_ref().map(HttpError::kind);
        is_of_connection |= matches!(
            kind,
            Some(
                HttpErrorKind::Connect
                    | HttpErrorKind::Request
                    | HttpErrorKind::Timeout
                    | HttpErrorKind::Interrupted
            )
        );
        cause = deeper;
    }
    let is_address = cause.is::<reqwest::Error>();
    (is_of_connection && !is_address).then(|| cause.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_found(said: &str) -> Error {
        Error::NotFound {
            path: "a.yml".to_owned(),
            source: said.to_owned().into(),
        }
    }

    #[test]
    fn only_a_file_can_be_missing() {
        let said = |code: &str| {
            not_found(&format!(
                "404 Not Found: <Error><Code>{code}</Code></Error>"
            ))
        };
        assert!(is_missing(&said("NoSuchKey")));
        assert!(!is_missing(&said("NoSuchBucket")));
        assert!(!is_missing(&not_found(
            "status code: 404 Not Found: <html>"
        )));
        assert_eq!(
            told(&said("NoSuchBucket")).to_string(),
            "awss3 refuses: NoSuchBucket"
        );
    }

    #[test]
    fn nothing_is_told_but_a_word() {
        let body = "<Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>opensesame</AWSAccessKeyId>";
        let error = not_found(&format!("status code: 403 Forbidden: {body}"));
        assert_eq!(
            told(&error).to_string(),
            "awss3 refuses: SignatureDoesNotMatch"
        );
        let error = not_found("status code: 503 Service Unavailable: opensesame");
        assert_eq!(
            told(&error).to_string(),
            "awss3 cannot be reached: HTTP 503"
        );
        let error = not_found("<Code>open sesame</Code>");
        assert_eq!(
            told(&error).to_string(),
            "awss3 cannot be reached: its answer cannot be understood"
        );
    }
}
