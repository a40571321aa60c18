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
    /// Connections to the broker that came about.
    pub connects: u64,
    /// Attempts at all its addresses from which none came about.
    pub failed_connects: u64,
    /// Messages that are compressed, and were taken for a hint to look again.
    pub compressed: u64,
}
