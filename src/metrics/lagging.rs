use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use super::{
    description::{LAGGING_READS, WAITING_READS},
    family::Counters,
    page::Page,
};

/// Reads of those who may have seen more than is known here.
#[derive(Debug, Clone)]
pub(crate) struct Lagging {
    ended: Counters,
    waiting: Arc<AtomicU64>,
}

/// A read that waits for a look, until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting(Arc<AtomicU64>);

impl Default for Lagging {
    fn default() -> Self {
        Self {
            ended: Counters::of(&LAGGING_READS),
            waiting: Arc::default(),
        }
    }
}

impl Lagging {
    /// A read waits.
    pub(crate) fn waits(&self) -> Waiting {
        self.waiting.fetch_add(1, Relaxed);
        Waiting(Arc::clone(&self.waiting))
    }

    /// It was answered after it had waited.
    pub(crate) fn answered(&self) {
        self.ended.add(&["answered"], 1);
    }

    /// It was told to come again.
    pub(crate) fn sent_away(&self) {
        self.ended.add(&["sent_away"], 1);
    }

    pub(super) fn write(&self, page: &mut Page) {
        page.gauge(&WAITING_READS, &[], self.waiting.load(Relaxed) as f64);
        self.ended.write(page);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
