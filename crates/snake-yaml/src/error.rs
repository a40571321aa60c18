use crate::Mark;

/// Why a stream could not be read.
///
/// The problem never quotes a value of the file: a misplaced secret must not end up in a log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", place(*.mark))]
pub struct Error {
    mark: Option<Mark>,
    problem: String,
    kind: ErrorKind,
    start: Option<Mark>,
}

/// What kind of mistake it is, for whoever says it in other words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// None of the following.
    Syntax,
    /// A key, a value or an entry of a list stands where none may.
    Placement,
    /// A tab stands where only spaces may.
    Tab,
    /// A line has neither a `:` nor a place in the text before it.
    MissingColon,
    /// A quote is not closed.
    OpenQuote,
    /// A list in `[]` or a map in `{}` is not closed, or goes on without a comma.
    OpenBracket,
    /// A text begins with a sign that means something.
    Sign,
    /// A backslash in double quotes leads nowhere.
    Escape,
    /// A key stands twice in one map.
    DuplicateKey,
    /// An alias stands for nothing, or for what it is in.
    Alias,
    /// What stands behind `<<` cannot be merged.
    Merge,
    /// A tag that Spring Boot does not let through.
    Tag,
    /// A value looks like a number, or is called one, and is none.
    Number,
    /// The bytes are no text.
    Encoding,
    /// More than [`Limits`](crate::Limits) allow.
    Limit,
}

impl Error {
    pub(crate) fn at(mark: Mark, problem: impl Into<String>) -> Self {
        Self {
            mark: Some(mark),
            problem: problem.into(),
            kind: ErrorKind::Syntax,
            start: None,
        }
    }

    pub(crate) fn without_place(problem: impl Into<String>) -> Self {
        Self {
            mark: None,
            problem: problem.into(),
            kind: ErrorKind::Syntax,
            start: None,
        }
    }

    pub(crate) fn of(self, kind: ErrorKind) -> Self {
        Self { kind, ..self }
    }

    pub(crate) fn begun_at(self, start: Mark) -> Self {
        let start = self.start.or(Some(start));
        Self { start, ..self }
    }

    /// What kind of mistake it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where that begins which does not end, if that is known.
    pub fn start(&self) -> Option<Mark> {
        self.start
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
