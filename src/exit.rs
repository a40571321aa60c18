//! How the program ends: a number that scripts can rely on, and what is said when it did not do what was asked for.

use std::{fmt, process::ExitCode};

use confbus::{SettingsError, SettingsProblem};
use serde_json::{Value, json};

use crate::talk::{self, ReaderGone};

/// The exit codes of all commands. `watch` also passes on the code of its program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// Yes; done; the same.
    Yes = 0,
    /// The answer is no.
    No = 1,
    /// What was typed makes no sense; the code of clap.
    Usage = 2,
    /// A server, Git or the broker cannot be asked, or answered 5xx.
    Unreachable = 3,
    /// 401 or 403.
    Denied = 4,
    /// Waiting took too long; what was waited for may still happen.
    TimedOut = 5,
    /// No such application, label, key, commit, pin.
    NotFound = 6,
    /// Settings that refuse to start: `EX_CONFIG`, on which a service manager does not try again.
    Settings = 78,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Of two outcomes the one that counts for both: a plain no before one that may still come, and that before a yes.
    pub(crate) fn or_worse(self, other: Self) -> Self {
        let weight = |exit| match exit {
            Self::Yes => 0,
            Self::TimedOut => 1,
            _ => 2,
        };
        if weight(other) > weight(self) {
            other
        } else {
            self
        }
    }

    /// What a status of HTTP that is no success means.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            401 | 403 => Self::Denied,
            404 => Self::NotFound,
            500.. => Self::Unreachable,
            _ => Self::No,
        }
    }
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Severity {
    #[default]
    Error,
    Warning,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One mistake, in the order in which it is read: sentence, place, notes, help.
#[derive(Debug, Default)]
pub(crate) struct Complaint {
    pub(crate) severity: Severity,
    /// `CB1001`, where there is a page about it.
    pub(crate) code: Option<&'static str>,
    pub(crate) sentence: String,
    /// `application.yml:3:9`, a variable, or an argument.
    pub(crate) place: Option<String>,
    pub(crate) notes: Vec<String>,
    /// A command or an edit each.
    pub(crate) help: Vec<String>,
}

impl Complaint {
    /// A sentence alone.
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self {
            sentence: sentence.into(),
            ..Self::default()
        }
    }
}

/// Why a command did not do what was asked for.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty where there is nobody to tell.
    complaints: Vec<Complaint>,
}

impl Failure {
    /// One sentence.
    pub(crate) fn new(exit: Exit, sentence: impl Into<String>) -> Self {
        Self::of(exit, vec![Complaint::new(sentence)])
    }

    /// Whether it ends the program so.
    pub(crate) fn is(&self, exit: Exit) -> bool {
        self.exit == exit
    }

    pub(crate) fn of(exit: Exit, complaints: Vec<Complaint>) -> Self {
        Self { exit, complaints }
    }

    /// What else there is to know.
    #[must_use]
    pub(crate) fn note(mut self, note: impl Into<String>) -> Self {
        if let Some(last) = self.complaints.last_mut() {
            last.notes.push(note.into());
        }
        self
    }

    /// What to type or to change.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        if let Some(last) = self.complaints.last_mut() {
            last.help.push(help.into());
        }
        self
    }

    /// What it says to type or to change.
    #[cfg(test)]
    pub(crate) fn helps(&self) -> impl Iterator<Item = &str> {
        let complaints = self.complaints.iter();
        let helps = complaints.flat_map(|complaint| &complaint.help);
        helps.map(String::as_str)
    }

    /// The same with another exit code.
    #[must_use]
    pub(crate) fn ending_with(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// The first sentence; empty where there is nobody to tell.
    pub(crate) fn sentence(&self) -> &str {
        let first = self.complaints.first();
        first.map_or("", |complaint| &complaint.sentence)
    }

    /// Says it on standard error, as text or as one JSON object for each mistake, and gives the exit code.
    pub(crate) fn report(&self, form: Form) -> Exit {
        for complaint in &self.complaints {
            match form {
                Form::Text => talk::complain(complaint),
                Form::Json => talk::complain_as_json(&as_json(complaint)),
            }
        }
        self.exit
    }
}

/// All sentences on one line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sentences = self.complaints.iter().map(|one| one.sentence.as_str());
        f.write_str(&sentences.collect::<Vec<_>>().join("; "))
    }
}

/// How data and errors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Text,
    Json,
}

/// Marks what went wrong with an exit code.
pub(crate) trait OrExit<T> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure>;
}

impl<T, E: Into<anyhow::Error>> OrExit<T> for Result<T, E> {
    fn or_exit(self, exit: Exit) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(exit, format!("{:#}", error.into())))
    }
}

/// Whatever nobody marked is a plain no; that nobody reads any more is no error at all.
impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        if error.is::<ReaderGone>() {
            return Self::of(Exit::Yes, Vec::new());
        }
        Self::new(Exit::No, format!("{error:#}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Exit::No, error.to_string())
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        let problems = error.problems().iter();
        let warnings = error.warnings().iter();
        let complaints = problems
            .map(|problem| complaint(Severity::Error, problem))
            .chain(warnings.map(|problem| complaint(Severity::Warning, problem)));
        Self::of(Exit::Settings, complaints.collect())
    }
}

fn complaint(severity: Severity, problem: &SettingsProblem) -> Complaint {
    Complaint {
        severity,
        code: Some(problem.code),
        sentence: problem.problem.clone(),
        place: Some(problem.place.clone()).filter(|place| !place.is_empty()),
        notes: Vec::new(),
        help: problem.hint.clone().into_iter().collect(),
    }
}

fn as_json(complaint: &Complaint) -> Value {
    json!({
        "schema": "confbus.error/1",
        "severity": complaint.severity.name(),
        "code": complaint.code,
        "message": complaint.sentence,
        "place": complaint.place,
        "notes": complaint.notes,
        "help": complaint.help,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_an_exit_code() {
        for (status, exit) in [
            (401, Exit::Denied),
            (403, Exit::Denied),
            (404, Exit::NotFound),
            (409, Exit::No),
            (500, Exit::Unreachable),
            (503, Exit::Unreachable),
        ] {
            assert_eq!(Exit::of_status(status), exit, "{status}");
        }
    }

    #[test]
    fn the_worse_of_two_outcomes_counts_wherever_it_stands() {
        use Exit::{No, TimedOut, Yes};
        for (one, other, worse) in [
            (Yes, Yes, Yes),
            (Yes, TimedOut, TimedOut),
            (TimedOut, No, No),
            (Yes, No, No),
        ] {
            assert_eq!(one.or_worse(other), worse);
            assert_eq!(other.or_worse(one), worse);
        }
    }

    #[test]
    fn a_reader_who_has_left_is_no_error() {
        let failure = Failure::from(anyhow::Error::from(ReaderGone));
        assert_eq!(failure.exit, Exit::Yes);
        assert!(failure.complaints.is_empty());
    }
}
