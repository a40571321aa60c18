use std::{error::Error as _, time::Duration};

use tokio_postgres::Error;

use super::KIND;
use crate::lookups::LookupError;

/// Classes of SQLSTATE whose messages speak of statements, logins and the server, and of no value.
const PLAIN: [&str; 8] = ["08", "28", "3D", "3F", "42", "53", "55", "57"];

pub(super) fn unreachable(why: &str) -> LookupError {
    LookupError::Unreachable {
        kind: KIND,
        why: why.to_owned(),
    }
}

pub(super) fn silent(within: Duration) -> LookupError {
    unreachable(&format!("no connection within {} ms", within.as_millis()))
}

/// What a database says about itself, and no value of anybody.
pub(super) fn told(error: &Error) -> LookupError {
    let Some(said) = error.as_db_error() else {
        return unreachable(&cause(error));
    };
    let code = said.code().code();
    let class = code.get(..2).unwrap_or_default();
    let why = if PLAIN.contains(&class) {
        format!("{} ({code})", said.message())
    } else {
        format!("SQLSTATE {code}")
    };
    match class {
        // It starts, stops, or has too many connections.
        "53" | "57" => unreachable(&why),
        _ => LookupError::Refused { kind: KIND, why },
    }
}

/// The first cause says most: `Connection refused`.
fn cause(error: &Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    cause.map_or_else(|| error.to_string(), ToString::to_string)
}
