//! What nobody waits for: to look for what is wrong with versions, and to write down what is in service.

use std::sync::Arc;

use indexmap::IndexMap;
use tokio::task::{JoinError, JoinHandle};
use tracing::error;

use super::{
    super::{
        history::{Case, Verdicts},
        remembered::Entry,
    },
    Looker,
};

impl Looker {
    /// Looks for what is wrong, aside, with what was put in service.
    pub(super) fn judge(&mut self) {
        if self.judging.is_some() {
            return;
        }
        let served = self.outcome.served.load_full();
        let mut cases: IndexMap<usize, Case> = IndexMap::new();
        for (label, history) in served.labels.iter() {
            for snapshot in history.judgeable() {
                let case = cases.entry(Arc::as_ptr(snapshot).addr());
                let case = case.or_insert_with(|| Case::new(Arc::clone(snapshot)));
                case.labels.push(label.clone());
            }
        }
        if cases.is_empty() {
            return;
        }
        let basis = served.labels.values().find_map(|history| history.basis());
        let (judge, cases) = (self.judge.clone(), cases.into_values().collect());
        let work = move || Verdicts::of(cases, basis, &judge);
        self.judging = Some(tokio::task::spawn_blocking(work));
    }

    pub(super) fn note_verdicts(&mut self, verdicts: Result<Verdicts, JoinError>) {
        let Ok(verdicts) = verdicts else {
            error!("a file of a commit cannot be handled; this is a bug");
            return;
        };
        let next = self.outcome.served.load().after_verdicts(&verdicts);
        self.outcome.swap(next.served, next.answers_change);
        self.is_unsaved |= next.changed;
        self.tell_judgements();
        self.save();
        // What came into service meanwhile.
        self.judge();
    }

    /// Writes down what is in service, aside, and once more if that changed meanwhile.
    pub(super) fn save(&mut self) {
        if !self.is_unsaved || self.saving.is_some() {
            return;
        }
        self.is_unsaved = false;
        let (remembered, served) = (
            Arc::clone(&self.remembered),
            self.outcome.served.load_full(),
        );
        self.saving = Some(tokio::task::spawn_blocking(move || {
            let in_service = served.labels.iter().filter_map(|(label, history)| {
                let trail = history.trail()?;
                Some((label, history.commits(), trail))
            });
            let others = served.trails.iter().map(|(label, trail)| {
                let commits = served.restoring.get(label);
                (label, commits.cloned().unwrap_or_default(), trail)
            });
            let entries = in_service
                .chain(others)
                .map(|(label, commits, trail)| Entry {
                    label,
                    commits,
                    trail,
                });
            remembered.save(entries, served.trails.floor());
        }));
    }
}

/// Resolves when work that goes on aside is finished; never when there is none.
pub(super) async fn finished<T>(work: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    let Some(running) = work else {
        return std::future::pending().await;
    };
    let result = running.await;
    *work = None;
    result
}
