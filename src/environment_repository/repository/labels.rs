//! Which labels a repository has in service, where they have been, and which of them answers for another.

use std::sync::Arc;

use confbus_protocol::{CommitId, Label};

use super::{super::history::History, Repository};
use crate::look::Refs;

impl Repository {
    /// The labels in service that may move.
    pub(in crate::environment_repository) fn labels(&self) -> Vec<(Label, Arc<History>)> {
        let served = self.inner.served.load();
        let movable = served
            .labels
            .iter()
            .filter(|(_, history)| !history.is_pinned());
        movable
            .map(|(label, history)| (label.clone(), Arc::clone(history)))
            .collect()
    }

    /// All branches and tags, as they were known last.
    pub(in crate::environment_repository) fn refs(&self) -> Option<Arc<Refs>> {
        self.inner.served.load().refs.clone()
    }

    /// Whether a ref, as a webhook names it, is one of the labels in service.
    pub(in crate::environment_repository) fn serves(&self, reference: &str) -> bool {
        let name = Refs::plain(reference);
        let served = self.inner.served.load();
        served.labels.keys().any(|label| label.as_str() == name)
    }

    /// Whether a branch, as a webhook names it, has named this commit here.
    pub(in crate::environment_repository) fn has_named(
        &self,
        branch: &str,
        commit: CommitId,
    ) -> bool {
        let name = Refs::plain(branch);
        self.has_been_named(commit, |label| label.as_str() == name)
    }

    /// Whether one of these labels has named this commit here.
    pub(in crate::environment_repository) fn has_been_named(
        &self,
        commit: CommitId,
        is_meant: impl Fn(&Label) -> bool,
    ) -> bool {
        let served = self.inner.served.load();
        let mut labels = served.labels.iter();
        labels.any(|(label, history)| {
            let trail = history.trail().filter(|_| is_meant(label));
            trail.is_some_and(|trail| trail.has(commit))
        })
    }

    /// The label that has named this commit here, the default one rather than another; the default one, too, where none has.
    pub(in crate::environment_repository) fn label_of(&self, commit: CommitId) -> Option<Label> {
        let defaults = self.inner.settings.default_labels();
        let rank = |label: &Label| defaults.iter().position(|default| default == label);
        let mut labels = self.labels();
        labels.sort_by_key(|(label, _)| (rank(label).unwrap_or(usize::MAX), label.clone()));
        let has_named = |(_, history): &&(Label, Arc<History>)| {
            history.trail().is_some_and(|trail| trail.has(commit))
        };
        let default = labels.first().filter(|(label, _)| rank(label).is_some());
        let found = labels.iter().find(has_named).or(default)?;
        Some(found.0.clone())
    }

    /// Whether `served` is what answers for `asked`: the label itself, or what stands in for a missing default.
    pub(in crate::environment_repository) fn answers_from(
        &self,
        asked: &Label,
        served: &Label,
    ) -> bool {
        let stands_in = || {
            let defaults = self.inner.settings.default_labels();
            asked == self.default_label() && defaults.contains(served)
        };
        asked == served || (stands_in() && !self.inner.served.load().labels.contains_key(asked))
    }

    /// Whether `served` answers for what is asked, or for one of several labels in it; the default label where none is.
    pub(in crate::environment_repository) fn may_answer_from(
        &self,
        asked: Option<&Label>,
        served: &Label,
    ) -> bool {
        let whole = asked.unwrap_or_else(|| self.default_label());
        let answers = |asked: &Label| self.answers_from(asked, served);
        let mut items = whole.as_str().split(',').map(str::trim).map(Label::parse);
        answers(whole) || items.any(|item| item.is_ok_and(|item| answers(&item)))
    }
}
