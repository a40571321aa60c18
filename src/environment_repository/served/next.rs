//! What becomes of what is in service, one finding of a look after the other.

use std::{sync::Arc, time::Instant};

use confbus_protocol::Label;
use tracing::warn;

use super::{
    super::{
        history::History,
        repository::Settings,
        trail::{Heard, Trail},
    },
    Asked, MAX_LABELS, Moved, Next, Served,
    step::{Before, step},
};
use crate::{
    look::{LookError, Version, View},
    traces::TraceContext,
};

/// What a look found a label to name.
pub(super) struct Named {
    pub(super) version: Version,
    /// The label is a commit id.
    pub(super) pinned: bool,
    pub(super) heard: Heard,
}

impl Next {
    pub(super) fn same(served: &Served) -> Self {
        Self {
            served: served.clone(),
            moved: Vec::new(),
            changed: false,
            answers_change: false,
        }
    }

    /// How the remote is.
    pub(super) fn note_state(&mut self, view: &View, asked: Asked<'_>) {
        let served = &mut self.served;
        match &view.fetched {
            None => {}
            Some(Ok(())) => {
                served.error = None;
                let now = Some(Instant::now());
                served.heard = now;
                if view.listed || asked.for_all {
                    served.confirmed = now;
                }
                if view.listed {
                    served.listed = now;
                    // Commits may have come that no branch has moved for.
                    served.unknown = Arc::default();
                }
            }
            Some(Err(error)) => served.error = Some(error.clone()),
        }
    }

    pub(super) fn note_refs(&mut self, view: &View) {
        let known = self.served.refs.as_ref();
        // Not compared one by one where nothing is new: there may be many.
        let same = known.is_some_and(|refs| !view.news || *refs == view.refs);
        if !same {
            self.served.refs = Some(Arc::clone(&view.refs));
            self.served.unknown = Arc::default();
            self.answers_change = true;
        }
    }

    pub(super) fn serve(
        &mut self,
        label: Label,
        Named {
            version,
            pinned,
            heard,
        }: Named,
        settings: &Settings,
        repository: &Arc<str>,
    ) {
        self.refuse_no_longer(&label);
        let commit = version.snapshot.version();
        let before = self.served.labels.get(&label).cloned();
        let is_new = before.is_none();
        let before = match &before {
            Some(history) => Before::Same(history),
            None => {
                let stand_in = self.served.stand_in_for(&label, settings).cloned();
                let trail = if pinned {
                    Trail::of_commit(commit)
                } else {
                    let trail = self.served.trails.resume(&label, commit, heard);
                    trail.above(stand_in.as_ref().map_or(0, |history| history.generation()))
                };
                Before::Other(stand_in, trail)
            }
        };
        let Some((history, step)) = step(before, &label, version, pinned, heard) else {
            return;
        };
        self.changed |= step.is_some() || is_new;
        let known = self.served.labels.get(&label);
        self.answers_change |= step.is_some()
            || known.is_none_or(|known| known.newest().modified != history.newest().modified);
        let generation = history.generation();
        let authorship = history.newest().authorship.clone();
        let labels = Arc::make_mut(&mut self.served.labels);
        labels.insert(label.clone(), Arc::new(history));
        self.moved.extend(step.map(|(old, new)| Moved {
            repository: Arc::clone(repository),
            label,
            old,
            new,
            authorship,
            generation,
            trace: TraceContext::default(),
        }));
    }

    /// A label that is gone is served on, unless the settings say otherwise.
    pub(super) fn forget(&mut self, label: &Label, settings: &Settings) {
        self.refuse_no_longer(label);
        if settings.forget_deleted && self.served.labels.contains_key(label) {
            if let Some(history) = Arc::make_mut(&mut self.served.labels).remove(label) {
                self.rest(label.clone(), &history);
            }
            (self.changed, self.answers_change) = (true, true);
        }
    }

    /// Keeps in mind where a label has been that goes out of service.
    pub(super) fn rest(&mut self, label: Label, history: &History) {
        if let Some(trail) = history.trail() {
            self.served.trails.rest(label, Arc::clone(trail));
            self.changed = true;
        }
    }

    pub(super) fn refuse(&mut self, label: Label, cause: LookError) {
        if !matches!(cause, LookError::NotYet) {
            warn!(event = "snapshot.refused", %label, error.text = %cause, "the label stays where it was");
        }
        let served = &mut self.served;
        if served.refused.contains_key(&label) || served.refused.len() < MAX_LABELS {
            self.answers_change |=
                !served.labels.contains_key(&label) && !served.refused.contains_key(&label);
            Arc::make_mut(&mut served.refused).insert(label, cause);
        }
    }

    fn refuse_no_longer(&mut self, label: &Label) {
        if self.served.refused.contains_key(label) {
            Arc::make_mut(&mut self.served.refused).remove(label);
            self.answers_change = true;
        }
    }
}
