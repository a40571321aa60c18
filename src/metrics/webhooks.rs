use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use super::{
    description::{WEBHOOK_DELIVERIES, WEBHOOK_LAST_ACCEPTED},
    family::Counters,
    page::Page,
};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delivery {
    Accepted,
    /// It came before.
    Duplicate,
    /// Not signed, or not as it should be.
    Signature,
    /// Nothing is taken from there.
    Closed,
    /// It is about nothing that is pushed.
    Event,
    /// It is larger than what is read.
    Size,
    /// It cannot be read.
    Malformed,
}

/// Deliveries at `/monitor`.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks {
    deliveries: Counters,
    accepted: Arc<Mutex<BTreeMap<&'static str, SystemTime>>>,
}

impl Default for Webhooks {
    fn default() -> Self {
        Self {
            deliveries: Counters::of(&WEBHOOK_DELIVERIES),
            accepted: Arc::default(),
        }
    }
}

impl Webhooks {
    /// A delivery by a kind of host.
    pub(crate) fn came(&self, provider: &'static str, delivery: Delivery) {
        let result = match delivery {
            Delivery::Accepted => "accepted",
            Delivery::Duplicate => "duplicate",
            Delivery::Signature => "signature",
            Delivery::Closed => "closed",
            Delivery::Event => "event",
            Delivery::Size => "size",
            Delivery::Malformed => "malformed",
        };
        self.deliveries.add(&[provider, result], 1);
        if delivery == Delivery::Accepted {
            let accepted = self.accepted.lock();
            let mut accepted = accepted.unwrap_or_else(PoisonError::into_inner);
            accepted.insert(provider, SystemTime::now());
        }
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.deliveries.write(page);
        let accepted = self.accepted.lock();
        for (provider, at) in &*accepted.unwrap_or_else(PoisonError::into_inner) {
            let at = at.duration_since(SystemTime::UNIX_EPOCH);
            let seconds = at.as_ref().map_or(0.0, Duration::as_secs_f64);
            page.gauge(&WEBHOOK_LAST_ACCEPTED, &[provider], seconds);
        }
    }
}
