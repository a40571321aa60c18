//! What nobody waits for: to look for what is wrong with versions, and to write down what is in service.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use tokio::task::{JoinError, JoinHandle};
use tracing::{error, warn};

use super::{
    super::{
        history::{Case, Verdicts},
        last_good::Standing,
    },
    Looker,
};
use crate::{
    metrics::Phase,
    traces::{Part, REPOSITORY},
};

/// What does not take longer than this is on disk before it is in service.
const SLOWEST_DISK: Duration = Duration::from_secs(5);

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
        let refreshes = self.outcome.metrics.refreshes.clone();
        let trace = std::mem::take(&mut self.unjudged_trace);
        let (traces, name) = (self.outcome.traces.clone(), self.name.to_string());
        let work = move || {
            let _span = traces.part(Part::Validate, &trace).with(REPOSITORY, name);
            let began = Instant::now();
            let verdicts = Verdicts::of(cases, basis, &judge);
            refreshes.passed(Phase::Validate, began.elapsed());
            verdicts
        };
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

    /// Adds to the journal what is to be in service. Nobody waits longer for a disk than for a remote, and no two at once.
    pub(super) async fn note_on_disk(&mut self, standing: Standing) {
        if self
            .noting
            .as_ref()
            .is_some_and(|noting| !noting.is_finished())
        {
            self.is_unsaved = true;
            return;
        }
        let last_good = self.outcome.last_good.clone();
        let mut noting = tokio::task::spawn_blocking(move || last_good.note(&standing));
        if tokio::time::timeout(SLOWEST_DISK, &mut noting)
            .await
            .is_err()
        {
            warn!("the disk is slow; what is in service is not waited for until it is written");
            self.noting = Some(noting);
        }
    }

    /// Waits for the disk, aside, and once more if something else came into service meanwhile.
    pub(super) fn save(&mut self) {
        if !self.is_unsaved || self.saving.is_some() {
            return;
        }
        self.is_unsaved = false;
        let (last_good, served) = (
            self.outcome.last_good.clone(),
            self.outcome.served.load_full(),
        );
        self.saving = Some(tokio::task::spawn_blocking(move || {
            last_good.note(&served.standing());
            if served.confirmed.is_some() && served.error.is_none() {
                last_good.confirm();
            }
            last_good.settle();
        }));
    }

    /// What the disk did not take, the next look tries again.
    pub(super) fn note_saved(&mut self, saved: Result<(), JoinError>) {
        if saved.is_err() {
            error!("what is in service could not be saved");
        }
        if self.outcome.last_good.trouble().is_some() {
            self.is_unsaved = true;
        } else {
            self.save();
        }
    }

    /// The last chance to have on disk what is in service.
    pub(super) async fn save_in_the_end(&mut self) {
        finished_if_any(&mut self.saving).await;
        self.save();
        finished_if_any(&mut self.saving).await;
    }
}

async fn finished_if_any(work: &mut Option<JoinHandle<()>>) {
    if work.is_some() {
        _ = finished(work).await;
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
