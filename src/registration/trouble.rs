use http::StatusCode;

/// Why a registry was not told. Holds neither credentials nor what the registry wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it did not answer in time")]
    Late,
    #[error("it wants other credentials ({0})")]
    Denied(StatusCode),
    #[error("it fails ({0})")]
    Failing(StatusCode),
    #[error("it refuses what it is told ({0})")]
    Refused(StatusCode),
}

impl Trouble {
    /// What a status means that is no success.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Denied(status),
            408 | 425 | 429 | 500..=599 => Self::Failing(status),
            _ => Self::Refused(status),
        }
    }
}
