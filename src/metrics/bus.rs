use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use confbus_bus::Status;

use super::{
    description::{BUS_EVENTS, BUS_PUBLISH_DURATION},
    family::{Counters, Histograms},
    page::Page,
};

/// What the bus of a server is called.
pub(crate) fn bus_name(status: &Status) -> &'static str {
    match status {
        Status::Local => "local",
        Status::Connected { .. } | Status::Disconnected { .. } => "rabbitmq",
    }
}

/// Whether an event goes out or comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Out,
    In,
}

/// Events of the bus, by what they are.
#[derive(Debug, Clone)]
pub(crate) struct Bus {
    events: Counters,
    published: Histograms,
    malformed: Arc<AtomicU64>,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            events: Counters::of(&BUS_EVENTS),
            published: Histograms::of(&BUS_PUBLISH_DURATION),
            malformed: Arc::default(),
        }
    }
}

impl Bus {
    /// An event of this type came or went.
    pub(crate) fn event(&self, direction: Direction, kind: &'static str, result: &'static str) {
        self.events.add(&[direction.name(), kind, result], 1);
    }

    /// So many messages that were no event have come in all.
    pub(crate) fn malformed(&self, total: u64) {
        let before = self.malformed.fetch_max(total, Ordering::Relaxed);
        let values = [Direction::In.name(), "unknown", "malformed"];
        self.events.add(&values, total.saturating_sub(before));
    }

    /// So long it took until it was known whether an event went out.
    pub(crate) fn published(&self, bus: &'static str, took: Duration) {
        self.published.note(&[bus], took.as_secs_f64());
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.events.write(page);
        self.published.write(page);
    }
}

impl Direction {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }
}
