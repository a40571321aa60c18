use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Instant,
};

use confbus_protocol::{CommitId, Label};
use confbus_resolution::Snapshot;
use tracing::{info, warn};

use super::{
    history::{History, Step, Verdicts},
    repository::Settings,
};
use crate::look::{LookError, Refs, Version, View};

/// A label that names another commit than before.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) label: Label,
    pub(crate) old: Arc<Snapshot>,
    pub(crate) new: Arc<Snapshot>,
}

impl Moved {
    pub(crate) fn is_of_same_label(&self, other: &Self) -> bool {
        self.repository == other.repository && self.label == other.label
    }

    /// The steps of each label as one, from where the first began to where the last ended.
    pub(crate) fn as_one_of_each_label(steps: &[Self]) -> Vec<Self> {
        let mut whole: Vec<Self> = Vec::new();
        for step in steps {
            match whole
                .iter_mut()
                .find(|earlier| earlier.is_of_same_label(step))
            {
                Some(earlier) => earlier.new = Arc::clone(&step.new),
                None => whole.push(step.clone()),
            }
        }
        whole
    }
}

/// Labels in service; the one that was not asked for longest makes room. Their snapshots share their files.
pub(super) const MAX_LABELS: usize = 4_096;
/// Of these, labels that are commit ids: whoever reads can ask for any old commit.
const MAX_PINNED: usize = 256;
/// Texts that are remembered to be no commit ids; with more, all are looked up anew.
const MAX_UNKNOWN: usize = 4_096;

/// What all readers share at one moment.
#[derive(Debug, Clone, Default)]
pub(super) struct Served {
    /// `None` until Git was asked successfully.
    pub(super) refs: Option<Arc<Refs>>,
    pub(super) labels: Arc<HashMap<Label, Arc<History>>>,
    /// Labels whose commit cannot be served, until it can; those that are in service stay where they were.
    pub(super) refused: Arc<HashMap<Label, LookError>>,
    /// Texts that may be commit ids, and are none of these refs' commits.
    pub(super) unknown: Arc<HashSet<Label>>,
    /// What was in service before the last stop and is not again yet.
    pub(super) restoring: Arc<HashMap<Label, Vec<CommitId>>>,
    /// When the labels in service were last known to be where they are here, all of them.
    pub(super) confirmed: Option<Instant>,
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
        next.note_state(&view, asked);
        next.restore(&view);
        next.note_refs(&view);
        for (label, found) in view.labels {
            let pinned = !view.refs.knows(&label);
            match found {
                Ok(version) => next.serve(label, version, pinned, settings, repository),
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
        make_room(&mut next.served.labels, settings);
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
    fn stand_in_for(&self, label: &Label, settings: &Settings) -> Option<&Arc<Snapshot>> {
        let defaults = settings.default_labels();
        let (first, fallbacks) = defaults.split_first()?;
        let mut stand_ins = fallbacks.iter().filter(|_| label == first);
        let history = stand_ins.find_map(|fallback| self.labels.get(fallback))?;
        Some(&history.newest().snapshot)
    }
}

impl Next {
    fn same(served: &Served) -> Self {
        Self {
            served: served.clone(),
            moved: Vec::new(),
            changed: false,
            answers_change: false,
        }
    }

    /// How the remote is.
    fn note_state(&mut self, view: &View, asked: Asked<'_>) {
        let served = &mut self.served;
        match &view.fetched {
            None => {}
            Some(Ok(())) => {
                served.error = None;
                let now = Some(Instant::now());
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

    /// Puts in service again what was before the last stop, as far as it is still there.
    fn restore(&mut self, view: &View) {
        if self.served.restoring.is_empty() {
            return;
        }
        let versions: HashMap<CommitId, &Version> = view
            .commits
            .iter()
            .map(|version| (version.snapshot.version(), version))
            .collect();
        let restoring = Arc::make_mut(&mut self.served.restoring);
        let labels = Arc::make_mut(&mut self.served.labels);
        for (label, _) in &view.labels {
            let Some(commits) = restoring.remove(label) else {
                continue;
            };
            let found = commits.iter().filter_map(|commit| versions.get(commit));
            if let Some(history) = History::restored(found.copied().cloned().collect()) {
                labels.insert(label.clone(), Arc::new(history));
                self.answers_change = true;
            }
        }
    }

    fn note_refs(&mut self, view: &View) {
        let known = self.served.refs.as_ref();
        // Not compared one by one where nothing is new: there may be many.
        let same = known.is_some_and(|refs| !view.news || *refs == view.refs);
        if !same {
            self.served.refs = Some(Arc::clone(&view.refs));
            self.served.unknown = Arc::default();
            self.answers_change = true;
        }
    }

    fn serve(
        &mut self,
        label: Label,
        version: Version,
        pinned: bool,
        settings: &Settings,
        repository: &Arc<str>,
    ) {
        self.refuse_no_longer(&label);
        let before = match self.served.labels.get(&label) {
            Some(history) => Before::Same(history),
            None => Before::Other(self.served.stand_in_for(&label, settings)),
        };
        let is_new = matches!(before, Before::Other(_));
        let Some((history, step)) = step(before, &label, version, pinned) else {
            return;
        };
        self.changed |= step.is_some() || is_new;
        let known = self.served.labels.get(&label);
        self.answers_change |= step.is_some()
            || known.is_none_or(|known| known.newest().modified != history.newest().modified);
        let labels = Arc::make_mut(&mut self.served.labels);
        labels.insert(label.clone(), Arc::new(history));
        self.moved.extend(step.map(|(old, new)| Moved {
            repository: Arc::clone(repository),
            label,
            old,
            new,
        }));
    }

    /// A label that is gone is served on, unless the settings say otherwise.
    fn forget(&mut self, label: &Label, settings: &Settings) {
        self.refuse_no_longer(label);
        if settings.forget_deleted && self.served.labels.contains_key(label) {
            Arc::make_mut(&mut self.served.labels).remove(label);
            (self.changed, self.answers_change) = (true, true);
        }
    }

    fn refuse(&mut self, label: Label, cause: LookError) {
        if !matches!(cause, LookError::NotYet) {
            warn!(%label, error = %cause, "the label stays where it was");
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

type OldAndNew = (Arc<Snapshot>, Arc<Snapshot>);

/// What was in service where a label is now.
enum Before<'s> {
    /// The label itself.
    Same(&'s History),
    /// Another in its place, if any.
    Other(Option<&'s Arc<Snapshot>>),
}

/// What follows for one label; `None` when it names what it named before.
fn step(
    before: Before<'_>,
    label: &Label,
    version: Version,
    pinned: bool,
) -> Option<(History, Option<OldAndNew>)> {
    let before = match before {
        Before::Same(history) => history,
        Before::Other(stand_in) => {
            let history = History::new(version, pinned);
            let new = &history.newest().snapshot;
            info!(%label, version = %new.version(), "in service");
            let old = stand_in.filter(|old| old.version() != new.version());
            let moved = old.map(|old| (Arc::clone(old), Arc::clone(new)));
            return Some((history, moved));
        }
    };
    let (history, step) = before.next(version)?;
    if step == Step::SameFiles {
        return Some((history, None));
    }
    let (old, new) = (&before.newest().snapshot, &history.newest().snapshot);
    info!(%label, from = %old.version().short(), version = %new.version(), "moved");
    let moved = (Arc::clone(old), Arc::clone(new));
    Some((history, Some(moved)))
}

fn tell_about_problems(label: &Label, history: &History) {
    let version = history.newest().snapshot.version().short();
    for problem in history.problems() {
        warn!(%label, version, "{problem}; applications that need this file keep their last good answer");
    }
}

/// Too many labels: those that were not asked for longest go, commit ids first.
fn make_room(labels: &mut Arc<HashMap<Label, Arc<History>>>, settings: &Settings) {
    if labels.len() <= MAX_PINNED {
        return;
    }
    let defaults = settings.default_labels();
    loop {
        let pinned = labels
            .values()
            .filter(|history| history.is_pinned())
            .count();
        if labels.len() <= MAX_LABELS && pinned <= MAX_PINNED {
            return;
        }
        let may_go = |label: &Label, history: &History| {
            !defaults.contains(label) && (pinned <= MAX_PINNED || history.is_pinned())
        };
        let others = labels
            .iter()
            .filter(|(label, history)| may_go(label, history));
        let Some(oldest) = others
            .min_by_key(|(_, history)| history.last_asked())
            .map(|(label, _)| label.clone())
        else {
            return;
        };
        Arc::make_mut(labels).remove(&oldest);
    }
}

#[cfg(test)]
mod tests;
