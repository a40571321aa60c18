use std::sync::Arc;

use confbus_protocol::{CommitId, Label, Minimum};

use super::{Because, Held, doubts::Doubts, trail::Trail};

/// Where the labels have been that an answer comes from: tells whether it may be older than what somebody has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    labels: Vec<LabelPast>,
    /// The commits that answer now.
    answering: Vec<CommitId>,
    /// They answer because newer ones cannot.
    is_held_back: bool,
}

/// Where one label has been.
#[derive(Debug, Clone)]
pub(super) struct LabelPast {
    pub(super) label: Label,
    pub(super) trail: Arc<Trail>,
    pub(super) doubts: Doubts,
}

impl Past {
    pub(super) fn new(
        labels: Vec<LabelPast>,
        answering: Vec<CommitId>,
        held: Option<&Held>,
    ) -> Self {
        let by_problems = |held: &Held| matches!(held.because, Because::Problems(_));
        Self {
            labels,
            answering,
            is_held_back: held.is_some_and(by_problems),
        }
    }

    /// Whether the answer is certainly no older than any of these commits: each answers, or has answered here, or a look
    /// that began after somebody named it has shown all that there is. What never moves is never old. Where the newest
    /// commit cannot answer, an earlier one does, and a look does not tell whether a newer one could that never was here.
    pub(crate) fn covers(&self, minimum: &Minimum) -> bool {
        self.labels.is_empty() || minimum.commits().iter().all(|commit| self.knows(*commit))
    }

    /// Has the repositories looked at soon for what is not covered. Waits for nothing.
    pub(crate) fn doubt(&self, minimum: &Minimum) {
        let commits = minimum.commits().iter().copied();
        let unsettled = |commit: &CommitId| !self.knows(*commit) && !self.is_settled(*commit);
        let unknown: Vec<_> = commits.filter(unsettled).collect();
        for past in self.labels.iter().filter(|_| !unknown.is_empty()) {
            past.doubts.raise(past.label.clone(), unknown.clone());
        }
    }

    /// How often the one label has moved; with several there is no such number.
    pub(crate) fn generation(&self) -> Option<u64> {
        generation(&self.labels)
    }

    fn knows(&self, commit: CommitId) -> bool {
        self.answering.contains(&commit)
            || self.labels.iter().any(|past| past.trail.has(commit))
            || (!self.is_held_back && self.is_settled(commit))
    }

    fn is_settled(&self, commit: CommitId) -> bool {
        let mut labels = self.labels.iter();
        labels.all(|past| past.doubts.are_settled(&past.label, commit))
    }
}

/// How often the one label has moved.
pub(super) fn generation(labels: &[LabelPast]) -> Option<u64> {
    match labels {
        [one] => Some(one.trail.generation()),
        _ => None,
    }
}
