#[cfg(feature = "rabbit")]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What came and went over the broker since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events that the broker confirmed.
    pub published: u64,
    /// Events that it did not confirm, for whatever reason.
    pub unpublished: u64,
    /// Events that were heard, our own included.
    pub heard: u64,
    /// Those among them whose type nobody here knows.
    pub unknown: u64,
    /// Messages that are no event, and were dropped.
    pub malformed: u64,
    /// Messages that are larger than any event, and were dropped.
    pub oversized: u64,
    /// Messages that are compressed, and were taken for a hint to look again.
    pub compressed: u64,
}

/// Counts while others read.
#[cfg(feature = "rabbit")]
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) published: AtomicU64,
    pub(crate) unpublished: AtomicU64,
    pub(crate) heard: AtomicU64,
    pub(crate) unknown: AtomicU64,
    pub(crate) malformed: AtomicU64,
    pub(crate) oversized: AtomicU64,
    pub(crate) compressed: AtomicU64,
}

#[cfg(feature = "rabbit")]
impl Tally {
    pub(crate) fn read(&self) -> Counters {
        Counters {
            published: self.published.load(Relaxed),
            unpublished: self.unpublished.load(Relaxed),
            heard: self.heard.load(Relaxed),
            unknown: self.unknown.load(Relaxed),
            malformed: self.malformed.load(Relaxed),
            oversized: self.oversized.load(Relaxed),
            compressed: self.compressed.load(Relaxed),
        }
    }
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Relaxed);
}
