use std::{io, time::Duration};

use http::StatusCode;

/// Why a host was not told. Never holds the token.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    #[error("the file with the token cannot be read: {0}")]
    NoToken(io::Error),
    #[error("the file with the token holds none")]
    StrangeToken,
    #[error("its address names no project of this host")]
    NoProject,
    #[error("the host cannot be reached: {0}")]
    Unreachable(String),
    #[error("the host did not answer in time")]
    Late,
    #[error("the host wants to be left alone for a while ({status})")]
    Busy { status: StatusCode, wish: Duration },
    #[error("the host fails ({0})")]
    Failing(StatusCode),
    #[error("the host leads elsewhere ({0}), where the token does not go")]
    Elsewhere(StatusCode),
    #[error("the token may not write statuses there, or nothing is there ({0})")]
    Denied(StatusCode),
    #[error("the host refuses the status ({0})")]
    Refused(StatusCode),
}

impl Trouble {
    /// What an answer means that is no success, and asks for this pause.
    pub(super) fn of_answer(status: StatusCode, wish: Option<Duration>) -> Self {
        match (status.as_u16(), wish) {
            (403 | 429 | 503, Some(wish)) => Self::Busy { status, wish },
            (408 | 425 | 429 | 500..=599, _) => Self::Failing(status),
            (300..=399, _) => Self::Elsewhere(status),
            (401 | 403 | 404, _) => Self::Denied(status),
            _ => Self::Refused(status),
        }
    }

    /// Whether the same may succeed a little later.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::NoToken(_)
            | Self::StrangeToken
            | Self::Unreachable(_)
            | Self::Late
            | Self::Busy { .. }
            | Self::Failing(_) => true,
            Self::NoProject | Self::Elsewhere(_) | Self::Denied(_) | Self::Refused(_) => false,
        }
    }

    /// For how long the host wants to hear nothing at all.
    pub(super) fn wish(&self) -> Option<Duration> {
        match self {
            Self::Busy { wish, .. } => Some(*wish),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let wish = Some(Duration::from_secs(7));
        for (status, wish, expected) in [
            (429, None, true),
            (429, wish, true),
            (403, wish, true),
            (403, None, false),
            (401, wish, false),
            (404, None, false),
            (422, None, false),
            (307, None, false),
            (500, None, true),
            (503, wish, true),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            let trouble = Trouble::of_answer(status, wish);
            assert_eq!(trouble.may_pass(), expected, "{trouble}");
        }
    }
}
