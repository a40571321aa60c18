//! What somebody is told who may not.

use std::time::Duration;

use http::{HeaderValue, StatusCode, header};

use super::Asking;
use crate::{
    access::{Access, Kind, Refused, Unknown, Wanted},
    environment_repository::FindError,
    http::{
        denials::{Denial, beginning},
        error::Failure,
    },
};

/// Whoever is checked while others wait is done soon.
const SOON: Duration = Duration::from_secs(1);

impl Asking {
    /// The answer, and what the log is told of it.
    pub(super) fn refusal(
        &self,
        refused: Refused,
        kind: Option<Kind>,
        wanted: Option<&Wanted>,
    ) -> Failure {
        let failure = match (refused, kind) {
            (Refused::Unknown(Unknown::NotChecked), _) => {
                return stranger(&self.access, Unknown::NotChecked);
            }
            (Refused::Unknown(unknown), _) => stranger(&self.access, unknown),
            (Refused::NotAllowed, Some(Kind::Read)) => FindError::NoSuchLabel.into(),
            (Refused::NotAllowed, Some(Kind::Files)) => Failure::of_a_file(FindError::NoSuchLabel),
            (Refused::NotAllowed, _) => Failure::new(StatusCode::FORBIDDEN)
                .explained("no rule of this server allows you to"),
        };
        failure.denying(Denial {
            principal: self.caller.proved().map(ToString::to_string),
            address: self.address,
            kind: kind.map(Kind::name),
            wanted: wanted.map(|wanted| beginning(&wanted.to_string()).to_owned()),
            reason: reason(refused),
        })
    }
}

/// Why somebody is refused, for the log.
fn reason(refused: Refused) -> &'static str {
    match refused {
        Refused::NotAllowed => "no rule allows it",
        Refused::Unknown(unknown) => match unknown {
            Unknown::SaidNothing => "nothing was said of who asks",
            Unknown::NotBelieved => "the password or token is not a good one",
            Unknown::NoSuchKey => "the issuer has no key that the token names",
            Unknown::TooOften(_) => "too many wrong passwords or tokens came from there",
            Unknown::NotChecked => "who asks could not be checked",
        },
    }
}

/// Why somebody is turned away who is not known, and what to do about it.
fn stranger(access: &Access, unknown: Unknown) -> Failure {
    match unknown {
        Unknown::TooOften(wait) => Failure::later(StatusCode::TOO_MANY_REQUESTS, wait)
            .explained("too many wrong passwords or tokens came from your address"),
        Unknown::NotChecked => Failure::later(StatusCode::SERVICE_UNAVAILABLE, SOON)
            .explained("who you are cannot be checked right now; try again"),
        _ if access.has_identities() => {
            let failure = Failure::new(StatusCode::UNAUTHORIZED);
            access.schemes().fold(failure, |failure, scheme| {
                failure.with(header::WWW_AUTHENTICATE, HeaderValue::from_static(scheme))
            })
        }
        Unknown::SaidNothing | Unknown::NotBelieved | Unknown::NoSuchKey => {
            Failure::new(StatusCode::UNAUTHORIZED).explained(
                "no user is configured, so only this machine may ask, directly and as localhost: protect this server with spring.security.user.name and spring.security.user.password, \
                 or open it to everyone with confbus.security.mode=none",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{access, http::accept::Accept};

    #[test]
    fn a_refusal_says_how_to_get_in() {
        let password = access::Password::parse("correct horse").unwrap();
        let user = access::Named {
            name: "ana".into(),
            password,
        };
        let settings = access::Settings {
            users: vec![user.clone()],
            tokens: vec![user],
            ..access::Settings::default()
        };
        let (access, _) = Access::new(settings);
        let wait = Duration::from_millis(1500);
        for (unknown, status, name, values) in [
            (
                Unknown::SaidNothing,
                401,
                "www-authenticate",
                &["Basic realm=\"Realm\"", "Bearer"][..],
            ),
            (
                Unknown::NotBelieved,
                401,
                "www-authenticate",
                &["Basic realm=\"Realm\"", "Bearer"],
            ),
            (
                Unknown::NoSuchKey,
                401,
                "www-authenticate",
                &["Basic realm=\"Realm\"", "Bearer"],
            ),
            (Unknown::TooOften(wait), 429, "retry-after", &["2"]),
            (Unknown::NotChecked, 503, "retry-after", &["1"]),
        ] {
            let headers = http::HeaderMap::new();
            let accept = Accept::of(&headers);
            let answer = stranger(&access, unknown).write("/", &accept, false);
            assert_eq!(answer.status(), status);
            let said: Vec<_> = answer.headers().get_all(name).iter().collect();
            assert_eq!(said, values, "{unknown:?}");
        }
    }
}
