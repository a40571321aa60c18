//! Who may ask.
//!
//! Without any identity configured, only this machine may. With a user, the user's name and password, from anywhere.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts, uri::Authority};

use super::{
    Settings,
    error::Failure,
    settings::{Access, User},
};

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Caller {
    /// Gave the user's name and password.
    User,
    /// A program on this machine, and there is no user.
    ThisMachine,
    Stranger,
}

/// The caller may read configuration, refresh, and see what an operator sees.
#[derive(Debug)]
pub(super) struct Allowed;

impl Caller {
    pub(super) fn is_known(self) -> bool {
        self != Self::Stranger
    }

    /// Whether this caller may read and refresh.
    pub(super) fn may_enter(self, access: &Access) -> bool {
        access.mode_none || self.is_known()
    }

    fn of(parts: &Parts, access: &Access) -> Self {
        match &access.user {
            Some(user) if gives_password(&parts.headers, user) => Self::User,
            Some(_) => Self::Stranger,
            None if is_this_machine(parts) => Self::ThisMachine,
            None => Self::Stranger,
        }
    }
}

/// Why a stranger is turned away, and what to do about it.
pub(super) fn denied(access: &Access) -> Failure {
    let failure = Failure::new(StatusCode::UNAUTHORIZED);
    match access.user {
        Some(_) => failure.with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Realm\"")),
        None => failure.explained(
            "no user is configured, so only this machine may ask, directly and as localhost: protect this server with spring.security.user.name and spring.security.user.password, \
             or open it to everyone with confbus.security.mode=none",
        ),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Arc<Settings>: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self::of(parts, &Arc::<Settings>::from_ref(state).access))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Allowed
where
    Arc<Settings>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let settings = Arc::<Settings>::from_ref(state);
        if Caller::of(parts, &settings.access).may_enter(&settings.access) {
            Ok(Self)
        } else {
            Err(denied(&settings.access))
        }
    }
}

fn gives_password(headers: &HeaderMap, user: &User) -> bool {
    let given = || {
        let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
        let (scheme, credentials) = value.split_once(' ')?;
        let decoded = scheme
            .eq_ignore_ascii_case("basic")
            .then(|| STANDARD.decode(credentials.trim()).ok())??;
        String::from_utf8(decoded).ok()
    };
    let Some(given) = given() else { return false };
    let Some((name, password)) = given.split_once(':') else {
        return false;
    };
    // Always both, so that time does not tell whether the name was right.
    let password = user.password.matches(password);
    name == user.name && password
}

/// A loopback peer that speaks for itself: not a proxy on this machine that says that it passes on what others ask, and not
/// a browser on this machine that some page made ask.
fn is_this_machine(parts: &Parts) -> bool {
    const FORWARDED: [&str; 6] = [
        "forwarded",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map(|ConnectInfo(peer)| peer.ip().to_canonical());
    let forwarded = || {
        FORWARDED
            .iter()
            .any(|name| parts.headers.contains_key(*name))
    };
    let cross_site = || {
        parts
            .headers
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site")
    };
    peer.is_some_and(|peer| peer.is_loopback())
        && !forwarded()
        && !cross_site()
        && names_this_machine(&parts.headers, &parts.uri)
}

/// Whether the request was meant for an address or `localhost`: a name that somebody made point to 127.0.0.1 is not ours.
fn names_this_machine(headers: &HeaderMap, uri: &Uri) -> bool {
    let named = headers.get(header::HOST).map(|host| {
        host.to_str()
            .ok()
            .and_then(|host| host.parse::<Authority>().ok())
    });
    let host = match (named, uri.authority()) {
        (Some(Some(host)), _) => host.host().to_owned(),
        (Some(None), _) => return false,
        (None, Some(authority)) => authority.host().to_owned(),
        // HTTP/1.0 without a name.
        (None, None) => return true,
    };
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<std::net::IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(peer: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::new(());
        request
            .extensions_mut()
            .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request.into_parts().0
    }

    #[test]
    fn without_a_user_only_this_machine_may_ask() {
        for (peer, headers, expected) in [
            ("127.0.0.1:5", &[][..], true),
            ("[::1]:5", &[], true),
            ("[::ffff:127.0.0.1]:5", &[], true),
            ("10.0.0.7:5", &[], false),
            ("127.0.0.1:5", &[("host", "localhost:8888")], true),
            ("127.0.0.1:5", &[("host", "127.0.0.1:8888")], true),
            ("127.0.0.1:5", &[("host", "[::1]:8888")], true),
            ("127.0.0.1:5", &[("host", "evil.example:8888")], false),
            ("127.0.0.1:5", &[("host", "a b")], false),
            ("127.0.0.1:5", &[("x-forwarded-for", "10.0.0.7")], false),
            ("127.0.0.1:5", &[("forwarded", "for=10.0.0.7")], false),
            ("127.0.0.1:5", &[("sec-fetch-site", "cross-site")], false),
            ("127.0.0.1:5", &[("authorization", "Basic dTpw")], true),
        ] {
            let caller = Caller::of(&parts(peer, headers), &Access::default());
            assert_eq!(caller.is_known(), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn with_a_user_only_the_password_opens() {
        let user = User {
            name: "u".into(),
            password: crate::webhook::Secret::new("p:w").unwrap(),
        };
        let access = Access {
            user: Some(user),
            mode_none: false,
        };
        for (given, expected) in [
            ("u:p:w", true),
            ("u:p", false),
            ("v:p:w", false),
            ("u", false),
            ("", false),
        ] {
            let value = format!("Basic {}", STANDARD.encode(given));
            let caller = Caller::of(&parts("10.0.0.7:5", &[("authorization", &value)]), &access);
            assert_eq!(caller == Caller::User, expected, "{given}");
        }
        assert_eq!(
            Caller::of(&parts("127.0.0.1:5", &[]), &access),
            Caller::Stranger
        );
        assert_eq!(
            Caller::of(
                &parts("127.0.0.1:5", &[("authorization", "Bearer x")]),
                &access
            ),
            Caller::Stranger
        );
    }
}
