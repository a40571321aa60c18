use crate::Mark;

/// Why a stream could not be read.
///
/// The problem never quotes a value of the file: a misplaced secret must not end up in a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(*.mark))]
pub struct Error {
    mark: Option<Mark>,
    problem: String,
}

impl Error {
    pub(crate) fn at(mark: Mark, problem: impl Into<String>) -> Self {
        Self {
            mark: Some(mark),
            problem: problem.into(),
        }
    }

    pub(crate) fn without_place(problem: impl Into<String>) -> Self {
        Self {
            mark: None,
            problem: problem.into(),
        }
    }

    /// Where the problem is; nothing when it concerns the stream as a whole.
    pub fn mark(&self) -> Option<Mark> {
        self.mark
    }

    /// What is wrong, in one line without the place.
    pub fn problem(&self) -> &str {
        &self.problem
    }
}

fn place(mark: Option<Mark>) -> String {
    mark.map(|mark| format!("{mark}: ")).unwrap_or_default()
}
