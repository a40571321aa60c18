use std::sync::Arc;

use confbus_protocol::CommitId;
use confbus_resolution::Problem;
use indexmap::IndexSet;

use super::history::History;

/// How the commit is to which a label moved; told once that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) commit: CommitId,
    /// `None` when nothing is wrong with it.
    pub(crate) broken: Option<Broken>,
}

/// What is wrong with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The first problem.
    pub(crate) problem: Problem,
    /// How many there are besides.
    pub(crate) more: usize,
    /// What answers those whom the first problem concerns; `None` when nothing does.
    pub(crate) held_at: Option<CommitId>,
}

impl Judgement {
    /// On the newest version of a label, of which all is known.
    pub(super) fn of(repository: &Arc<str>, history: &History) -> Self {
        // One cause may have many readers.
        let problems: IndexSet<_> = history.problems().collect();
        let broken = problems.first().map(|problem| Broken {
            problem: (*problem).clone(),
            more: problems.len() - 1,
            held_at: history.last_without(problem),
        });
        Self {
            repository: Arc::clone(repository),
            commit: history.newest().snapshot.version(),
            broken,
        }
    }
}
