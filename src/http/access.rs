//! Who may ask.
//!
//! Without any identity configured, only this machine may. With a user, the user's name and password, from anywhere.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::extract::{ConnectInfo, FromRef, FromRequestParts};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, StatusCode, header, request::Parts, uri::Authority};

use super::{
    Settings,
    error::Failure,
    fields::{Fields as _, text},
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

    /// `authority` is that of the target, which hardly anybody gives.
    pub(super) fn of(
        said: &Said<'_>,
        peer: Option<IpAddr>,
        authority: Option<&Authority>,
        access: &Access,
    ) -> Self {
        match &access.user {
            Some(user) if said.gives_password(user) => Self::User,
            Some(_) => Self::Stranger,
            None if said.is_of_this_machine(peer, authority) => Self::ThisMachine,
            None => Self::Stranger,
        }
    }

    fn of_request(parts: &Parts, access: &Access) -> Self {
        let mut said = Said::default();
        for (name, value) in parts.headers.each() {
            said.hear(name, value);
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let peer = peer.map(|ConnectInfo(peer)| peer.ip().to_canonical());
        Self::of(&said, peer, parts.uri.authority(), access)
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
        Ok(Self::of_request(
            parts,
            &Arc::<Settings>::from_ref(state).access,
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Allowed
where
    Arc<Settings>: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let settings = Arc::<Settings>::from_ref(state);
        if Caller::of_request(parts, &settings.access).may_enter(&settings.access) {
            Ok(Self)
        } else {
            Err(denied(&settings.access))
        }
    }
}

/// What the headers of a request say about who sent it, taken down in one walk over them.
#[derive(Debug, Default)]
pub(super) struct Said<'r> {
    host: Option<&'r [u8]>,
    authorization: Option<&'r [u8]>,
    /// A proxy passes on what others ask.
    is_forwarded: bool,
    /// Some page made a browser ask.
    fetch_site: Option<&'r [u8]>,
}

impl<'r> Said<'r> {
    /// Takes down one header, its name in lower case; of several with the same name the first counts.
    pub(super) fn hear(&mut self, name: &str, value: &'r [u8]) {
        match name {
            "host" => _ = self.host.get_or_insert(value),
            "authorization" => _ = self.authorization.get_or_insert(value),
            "sec-fetch-site" => _ = self.fetch_site.get_or_insert(value),
            "forwarded" | "via" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-proto"
            | "x-real-ip" => self.is_forwarded = true,
            _ => {}
        }
    }

    fn gives_password(&self, user: &User) -> bool {
        let given = || {
            let value = text(self.authorization?)?;
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

    /// A loopback peer that speaks for itself: not a proxy on this machine that says that it passes on what others ask, and
    /// not a browser on this machine that some page made ask.
    fn is_of_this_machine(&self, peer: Option<IpAddr>, authority: Option<&Authority>) -> bool {
        peer.is_some_and(|peer| peer.is_loopback())
            && !self.is_forwarded
            && self.fetch_site.is_none_or(|site| site != b"cross-site")
            && self.names_this_machine(authority)
    }

    /// Whether the request was meant for an address or `localhost`: a name that somebody made point to 127.0.0.1 is not
    /// ours.
    fn names_this_machine(&self, authority: Option<&Authority>) -> bool {
        match (self.host, authority) {
            (Some(host), _) if is_plain_address(host) => true,
            (Some(host), _) => text(host)
                .and_then(|host| host.parse::<Authority>().ok())
                .is_some_and(|host| is_this_machine(host.host())),
            (None, Some(authority)) => is_this_machine(authority.host()),
            // HTTP/1.0 without a name.
            (None, None) => true,
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

/// What nearly everybody says who means this machine, told without taking the text apart as an authority, which
/// allocates: `localhost` or an IPv4 address, and perhaps a port.
fn is_plain_address(host: &[u8]) -> bool {
    let Ok(host) = str::from_utf8(host) else {
        return false;
    };
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (name.eq_ignore_ascii_case("localhost") || name.parse::<Ipv4Addr>().is_ok())
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
            ("127.0.0.1:5", &[("host", "LOCALHOST")], true),
            ("127.0.0.1:5", &[("host", "localhost:")], true),
            ("127.0.0.1:5", &[("host", "localhost:a")], true),
            ("127.0.0.1:5", &[("host", "10.0.0.7")], true),
            ("127.0.0.1:5", &[("host", "10.0.0.7.example:80")], false),
            ("127.0.0.1:5", &[("host", "user@localhost")], true),
            (
                "127.0.0.1:5",
                &[("host", "evil.example"), ("host", "localhost")],
                false,
            ),
            ("127.0.0.1:5", &[("x-real-ip", "10.0.0.7")], false),
            ("127.0.0.1:5", &[("via", "1.1 proxy")], false),
            ("127.0.0.1:5", &[("x-forwarded-for", "10.0.0.7")], false),
            ("127.0.0.1:5", &[("forwarded", "for=10.0.0.7")], false),
            ("127.0.0.1:5", &[("sec-fetch-site", "cross-site")], false),
            ("127.0.0.1:5", &[("authorization", "Basic dTpw")], true),
        ] {
            let caller = Caller::of_request(&parts(peer, headers), &Access::default());
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
            let caller =
                Caller::of_request(&parts("10.0.0.7:5", &[("authorization", &value)]), &access);
            assert_eq!(caller == Caller::User, expected, "{given}");
        }
        assert_eq!(
            Caller::of_request(&parts("127.0.0.1:5", &[]), &access),
            Caller::Stranger
        );
        assert_eq!(
            Caller::of_request(
                &parts("127.0.0.1:5", &[("authorization", "Bearer x")]),
                &access
            ),
            Caller::Stranger
        );
    }
}
