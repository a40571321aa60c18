use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Moved;
use crate::look::Trigger;

/// Labels that moved and whose clients were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Unannounced {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    moved: Vec<Moved>,
    /// The strongest of the reasons for the looks that want it announced.
    trigger: Option<Trigger>,
}

impl Unannounced {
    /// Notes what moved. Two steps of a label are one: from where the first began to where the last ended.
    pub(super) fn add(&self, moved: Vec<Moved>) {
        let mut waiting = self.waiting();
        for step in moved {
            match waiting.moved.iter_mut().find(|earlier| {
                earlier.repository == step.repository && earlier.label == step.label
            }) {
                Some(earlier) => earlier.new = step.new,
                None => waiting.moved.push(step),
            }
        }
    }

    /// Wakes whoever announces, if there is something to.
    pub(super) fn ring(&self, trigger: Trigger) {
        let mut waiting = self.waiting();
        if !waiting.moved.is_empty() {
            waiting.trigger = waiting.trigger.max(Some(trigger));
            self.bell.notify_one();
        }
    }

    /// Everything that waits, for whoever announces it now, and why it is to be announced.
    pub(crate) fn take(&self) -> (Vec<Moved>, Option<Trigger>) {
        let Waiting { moved, trigger } = std::mem::take(&mut *self.waiting());
        (moved, trigger)
    }

    /// Resolves when something is to be announced.
    pub(crate) async fn wait(&self) {
        self.bell.notified().await;
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
