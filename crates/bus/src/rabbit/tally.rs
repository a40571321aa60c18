use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::Counters;

/// Counts while others read.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) published: AtomicU64,
    pub(super) unpublished: AtomicU64,
    pub(super) heard: AtomicU64,
    pub(super) unknown: AtomicU64,
    pub(super) malformed: AtomicU64,
    pub(super) oversized: AtomicU64,
    pub(super) compressed: AtomicU64,
    pub(super) connects: AtomicU64,
    pub(super) failed_connects: AtomicU64,
}

impl Tally {
    pub(super) fn read(&self) -> Counters {
        Counters {
            published: self.published.load(Relaxed),
            unpublished: self.unpublished.load(Relaxed),
            heard: self.heard.load(Relaxed),
            unknown: self.unknown.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
            oversized: self.oversized.load(Relaxed),
            compressed: self.compressed.load(Relaxed),
            connects: self.connects.load(Relaxed),
            failed_connects: self.failed_connects.load(Relaxed),
        }
    }
}

pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
