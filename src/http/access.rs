//! Who may ask: takes evidence out of a request, and makes an answer of a refusal. What to think of both, `crate::access` knows.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderValue, StatusCode, header, request::Parts, uri::Authority};

use super::{
    denials::{Denial, beginning},
    error::Failure,
    fields::{Fields as _, text},
    gateways::Outside,
    peer::Peer,
};
use crate::{
    access::{Access, Caller, Evidence, Kind, Principal, Reach, Refused, Unknown, Wanted},
    environment_repository::FindError,
    network::Network,
};

/// Whoever is checked while others wait is done soon.
const SOON: Duration = Duration::from_secs(1);
/// Whoever needs no password is nobody in particular.
const ANONYMOUS: &str = "anonymous";

/// Finds out who asks, once for all who want to know.
pub(super) async fn identify(
    State(access): State<Access>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    let address = address(&parts);
    let network = parts.extensions.get().map(Peer::network);
    let caller = caller(&parts, &access).await;
    let outside = parts.extensions.get::<Arc<Outside>>().cloned();
    parts.extensions.insert(Asking {
        caller,
        access,
        address,
        network,
        outside: outside.unwrap_or_default(),
    });
    next.run(Request::from_parts(parts, body)).await
}

async fn caller(parts: &Parts, access: &Access) -> Caller {
    let mut said = Said::default();
    for (name, value) in parts.headers.each() {
        said.hear(name, value);
    }
    let peer = parts.extensions.get::<Peer>();
    let address = address(parts);
    let certificate = peer.and_then(|peer| peer.certificate.as_deref());
    let authority = parts.uri.authority();
    // What it tells of callers may be nothing at all.
    let is_gateway = peer.is_some_and(|peer| peer.is_gateway);
    let is_ours = || !is_gateway && said.is_of_this_machine(address, authority);
    access
        .identify(&said.evidence(address, certificate), is_ours)
        .await
}

fn address(parts: &Parts) -> Option<IpAddr> {
    let address = parts.extensions.get::<ConnectInfo<SocketAddr>>();
    address.map(|ConnectInfo(address)| address.ip().to_canonical())
}

/// Who asks, and how to refuse it.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) caller: Caller,
    access: Access,
    address: Option<IpAddr>,
    network: Option<Network>,
    outside: Arc<Outside>,
}

impl Asking {
    /// # Errors
    /// The answer for somebody who is not known.
    pub(super) fn may_enter(&self) -> Result<(), Failure> {
        self.caller
            .may_enter()
            .map_err(|refused| self.refusal(refused, None, None))
    }

    /// # Errors
    /// The answer for somebody who may do nothing of this kind.
    pub(super) fn may_some(&self, kind: Kind) -> Result<(), Failure> {
        let may = self.caller.may_some(kind);
        may.map_err(|refused| self.refusal(refused, Some(kind), None))
    }

    /// # Errors
    /// The answer for somebody who may not do all of this. What may not be read looks like a label that is not there.
    pub(super) fn may(&self, wanted: &Wanted) -> Result<(), Failure> {
        let may = self.caller.may(wanted);
        may.map_err(|refused| self.refusal(refused, Some(wanted.kind), Some(wanted)))
    }

    /// The answer for somebody who may not do this for another reason than that rules do not name it.
    pub(super) fn refusal_of(&self, wanted: &Wanted) -> Failure {
        self.refusal(Refused::NotAllowed, Some(wanted.kind), Some(wanted))
    }

    /// What it may have of this kind.
    pub(super) fn reach(&self, kind: Kind) -> Reach {
        self.caller.reach(kind)
    }

    /// When it will have to prove again who it is, if that is known.
    pub(super) fn until(&self) -> Option<Instant> {
        self.caller.principal().and_then(Principal::until)
    }

    #[cfg(test)]
    pub(super) fn new(caller: Caller, access: Access) -> Self {
        Self {
            caller,
            access,
            address: None,
            network: None,
            outside: Arc::default(),
        }
    }

    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// From where, if that is known.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Whom limits count it as, if that is known.
    pub(super) fn network(&self) -> Option<Network> {
        self.network
    }

    /// How this server looks from there.
    pub(super) fn outside(&self) -> &Outside {
        &self.outside
    }

    /// Who asks, for others to see.
    pub(super) fn name(&self) -> String {
        let name = self.caller.proved().map(ToString::to_string);
        name.unwrap_or_else(|| ANONYMOUS.to_owned())
    }

    fn refusal(&self, refused: Refused, kind: Option<Kind>, wanted: Option<&Wanted>) -> Failure {
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

/// What [`identify`] has found out.
impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let asking = parts.extensions.get().cloned();
        asking.ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR))
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
    /// Takes down whom the request is meant for; whether nothing was said of it before.
    pub(super) fn hear_host(&mut self, value: &'r [u8]) -> bool {
        let is_first = self.host.is_none();
        self.host.get_or_insert(value);
        is_first
    }

    pub(super) fn host(&self) -> Option<&'r [u8]> {
        self.host
    }

    /// Takes down one header, its name in lower case; of several with the same name the first counts.
    pub(super) fn hear(&mut self, name: &str, value: &'r [u8]) {
        match name {
            "host" => _ = self.hear_host(value),
            "authorization" => _ = self.authorization.get_or_insert(value),
            "sec-fetch-site" => _ = self.fetch_site.get_or_insert(value),
            "forwarded" | "via" | "x-forwarded-for" | "x-forwarded-host" | "x-forwarded-port"
            | "x-forwarded-prefix" | "x-forwarded-proto" | "x-real-ip" => self.is_forwarded = true,
            _ => {}
        }
    }

    /// With where the request comes from, and whom a certificate names.
    pub(super) fn evidence<'e>(
        &self,
        address: Option<IpAddr>,
        certificate: Option<&'e str>,
    ) -> Evidence<'e>
    where
        'r: 'e,
    {
        Evidence {
            address,
            authorization: self.authorization,
            certificate,
        }
    }

    /// A loopback peer that speaks for itself: not a proxy on this machine that says that it passes on what others ask, and
    /// not a browser on this machine that some page made ask.
    pub(super) fn is_of_this_machine(
        &self,
        peer: Option<IpAddr>,
        authority: Option<&Authority>,
    ) -> bool {
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
        && (name.eq_ignore_ascii_case("localhost")
            // Most of those who ask by address, without reading it number by number.
            || name == "127.0.0.1"
            || name.parse::<Ipv4Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(peer: &str, headers: &[(&'static str, &str)]) -> Parts {
        let mut request = http::Request::new(());
        let peer = peer.parse::<SocketAddr>().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        request.into_parts().0
    }

    #[tokio::test]
    async fn without_a_user_only_this_machine_may_ask() {
        let (access, _) = Access::new(crate::access::Settings::default());
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
            ("127.0.0.1:5", &[("x-forwarded-port", "443")], false),
            ("127.0.0.1:5", &[("x-forwarded-prefix", "/a")], false),
            ("127.0.0.1:5", &[("sec-fetch-site", "cross-site")], false),
            ("127.0.0.1:5", &[("authorization", "Basic dTpw")], true),
        ] {
            let caller = caller(&parts(peer, headers), &access).await;
            assert_eq!(caller.is_this_machine(), expected, "{peer} {headers:?}");
        }
    }

    #[test]
    fn a_refusal_says_how_to_get_in() {
        let password = crate::access::Password::parse("correct horse").unwrap();
        let user = crate::access::Named {
            name: "ana".into(),
            password,
        };
        let settings = crate::access::Settings {
            users: vec![user.clone()],
            tokens: vec![user],
            ..crate::access::Settings::default()
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
            let accept = super::super::accept::Accept::of(&headers);
            let answer = stranger(&access, unknown).write("/", &accept, false);
            assert_eq!(answer.status(), status);
            let said: Vec<_> = answer.headers().get_all(name).iter().collect();
            assert_eq!(said, values, "{unknown:?}");
        }
    }
}
