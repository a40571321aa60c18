use std::{fmt, io};

use crate::{InvalidSettings, Rejection};

/// Why a client could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The settings cannot work.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// TLS could not be set up; most often the system has no root certificates.
    #[error("cannot set up HTTP: {0}")]
    Http(String),
    /// Only from [`blocking`](crate::blocking): the system gave no thread, or no runtime could be set up in it.
    #[cfg(feature = "blocking")]
    #[error("cannot start the client's thread: {0}")]
    Thread(String),
    /// Every server was asked, as often as the settings say.
    #[error("no configuration: {unavailable}{}", last_good.as_ref().map(|error| format!("; last good file: {error}")).unwrap_or_default())]
    Unavailable {
        /// What each server said last.
        unavailable: Unavailable,
        /// Why the last good file did not help, when there should be one.
        last_good: Option<LastGoodError>,
    },
}

/// Why a refresh left the configuration as it was.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum RefreshError {
    /// No server gave a configuration.
    #[error("no configuration: {0}")]
    Unavailable(Unavailable),
    /// A section does not fit or was refused by its check.
    #[error("refused: {0}")]
    Refused(Rejection),
    /// The runtime in which the client was made is gone.
    #[error("the runtime of the client has ended")]
    Stopped,
}

/// What each server said that was asked in one round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable(pub(crate) Vec<Attempt>);

/// What one server said.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attempt {
    /// Its address, without credentials.
    pub server: String,
    /// What went wrong.
    pub failure: Failure,
}

/// Why an answer was none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody listens there: the server is not running, or not yet.
    #[error("connection refused")]
    Refused,
    /// No connection for another reason, or a broken one.
    #[error("{0}")]
    Connection(String),
    /// The answer took too long.
    #[error("no answer in time")]
    Timeout,
    /// 401 or 403: the credentials are missing, wrong, or not enough.
    #[error("access denied ({status})")]
    Denied {
        /// The HTTP status.
        status: u16,
    },
    /// 404: the server does not know the application or the label.
    #[error("not found (404): does the label exist?")]
    NotFound,
    /// Any other status that carries no configuration.
    #[error("status {status}")]
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// There is nobody to ask: the registry has named no server yet.
    #[error("{0}")]
    Undiscovered(String),
    /// What the server has may be older than what runs here, or than what an event told of.
    #[error("may be behind what runs here")]
    Lagging,
    /// A redirect that is not followed.
    #[error(
        "redirects to where it is not followed: to another origin with credentials, away from TLS, or too often"
    )]
    Redirect,
    /// The body is longer than the settings allow.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The body is something else: a login page, half an answer.
    #[error("the answer is no environment (line {line}, column {column})")]
    NotAnEnvironment {
        /// Line at which reading stopped, from 1.
        line: usize,
        /// Column at which reading stopped.
        column: usize,
    },
}

/// Why there is no last good configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LastGoodError {
    /// None was written yet.
    #[error("{path} does not exist")]
    Missing {
        /// The file.
        path: String,
    },
    /// The file cannot be used as it is.
    #[error("{path}: {problem}")]
    Unusable {
        /// The file.
        path: String,
        /// Why, and what to do about it.
        problem: String,
    },
}

impl Unavailable {
    /// What the servers said, in the order in which they were asked.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0
    }

    /// Whether every server refused our credentials, so that trying again is of no use.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        !self.0.is_empty()
            && self
                .0
                .iter()
                .all(|attempt| matches!(attempt.failure, Failure::Denied { .. }))
    }

    /// Whether nobody listens at any of them.
    pub(crate) fn is_refused(&self) -> bool {
        let mut attempts = self.0.iter();
        !self.0.is_empty() && attempts.all(|attempt| attempt.failure == Failure::Refused)
    }

    /// Whether no server could be reached.
    pub(crate) fn is_of_connections(&self) -> bool {
        let mut attempts = self.0.iter();
        attempts.all(|attempt| attempt.failure.is_of_connection())
    }

    /// Whether a server answered that may be behind.
    pub(crate) fn is_lagging(&self) -> bool {
        let mut attempts = self.0.iter();
        attempts.any(|attempt| attempt.failure == Failure::Lagging)
    }
}

impl std::error::Error for Unavailable {}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Attempt { server, failure }) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{server}: {failure}")?;
        }
        Ok(())
    }
}

/// Whether nobody listened where a connection was to go.
pub(crate) fn is_refused(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref().map(io::Error::kind);
        if kind == Some(io::ErrorKind::ConnectionRefused) {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The cause behind all others, in its own words.
pub(crate) fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
