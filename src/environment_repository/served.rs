mod moved;
mod next;
mod room;
mod step;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use confbus_protocol::Label;

use super::{
    history::{History, Verdicts},
    last_good::{Labels, Standing},
    repository::Settings,
    trail::{Heard, Trails},
};
use crate::look::{LookError, Refs, View};
pub(crate) use moved::Moved;
use next::Named;
use room::make_room;
use step::tell_about_problems;

/// Labels in service; the one that was not asked for longest makes room. Their snapshots share their files.
pub(super) const MAX_LABELS: usize = 4_096;
/// Texts that are remembered to be no commit ids; with more, all are looked up anew.
const MAX_UNKNOWN: usize = 4_096;

/// What all readers share at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Served {
    /// `None` until Git was asked successfully.
    pub(super) refs: Option<Arc<Refs>>,
    pub(super) labels: Labels,
    /// Labels whose commit cannot be served, until it can; those that are in service stay where they were.
    pub(super) refused: Arc<HashMap<Label, LookError>>,
    /// Texts that may be commit ids, and are none of these refs' commits.
    pub(super) unknown: Arc<HashSet<Label>>,
    /// Where labels have been that are not in service.
    pub(super) trails: Trails,
    /// When the labels in service were last known to be where they are here, all of them.
    pub(super) confirmed: Option<Instant>,
    /// When they were, before the last stop.
    pub(super) confirmed_before: Option<SystemTime>,
    /// When it last answered, whatever it was asked.
    pub(super) heard: Option<Instant>,
    /// When it last told all its branches and tags.
    pub(super) listed: Option<Instant>,
    /// Why it could not be asked last time.
    pub(super) error: Option<LookError>,
}

/// What a look was for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    /// Whom somebody reads now.
    pub(super) labels: &'a [Label],
    /// Whether it asked for the refs of all labels in service.
    pub(super) for_all: bool,
}

/// What a look leads to.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) served: Served,
    /// Labels that name another commit than before.
    pub(super) moved: Vec<Moved>,
    /// Other commits are in service than before.
    pub(super) changed: bool,
    /// Some answers may be others than before.
    pub(super) answers_change: bool,
}

impl Served {
    /// What follows from a look.
    pub(super) fn after(
        &self,
        view: View,
        asked: Asked<'_>,
        settings: &Settings,
        repository: &Arc<str>,
    ) -> Next {
        let mut next = Next::same(self);
        // What is not asked for is what lies on disk.
        let heard = match &view.fetched {
            Some(Ok(())) => Heard::Now,
            Some(Err(_)) | None => Heard::Before,
        };
        next.note_state(&view, asked);
        next.note_refs(&view);
        for (label, found) in view.labels {
            let pinned = !view.refs.knows(&label);
            match found {
                Ok(version) => {
                    let found = Named {
                        version,
                        pinned,
                        heard,
                    };
                    next.serve(label, found, settings, repository);
                }
                Err(LookError::NoSuchLabel) => {
                    next.forget(&label, settings);
                    if asked.labels.contains(&label) && Refs::may_be_commit(&label) {
                        next.served.note_unknown(label);
                    }
                }
                // Whoever asks for it asks again. To remember would take room that labels need: there are many such ids.
                Err(LookError::NotYet) if pinned && Refs::may_be_commit(&label) => {}
                Err(cause) => next.refuse(label, cause),
            }
        }
        for (label, history) in make_room(&mut next.served.labels, settings) {
            next.rest(label, &history);
        }
        next
    }

    /// The same in service, and why it may be old.
    pub(super) fn after_failure(&self, error: LookError) -> Self {
        Self {
            error: Some(error),
            ..self.clone()
        }
    }

    /// The same in service, and what is wrong with it.
    pub(super) fn after_verdicts(&self, verdicts: &Verdicts) -> Next {
        let mut next = Next::same(self);
        let unjudged = self
            .labels
            .iter()
            .filter(|(_, history)| !history.is_judged());
        for (label, history) in unjudged {
            let judged = history.with(verdicts);
            if judged.is_judged() {
                tell_about_problems(label, &judged);
            }
            let is_shorter = judged.commits().len() < history.commits().len();
            // Kept answers stay what they are: what the versions that go now have answered was not kept.
            next.changed |= is_shorter;
            let labels = Arc::make_mut(&mut next.served.labels);
            labels.insert(label.clone(), Arc::new(judged));
        }
        next
    }

    /// What a start is to find again.
    pub(super) fn standing(&self) -> Standing {
        Standing::new(Arc::clone(&self.labels), self.trails.clone())
    }

    /// How long ago it was that the remote last said what the labels in service name.
    pub(super) fn confirmed_ago(&self) -> Option<Duration> {
        let before = || self.confirmed_before?.elapsed().ok();
        self.confirmed.map(|at| at.elapsed()).or_else(before)
    }

    /// Why answers may be old.
    pub(super) fn trouble(&self) -> Option<&LookError> {
        let refused = || {
            let mut causes = self.refused.values();
            causes.find(|cause| !matches!(cause, LookError::NotYet))
        };
        self.error.as_ref().or_else(refused)
    }

    /// What those are told for whom nothing is in service: `None` when the repository has answered.
    pub(super) fn says_of_nothing(&self) -> Option<bool> {
        self.refs.is_none().then_some(self.error.is_some())
    }

    /// Whether the label may be the id of a commit here.
    pub(super) fn may_have_commit(&self, label: &Label) -> bool {
        Refs::may_be_commit(label) && !self.unknown.contains(label)
    }

    fn note_unknown(&mut self, label: Label) {
        let unknown = Arc::make_mut(&mut self.unknown);
        if unknown.len() >= MAX_UNKNOWN {
            unknown.clear();
        }
        unknown.insert(label);
    }

    /// What answered those who ask for a default label until now, though that did not name anything.
    fn stand_in_for(&self, label: &Label, settings: &Settings) -> Option<&Arc<History>> {
        let defaults = settings.default_labels();
        let (first, fallbacks) = defaults.split_first()?;
        let mut stand_ins = fallbacks.iter().filter(|_| label == first);
        stand_ins.find_map(|fallback| self.labels.get(fallback))
    }
}

#[cfg(test)]
mod tests;
