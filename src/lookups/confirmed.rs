use std::time::{Duration, Instant, SystemTime};

/// When everything kept was what the store says.
#[derive(Debug)]
pub(super) struct Confirmed {
    /// By the clock of the machine, which outlives the process.
    at: SystemTime,
    /// By one that nobody sets, where it was in this process.
    here: Option<Instant>,
}

impl Confirmed {
    /// In this process.
    pub(super) fn new(here: Instant) -> Self {
        Self {
            at: SystemTime::now() - here.elapsed(),
            here: Some(here),
        }
    }

    /// Before its start.
    pub(super) fn before(at: SystemTime) -> Self {
        Self { at, here: None }
    }

    pub(super) fn at(&self) -> SystemTime {
        self.at
    }

    /// Nothing where that is still to come by the clock.
    pub(super) fn ago(&self) -> Option<Duration> {
        let before = || self.at.elapsed().ok();
        self.here.map(|here| here.elapsed()).or_else(before)
    }
}
