use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::Moved;
use crate::look::Trigger;

/// Steps that may wait; those beyond it are announced, whoever looked.
const MAX_STEPS: usize = 256;

/// Labels that moved and whose clients were not told yet.
#[derive(Debug, Default)]
pub(crate) struct Unannounced {
    waiting: Mutex<Waiting>,
    bell: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    /// In order. Steps of a label stay apart: who was told of one, or read between them, is concerned by the next.
    moved: Vec<Moved>,
    /// The strongest of the reasons for the looks that want it announced.
    trigger: Option<Trigger>,
}

impl Unannounced {
    /// Notes what moved.
    pub(super) fn add(&self, moved: Vec<Moved>) {
        let is_full = {
            let mut waiting = self.waiting();
            moved.into_iter().for_each(|step| waiting.add(step));
            waiting.moved.len() >= MAX_STEPS
        };
        if is_full {
            self.ring(Trigger::Poll);
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

impl Waiting {
    fn add(&mut self, step: Moved) {
        // Several backends may read one repository. A work tree changes under its commit, so there versions tell nothing.
        let is_known = step.old.version() != step.new.version()
            && self.moved.iter().any(|earlier| {
                earlier.is_of_same_label(&step)
                    && earlier.old.version() == step.old.version()
                    && earlier.new.version() == step.new.version()
            });
        if is_known {
            return;
        }
        let is_full = self.moved.len() >= MAX_STEPS;
        let mut latest_first = self.moved.iter_mut().rev();
        match latest_first.find(|earlier| is_full && earlier.is_of_same_label(&step)) {
            Some(earlier) => earlier.extend_to(step),
            None => self.moved.push(step),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Arc};

    use confbus_protocol::{CommitId, Label};
    use confbus_resolution::Snapshot;
    use futures_util::FutureExt as _;

    use super::*;
    use crate::traces::TraceContext;

    fn step(from: u8, to: u8) -> Moved {
        let commit = |number| {
            let version = CommitId::from_bytes([number; 20]);
            Arc::new(Snapshot::new(version, BTreeMap::new()))
        };
        Moved {
            repository: "repo".into(),
            label: Label::parse("main").unwrap(),
            old: commit(from),
            new: commit(to),
            authorship: None,
            generation: 1,
            trace: TraceContext::default(),
        }
    }

    #[test]
    fn steps_stay_apart_and_are_noted_once() {
        let unannounced = Unannounced::default();
        unannounced.add(vec![
            step(1, 2),
            step(2, 1),
            step(1, 2),
            step(2, 2),
            step(2, 2),
        ]);
        assert!(unannounced.wait().now_or_never().is_none());
        let (moved, trigger) = unannounced.take();
        let ends: Vec<_> = moved
            .iter()
            .map(|step| step.new.version().as_bytes()[0])
            .collect();
        assert_eq!(ends, [2, 1, 2, 2]);
        assert_eq!(trigger, None);
    }

    #[test]
    fn many_steps_are_announced_whoever_looked() {
        let unannounced = Unannounced::default();
        (0..=MAX_STEPS).for_each(|_| unannounced.add(vec![step(1, 1)]));
        assert!(unannounced.wait().now_or_never().is_some());
        let (moved, trigger) = unannounced.take();
        assert_eq!((moved.len(), trigger), (MAX_STEPS, Some(Trigger::Poll)));
    }
}
