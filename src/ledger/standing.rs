//! Where instances stand, for whoever decides by that.

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;

use super::{instance::Instance, records::Records};

/// What is known of an instance that names itself when it reads.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) instance: BusId,
    /// What it asks for.
    pub(crate) request: EnvironmentRequest,
    /// The version that it runs.
    pub(crate) applied: Option<String>,
    /// The version that it refused last, and when, in milliseconds since 1970.
    pub(crate) rejected: Option<(String, i64)>,
    last_sign: i64,
    expected: Option<i64>,
    has_left: bool,
}

impl Standing {
    fn of(instance: &Instance, now: i64) -> Option<Self> {
        let rejected = instance.rejected.as_ref();
        Some(Self {
            instance: instance.id.clone(),
            request: instance.coordinates.request()?,
            applied: instance.applied(now).and_then(|applied| applied.version),
            rejected: rejected.and_then(|rejected| Some((rejected.version.clone()?, rejected.at))),
            last_sign: instance.last_sign,
            expected: instance.expected(),
            has_left: instance.has_left,
        })
    }

    /// Whether it is gone by now, and was not heard of since, but that it ends.
    pub(crate) fn is_gone_since(&self, since: i64, now: i64) -> bool {
        self.has_left || self.last_sign < since && self.was_silent(now)
    }

    #[cfg(test)]
    pub(crate) fn seen(
        instance: BusId,
        last_sign: i64,
        expected: Option<i64>,
        applied: &str,
    ) -> Self {
        let address = crate::pins::Address::parse("orders/dev").unwrap();
        Self {
            instance,
            request: address.request().unwrap(),
            applied: Some(applied.into()),
            rejected: None,
            last_sign,
            expected,
            has_left: false,
        }
    }

    /// Whether it had fallen silent by then.
    pub(crate) fn was_silent(&self, at: i64) -> bool {
        self.expected.is_some_and(|expected| expected < at)
    }
}

/// All that ask for something that is meant.
pub(super) fn standings(
    records: &Records,
    is_meant: impl Fn(&EnvironmentRequest) -> bool,
    now: i64,
) -> Vec<Standing> {
    let named = records.instances.values();
    let named = named.filter(|instance| instance.names_itself);
    let all = named.filter_map(|instance| Standing::of(instance, now));
    all.filter(|standing| is_meant(&standing.request)).collect()
}
