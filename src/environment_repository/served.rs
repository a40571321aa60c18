use std::{collections::HashMap, sync::Arc, time::Instant};

use confbus_protocol::Label;
use confbus_resolution::{Layout, Snapshot};
use tracing::{info, warn};

use super::{
    history::{History, Step},
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

/// Labels in service; the one that was not asked for longest makes room.
pub(super) const MAX_LABELS: usize = 512;
/// Of these, labels that are commit ids: whoever reads can ask for any old commit.
const MAX_PINNED: usize = 32;

/// What all readers share at one moment.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// `None` until Git was asked successfully.
    pub(super) refs: Option<Arc<Refs>>,
    pub(super) labels: HashMap<Label, Arc<History>>,
    /// Labels that were asked for and whose commit cannot be served, until it can.
    pub(super) refused: HashMap<Label, LookError>,
    /// When the repository was last known to be as it is here.
    pub(super) confirmed: Option<Instant>,
    pub(super) error: Option<LookError>,
}

/// What a look leads to.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) served: Served,
    /// Labels that name another commit than before.
    pub(super) moved: Vec<Moved>,
    /// Other commits are in service than before.
    pub(super) changed: bool,
}

impl Served {
    /// What follows from a look.
    pub(super) fn after(&self, view: View, settings: &Settings, repository: &Arc<str>) -> Next {
        let mut labels = self.labels.clone();
        let mut refused = self.refused.clone();
        let (mut moved, mut changed) = (Vec::new(), false);
        let (mut error, confirmed) = match view.fetched {
            None => (self.error.clone(), self.confirmed),
            Some(Ok(())) => (None, Some(Instant::now())),
            Some(Err(error)) => (Some(error), self.confirmed),
        };
        for (label, found) in view.labels {
            refused.remove(&label);
            match found {
                Ok(version) => {
                    let pinned = !view.refs.knows(&label);
                    let before = match labels.get(&label) {
                        Some(history) => Before::Same(history),
                        None => Before::Other(self.stand_in_for(&label, settings)),
                    };
                    if let Some((history, step)) =
                        step(before, &label, version, pinned, &settings.layout)
                    {
                        changed |= step.is_some() || !labels.contains_key(&label);
                        labels.insert(label.clone(), Arc::new(history));
                        moved.extend(step.map(|(old, new)| Moved {
                            repository: Arc::clone(repository),
                            label,
                            old,
                            new,
                        }));
                    }
                }
                Err(LookError::NoSuchLabel) if settings.forget_deleted => {
                    changed |= labels.remove(&label).is_some();
                }
                Err(LookError::NoSuchLabel) => {}
                Err(cause) => {
                    warn!(%label, error = %cause, "the label stays where it was");
                    if !labels.contains_key(&label) && refused.len() < MAX_LABELS {
                        refused.insert(label, cause.clone());
                    }
                    error = error.or(Some(cause));
                }
            }
        }
        make_room(&mut labels, settings);
        let refs = Some(view.refs);
        let served = Self {
            refs,
            labels,
            refused,
            confirmed,
            error,
        };
        Next {
            served,
            moved,
            changed,
        }
    }

    /// What answered those who ask for a default label until now, though that did not name anything.
    fn stand_in_for(&self, label: &Label, settings: &Settings) -> Option<&Arc<Snapshot>> {
        let defaults = settings.default_labels();
        let (first, fallbacks) = defaults.split_first()?;
        let mut stand_ins = fallbacks.iter().filter(|_| label == first);
        let history = stand_ins.find_map(|fallback| self.labels.get(fallback))?;
        Some(&history.newest().snapshot)
    }

    /// The same in service, and why it may be old.
    pub(super) fn after_failure(&self, error: LookError) -> Self {
        Self {
            refs: self.refs.clone(),
            labels: self.labels.clone(),
            refused: self.refused.clone(),
            confirmed: self.confirmed,
            error: Some(error),
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
    layout: &Layout,
) -> Option<(History, Option<OldAndNew>)> {
    let before = match before {
        Before::Same(history) => history,
        Before::Other(stand_in) => {
            let history = History::new(version, pinned, layout);
            let new = &history.newest().snapshot;
            info!(%label, version = %new.version(), "in service");
            tell_about_problems(label, &history);
            let old = stand_in.filter(|old| old.version() != new.version());
            let moved = old.map(|old| (Arc::clone(old), Arc::clone(new)));
            return Some((history, moved));
        }
    };
    let (history, step) = before.next(version, layout)?;
    if step == Step::SameFiles {
        return Some((history, None));
    }
    let (old, new) = (&before.newest().snapshot, &history.newest().snapshot);
    info!(%label, from = %old.version().short(), version = %new.version(), "moved");
    tell_about_problems(label, &history);
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
fn make_room(labels: &mut HashMap<Label, Arc<History>>, settings: &Settings) {
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
        labels.remove(&oldest);
    }
}
