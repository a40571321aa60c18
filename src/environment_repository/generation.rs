use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Counts how often something that answers depend on was swapped: what was answered in one generation is the answer as
/// long as that generation lasts.
#[derive(Debug, Clone, Default)]
pub(super) struct Generation(Arc<AtomicU64>);

impl Generation {
    pub(super) fn now(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// To be called after the swap and before anybody is told of it.
    pub(super) fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}
