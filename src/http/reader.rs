//! Who reads, as far as a request says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::ConnectInfo;
use confbus_protocol::{BusId, INSTANCE_HEADER, RUNNING_HEADER};
use confbus_resolution::EnvironmentRequest;
use http::{Extensions, HeaderMap};

use crate::ledger::Read;

/// The one who sent a request.
///
/// A Spring application names itself with `spring.cloud.config.headers.X-Config-Instance=${spring.cloud.bus.id}`, if it
/// sets that id itself: the one that Spring Cloud Bus would give it is not there yet when it reads.
#[derive(Debug)]
pub(super) struct Reader {
    instance: Option<BusId>,
    running: Option<String>,
    peer: IpAddr,
}

/// Where a request comes from that came over no connection, as in tests.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// The environment as JSON, as applications read it.
    Environment,
    /// One of its text forms.
    Text,
}

impl Reader {
    /// An instance that cannot be named so counts as one that names nobody.
    pub(super) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let text = |name: &str| headers.get(name)?.to_str().ok();
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        let instance = text(INSTANCE_HEADER).and_then(|id| BusId::new(id).ok());
        Self {
            running: instance
                .as_ref()
                .and_then(|_| text(RUNNING_HEADER))
                .map(str::to_owned),
            instance,
            peer: peer.map_or(NOWHERE, |ConnectInfo(peer)| peer.ip().to_canonical()),
        }
    }

    /// What there is to note about an answer to this one.
    pub(super) fn read(
        self,
        request: EnvironmentRequest,
        version: Option<String>,
        form: Form,
    ) -> Read {
        Read {
            request,
            version,
            is_environment: form == Form::Environment,
            instance: self.instance,
            running: self.running,
            peer: self.peer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(headers: &[(&'static str, &str)], instance: Option<&str>, running: Option<&str>) {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        let reader = Reader::of(&headers, &Extensions::new());
        assert_eq!(reader.instance.as_ref().map(BusId::as_str), instance);
        assert_eq!(reader.running.as_deref(), running);
    }

    #[test]
    fn a_name_is_a_bus_id() {
        let id = "orders:dev:8081:ab12";
        check(
            &[(INSTANCE_HEADER, id), (RUNNING_HEADER, "c1")],
            Some(id),
            Some("c1"),
        );
        check(&[(INSTANCE_HEADER, id)], Some(id), None);
        check(
            &[(INSTANCE_HEADER, "orders:*"), (RUNNING_HEADER, "c1")],
            None,
            None,
        );
        check(&[(INSTANCE_HEADER, "${spring.cloud.bus.id}")], None, None);
        check(&[(RUNNING_HEADER, "c1")], None, None);
    }
}
