//! Who reads, as far as a request says.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
};

use axum::extract::ConnectInfo;
use confbus_protocol::{BusId, INSTANCE_HEADER, RUNNING_HEADER};
use http::{Extensions, HeaderMap};

use super::fields::Fields;
use crate::ledger::{Answered, Read};

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

/// The instance that asks. One that cannot be named so counts as one that names nobody.
pub(super) fn instance(fields: &(impl Fields + ?Sized)) -> Option<BusId> {
    let id = fields.texts(INSTANCE_HEADER).next()?;
    BusId::new(id).ok()
}

/// Where a request comes from that came over no connection, as in tests.
const NOWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

impl Reader {
    pub(super) fn new(fields: &(impl Fields + ?Sized), peer: IpAddr) -> Self {
        let text = |name| fields.texts(name).next();
        let instance = instance(fields);
        Self {
            running: instance
                .as_ref()
                .and_then(|_| text(RUNNING_HEADER))
                .map(str::to_owned),
            instance,
            peer,
        }
    }

    /// The one who sent a request that came through the router.
    pub(super) fn of(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let peer = extensions.get::<ConnectInfo<SocketAddr>>();
        Self::new(
            headers,
            peer.map_or(NOWHERE, |ConnectInfo(peer)| peer.ip().to_canonical()),
        )
    }

    pub(super) fn names_itself(&self) -> bool {
        self.instance.is_some()
    }

    /// What there is to note when this one is given an answer.
    pub(super) fn read(self, answered: Arc<Answered>, stands_for_more: bool) -> Read {
        Read {
            answered,
            stands_for_more,
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
