use std::sync::Arc;

use confbus_protocol::{CommitId, Label, Minimum};

use super::{doubts::Doubts, trail::Trail};

/// Where the labels have been that an answer comes from: tells whether it may be older than what somebody has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    labels: Vec<LabelPast>,
    /// The commits that answer now.
    answering: Vec<CommitId>,
}

/// Where one label has been.
#[derive(Debug, Clone)]
pub(super) struct LabelPast {
    pub(super) label: Label,
    pub(super) trail: Arc<Trail>,
    pub(super) doubts: Doubts,
}

impl Past {
    pub(super) fn new(labels: Vec<LabelPast>, answering: Vec<CommitId>) -> Self {
        Self { labels, answering }
    }

    /// Whether the answer is certainly no older than any of these commits: each answers, or has answered here, or a look
    /// that began after somebody named it has shown all that there is. What never moves is never old.
    pub(crate) fn covers(&self, minimum: &Minimum) -> bool {
        self.labels.is_empty() || minimum.commits().iter().all(|commit| self.knows(*commit))
    }

    /// Has the repositories looked at soon for what is not covered. Waits for nothing.
    pub(crate) fn doubt(&self, minimum: &Minimum) {
        let commits = minimum.commits().iter().copied();
        let unknown: Vec<_> = commits.filter(|commit| !self.knows(*commit)).collect();
        for past in &self.labels {
            past.doubts.raise(past.label.clone(), unknown.clone());
        }
    }

    /// How often the one label has moved; with several there is no such number.
    pub(crate) fn generation(&self) -> Option<u64> {
        match self.labels.as_slice() {
            [one] => Some(one.trail.generation()),
            _ => None,
        }
    }

    fn knows(&self, commit: CommitId) -> bool {
        let is_settled = |past: &LabelPast| past.doubts.are_settled(&past.label, commit);
        self.answering.contains(&commit)
            || self.labels.iter().any(|past| past.trail.has(commit))
            || self.labels.iter().all(is_settled)
    }
}
