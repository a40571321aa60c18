use http::StatusCode;

use crate::tls;

/// Why a registry was not told. Holds neither credentials nor what the registry wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    #[error("it cannot be reached: {0}")]
    Unreachable(String),
    #[error("it did not answer in time")]
    Late,
    #[error("it wants other credentials ({0})")]
    Denied(String),
    #[error("it fails ({0})")]
    Failing(String),
    #[error("it refuses what it is told ({0})")]
    Refused(String),
}

#[cfg_attr(
    not(any(feature = "consul", feature = "eureka")),
    expect(dead_code, reason = "no registry is asked over HTTP")
)]
impl Trouble {
    /// What a status means that is no success.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status.as_u16() {
            401 | 403 => Self::Denied(status.to_string()),
            408 | 425 | 429 | 500..=599 => Self::Failing(status.to_string()),
            _ => Self::Refused(status.to_string()),
        }
    }

    /// Why there is no answer.
    pub(super) fn of_request(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            Self::Late
        } else {
            Self::Unreachable(tls::cause(error))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_says_whether_another_peer_may_know_better() {
        let kind = |status: u16| match Trouble::of_status(StatusCode::from_u16(status).unwrap()) {
            Trouble::Denied(_) => "denied",
            Trouble::Failing(_) => "failing",
            Trouble::Refused(_) => "refused",
            Trouble::Unreachable(_) | Trouble::Late => "no answer",
        };
        for (statuses, expected) in [
            (&[401, 403][..], "denied"),
            (&[408, 425, 429, 500, 503, 599], "failing"),
            (&[301, 400, 404, 409], "refused"),
        ] {
            for status in statuses {
                assert_eq!(kind(*status), expected, "{status}");
            }
        }
    }
}
