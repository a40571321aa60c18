use std::sync::Arc;

use confbus_protocol::CommitId;
use confbus_resolution::{Problem, RepoPath};

use super::history::History;

/// How the commit is to which a label moved; told once that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The repository without credentials.
    pub(crate) repository: Arc<str>,
    pub(crate) commit: CommitId,
    /// `None` when every file can be used.
    pub(crate) broken: Option<Broken>,
}

/// What is wrong with a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Broken {
    /// The first problem.
    pub(crate) problem: Problem,
    /// How many there are besides.
    pub(crate) more: usize,
    /// What answers those who need the file of the first problem; `None` when nothing does.
    pub(crate) held_at: Option<CommitId>,
}

impl Judgement {
    /// On the newest version of a label, of which all is known.
    pub(super) fn of(repository: &Arc<str>, history: &History) -> Self {
        let mut problems = history.problems();
        let broken = problems.next().map(|problem| Broken {
            problem: problem.clone(),
            more: problems.count(),
            held_at: RepoPath::parse(&problem.origin.path)
                .and_then(|path| history.last_good_for(&path)),
        });
        Self {
            repository: Arc::clone(repository),
            commit: history.newest().snapshot.version(),
            broken,
        }
    }
}
