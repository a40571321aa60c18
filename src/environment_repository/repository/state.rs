//! How a repository is, for whoever wants to know; nothing is fetched for it.

use confbus_protocol::CommitId;
use confbus_resolution::Problem;

use super::{
    super::{
        answer::UpstreamHealth,
        figures::{Figures, LabelFigures, MOST_LABELS},
    },
    Repository,
};
use crate::git::Cloning;

impl Repository {
    /// The commit that the default label names.
    pub(in crate::environment_repository) fn version(&self) -> Option<CommitId> {
        let newest = self.newest(self.default_label())?;
        Some(newest.version())
    }

    /// What can be counted of it.
    pub(in crate::environment_repository) fn figures(&self) -> Figures {
        let served = self.inner.served.load();
        let mut labels = self.labels();
        labels.sort_by(|(one, _), (other, _)| one.cmp(other));
        let labels = labels.into_iter().take(MOST_LABELS);
        Figures {
            repository: self.inner.display_uri.clone(),
            confirmed_ago: served.confirmed_ago(),
            labels: labels
                .map(|(label, history)| LabelFigures {
                    label: label.to_string(),
                    commit: history.newest().snapshot.version(),
                    generation: history.generation(),
                })
                .collect(),
            mirror: self.inner.mirror.clone(),
        }
    }

    /// Whether anything is wrong with what its labels name.
    pub(in crate::environment_repository) fn has_problems(&self) -> bool {
        let served = self.inner.served.load();
        let mut histories = served.labels.values();
        histories.any(|history| history.problems().next().is_some())
    }

    /// The state of the repository; nothing is fetched for it.
    pub(in crate::environment_repository) fn health(&self) -> UpstreamHealth {
        let served = self.inner.served.load();
        let mut problems: Vec<Problem> = Vec::new();
        for problem in served
            .labels
            .values()
            .flat_map(|history| history.problems())
        {
            if !problems.contains(problem) {
                problems.push(problem.clone());
            }
        }
        UpstreamHealth {
            repository: self.inner.display_uri.clone(),
            version: self.version(),
            confirmed_seconds_ago: served.confirmed_ago().map(|ago| ago.as_secs()),
            error: served.trouble().map(ToString::to_string),
            disk_error: self.inner.last_good.trouble(),
            cloning: self.cloning(),
            problems,
        }
    }

    /// The first clone, as long as it goes on.
    pub(in crate::environment_repository) fn cloning(&self) -> Option<Cloning> {
        *self.inner.cloning.as_ref()?.borrow()
    }
}
