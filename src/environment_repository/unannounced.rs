use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use super::Moved;

/// Labels that moved and whose clients were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Unannounced {
    moved: Mutex<Vec<Moved>>,
    bell: Notify,
}

impl Unannounced {
    /// Notes what moved. Two steps of a label are one: from where the first began to where the last ended.
    pub(super) fn add(&self, moved: Vec<Moved>) {
        let mut waiting = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        for step in moved {
            match waiting.iter_mut().find(|earlier| {
                earlier.repository == step.repository && earlier.label == step.label
            }) {
                Some(earlier) => earlier.new = step.new,
                None => waiting.push(step),
            }
        }
    }

    /// Wakes whoever announces, if there is something to.
    pub(super) fn ring(&self) {
        if !self
            .moved
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_empty()
        {
            self.bell.notify_one();
        }
    }

    /// Everything that waits, for whoever announces it now.
    pub(crate) fn take(&self) -> Vec<Moved> {
        std::mem::take(&mut *self.moved.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Resolves when something is to be announced.
    pub(crate) async fn wait(&self) {
        self.bell.notified().await;
    }
}
