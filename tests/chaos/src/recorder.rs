//! Who writes the history down while it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::history::{Entry, Micros, What};

/// Takes notes from everywhere; all share one clock.
#[derive(Debug, Clone)]
pub struct Recorder {
    began: Instant,
    entries: Arc<Mutex<Vec<Entry>>>,
}

impl Default for Recorder {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            entries: Arc::default(),
        }
    }
}

impl Recorder {
    /// Now.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros::try_from(self.began.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Something has happened now.
    pub fn note(&self, what: What) {
        let mut entries = self.entries();
        // Within the lock, so that the order of entries is that of their times.
        let at = self.now();
        entries.push(Entry { at, what });
    }

    /// A copy of everything until now.
    #[must_use]
    pub fn history(&self) -> Vec<Entry> {
        self.entries().clone()
    }

    /// How many entries are so.
    pub fn count(&self, is: impl Fn(&What) -> bool) -> usize {
        self.entries()
            .iter()
            .filter(|entry| is(&entry.what))
            .count()
    }

    /// What `pick` finds in the entries since a moment, the newest first.
    pub fn pick<T>(&self, since: Micros, pick: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        let entries = self.entries();
        let recent = entries.iter().rev().take_while(|entry| entry.at >= since);
        recent.filter_map(pick).collect()
    }

    /// The newest answer that `pick` finds something in.
    pub fn newest<T>(&self, pick: impl FnMut(&Entry) -> Option<T>) -> Option<T> {
        self.entries().iter().rev().find_map(pick)
    }

    /// A panic while it was held leaves a list without the last entry, which is as good as any.
    fn entries(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
