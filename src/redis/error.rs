use ::redis::{ErrorKind, RedisError};

use super::KIND;
use crate::lookups::LookupError;

/// What a Redis says about itself, and no value of anybody.
pub(super) fn told(error: &RedisError) -> LookupError {
    let kind = KIND;
    match refusal(error) {
        Some(why) => LookupError::Refused { kind, why },
        None => LookupError::Unreachable {
            kind,
            why: cause(error),
        },
    }
}

/// What it answers instead, if it answers: `WRONGTYPE Operation against a key …`.
fn refusal(error: &RedisError) -> Option<String> {
    let said = |code: &str, detail: Option<&str>| {
        let detail = detail.unwrap_or_default();
        format!("{code} {detail}").trim().to_owned()
    };
    if let Some(all) = error.clone().into_server_errors() {
        return all
            .first()
            .map(|(_, first)| said(first.code(), first.details()));
    }
    let is_refusal = matches!(
        error.kind(),
        ErrorKind::Server(_) | ErrorKind::AuthenticationFailed | ErrorKind::Extension
    );
    let code = error.code().unwrap_or_else(|| error.category());
    is_refusal.then(|| said(code, error.detail()))
}

/// `Connection refused`; of what cannot be read only that.
fn cause(error: &RedisError) -> String {
    if error.is_io_error() {
        return error.to_string();
    }
    error.category().to_owned()
}
