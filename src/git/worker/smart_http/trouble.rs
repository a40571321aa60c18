use std::error::Error as _;

use crate::{
    git::{Access, worker::credentials},
    look::LookError,
};

/// The longest text of the remote that is shown.
const MAX_SHOWN: usize = 200;

/// Why a call to a remote failed. A text may hold credentials until it is redacted.
#[derive(Debug, thiserror::Error)]
pub(in crate::git::worker) enum Trouble {
    /// The remote speaks another version of the protocol, or only that of plain files.
    #[error("it does not speak version 2 of Git's protocol")]
    OtherVersion,
    /// Our own side.
    #[error("no connection can be made: {0}")]
    Unusable(String),
    /// HTTP failed.
    #[error("{}", of_http(.0))]
    Http(#[from] reqwest::Error),
    /// A status other than 200.
    #[error("{}", of_status(*.status, *.with_login))]
    Status {
        /// Of the answer.
        status: u16,
        /// Whether we said who we are.
        with_login: bool,
    },
    /// The answer is something else.
    #[error("its answer is not one of a Git server")]
    NotGit,
    /// The answer ended before its end.
    #[error("its answer was cut off")]
    CutOff,
    /// More than a limit allows.
    #[error("its answer is larger than allowed")]
    TooLarge,
    /// What the remote says against the request.
    #[error("it answered: {}", shown(.0))]
    Refused(String),
    /// The objects cannot be used.
    #[error("the objects that it sent cannot be used: {0}")]
    Pack(String),
    /// Not the remote is to blame.
    #[error(transparent)]
    Here(#[from] LookError),
    /// Nobody wants it any more.
    #[error("nobody waits for it any more")]
    Stopped,
}

impl Trouble {
    /// What is said about it, without credentials.
    pub(in crate::git::worker) fn in_words(self, address: &str, access: &Access) -> LookError {
        match self {
            Self::Here(error) => error,
            other => {
                LookError::Unreachable(credentials::redact(&other.to_string(), address, access))
            }
        }
    }
}

fn of_status(status: u16, with_login: bool) -> String {
    match (status, with_login) {
        (401, true) => "the login was refused".into(),
        (401, false) => "the remote asks for a login, and none is configured".into(),
        (403, _) => "access is forbidden (HTTP 403)".into(),
        (404, true) => "there is no such repository, or not for this login (HTTP 404)".into(),
        (404, false) => "there is no such repository, or not without a login (HTTP 404)".into(),
        (300..=399, _) => {
            format!("it leads to another address, which is not followed (HTTP {status})")
        }
        _ => format!("it answered HTTP {status}"),
    }
}

/// The last cause says most: `Connection refused`.
fn of_http(error: &reqwest::Error) -> String {
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(std::error::Error::source) {
        cause = Some(deeper);
    }
    let said = cause.map_or_else(|| "the request failed".into(), ToString::to_string);
    match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".into(),
        (true, false) => "nothing came from it for too long".into(),
        (false, true) => said,
        (false, false) => format!("the connection broke: {said}"),
    }
}

fn shown(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(MAX_SHOWN)
        .collect()
}
