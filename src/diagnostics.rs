//! What is wrong in a file, told to its author as a compiler would: a code, a sentence in words of the file, the place, and
//! an edit that mends it. Made from the [`Problem`]s by which a server holds a commit; no value of a secret is in it.

mod code;
mod schema;
mod source;
mod words;
mod yaml;

use std::fmt;

use confbus_protocol::Position;
use confbus_resolution::{Cause, Problem, Snapshot};

pub use code::Code;
use source::Source;

/// Whether a server would hold the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// It would.
    Error,
    /// It would not; somebody should look at it all the same.
    Warning,
    /// It would, and did so before the change that is checked.
    Before,
}

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// Whether it counts.
    pub severity: Severity,
    /// In words of the file.
    pub message: String,
    /// Its path in the repository.
    pub file: String,
    /// Where in the file, if a place is meant.
    pub span: Option<Span>,
    /// The line before the place and its line, by number, secrets masked.
    pub excerpt: Vec<(u32, String)>,
    /// What says so: `shop.schema.json#/properties/pool/properties/max/maximum`.
    pub rule: Option<String>,
    /// The addresses that would keep what they have, `shop/prod`.
    pub held: Vec<String>,
    /// Who is hurt and who is not.
    pub effect: Option<String>,
    /// What belongs to it.
    pub notes: Vec<String>,
    /// Edits that mend it.
    pub help: Vec<String>,
}

/// A part of a line; all numbers count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// The line.
    pub line: u32,
    /// Its first character that is meant.
    pub column: u32,
    /// The one behind the last.
    pub end_column: u32,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Before => "error before",
        })
    }
}

/// What is said of a mistake, before it is known whom it hurts.
#[derive(Debug)]
struct Said {
    code: Code,
    message: String,
    span: Option<Span>,
    notes: Vec<String>,
    help: Vec<String>,
}

impl Said {
    fn new(code: Code, span: Option<Span>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            span,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl Diagnostic {
    /// Tells of a problem in a snapshot.
    pub(crate) fn of(problem: &Problem, snapshot: &Snapshot, severity: Severity) -> Self {
        let path = problem.origin.path.as_str();
        let blob = snapshot.files().get(path).map(|(_, blob)| blob);
        let source = Source::new(blob.and_then(|blob| blob.bytes()).unwrap_or_default());
        let said = match &problem.cause {
            Cause::Yaml { kind, start } => yaml::say(problem, *kind, *start, &source),
            Cause::Schema(broken) => schema::say(problem, broken, &source, snapshot),
            _ => words::say(problem, &source),
        };
        let rule = match &problem.cause {
            Cause::Schema(broken) => Some(broken.rule.clone()),
            _ => None,
        };
        Self {
            code: said.code,
            severity,
            message: said.message,
            file: path.to_owned(),
            excerpt: said
                .span
                .map(|span| source.excerpt(span.line))
                .unwrap_or_default(),
            span: said.span,
            rule,
            held: Vec::new(),
            effect: None,
            notes: said.notes,
            help: said.help,
        }
    }

    /// `shop.yml:14:8`, or only the file.
    #[must_use]
    pub fn place(&self) -> String {
        match self.span {
            Some(Span { line, column, .. }) => format!("{}:{line}:{column}", self.file),
            None => self.file.clone(),
        }
    }
}

/// The value at a place, or the rest of the line; a place that a reader counted beyond the file is at its end.
fn span_of(source: &Source, position: Option<Position>) -> Option<Span> {
    let Position { line, column } = position?;
    let text: Vec<char> = source.line(line)?.chars().collect();
    let start = (column.max(1) as usize - 1).min(text.len());
    let length = source::token(&text[start..]);
    Some(span(line, start, start + length.max(1)))
}

/// From character to character, counted from 0.
fn span(line: u32, start: usize, end: usize) -> Span {
    let number = |index: usize| u32::try_from(index + 1).unwrap_or(u32::MAX);
    Span {
        line,
        column: number(start),
        end_column: number(end),
    }
}

#[cfg(test)]
mod tests;
