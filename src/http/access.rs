//! Who may ask: takes evidence out of a request, and makes an answer of a refusal. What to think of both, `crate::access` knows.

mod refusal;
mod said;

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State},
    middleware::Next,
    response::Response,
};
use http::{StatusCode, request::Parts};

use super::{error::Failure, fields::Fields as _, gateways::Outside, peer::Peer};
use crate::{
    access::{Access, Caller, Kind, Principal, Reach, Refused, Wanted},
    network::Network,
};
pub(super) use said::Said;

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
}

/// What [`identify`] has found out.
impl<S: Send + Sync> FromRequestParts<S> for Asking {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        let asking = parts.extensions.get().cloned();
        asking.ok_or_else(|| Failure::new(StatusCode::INTERNAL_SERVER_ERROR))
    }
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
}
