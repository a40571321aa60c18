//! How the program speaks: data on standard output, all else on standard error; colours and signs only where they can be shown.

mod progress;

use std::{
    env,
    fmt::Display,
    io::{self, BufRead as _, ErrorKind, IsTerminal as _, Read as _, Write as _},
    sync::OnceLock,
};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use anyhow::Context as _;
use confbus::printable;
use serde_json::Value;

pub(crate) use progress::show as show_progress;

use crate::exit::{Complaint, Severity};

/// Done, live.
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
/// Waits.
pub(crate) const AMBER: Style = AnsiColor::Yellow.on_default();
/// Refused.
pub(crate) const RED: Style = AnsiColor::Red.on_default();
/// Can be copied: paths, commands, commits.
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
/// Can be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();
const BOLD: Style = Style::new().bold();

/// Nothing.
pub(crate) const DASH: &str = "-";

/// Bytes of an answer to a question.
const LONGEST_ANSWER: u64 = 1024;

/// Nobody reads standard output any more.
#[derive(Debug, thiserror::Error)]
#[error("standard output is closed")]
pub(crate) struct ReaderGone;

static QUIET: OnceLock<bool> = OnceLock::new();

/// Says once how to speak, before anything is said.
pub(crate) fn begin(colour: ColorChoice, quiet: bool) {
    colour.write_global();
    _ = QUIET.set(quiet);
}

/// A text in a colour, which is left out again where nothing shows it.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// `1 key`, `2 keys`
pub(crate) fn counted<N: Display + PartialEq + From<u8>>(number: N, what: &str) -> String {
    let ending = if number == N::from(1) { "" } else { "s" };
    format!("{number} {what}{ending}")
}

/// A line of data.
///
/// # Errors
/// When standard output cannot be written; [`ReaderGone`] when nobody reads it.
pub(crate) fn line(line: impl Display) -> anyhow::Result<()> {
    written(writeln!(AutoStream::auto(io::stdout().lock()), "{line}"))
}

/// Data as it is.
///
/// # Errors
/// As [`line`].
pub(crate) fn data(bytes: &[u8]) -> anyhow::Result<()> {
    let mut output = io::stdout().lock();
    written(output.write_all(bytes).and_then(|()| output.flush()))
}

/// Lines of data: as they are for a program, and for a terminal without what would drive it.
///
/// # Errors
/// As [`line`].
pub(crate) fn lines(text: &str) -> anyhow::Result<()> {
    if io::stdout().is_terminal() {
        line(printable_lines(text))
    } else {
        data(format!("{text}\n").as_bytes())
    }
}

fn printable_lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    lines.join("\n")
}

/// What came of writing to standard output.
///
/// # Errors
/// As [`line`].
pub(crate) fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        result => result.context("standard output"),
    }
}

/// A line beside the data, for people; nothing with `--quiet`.
pub(crate) fn note(line: impl Display) {
    if !QUIET.get().copied().unwrap_or_default() {
        to_standard_error(&line.to_string());
    }
}

/// Whether somebody can be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person, who has to say yes in so many words.
///
/// # Errors
/// When the answer cannot be read.
pub(crate) fn ask(question: &str) -> anyhow::Result<bool> {
    let mut output = AutoStream::auto(io::stderr().lock());
    let asked = write!(output, "{question} [y/N] ").and_then(|()| output.flush());
    asked.context("standard error")?;
    let mut answer = String::new();
    let read = io::stdin()
        .lock()
        .take(LONGEST_ANSWER)
        .read_line(&mut answer);
    read.context("standard input")?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    let answer = answer.trim();
    ["y", "yes"]
        .iter()
        .any(|yes| answer.eq_ignore_ascii_case(yes))
}

/// A mistake or a warning, as a compiler would say it.
pub(crate) fn complain(complaint: &Complaint) {
    let severity = complaint.severity.name();
    let style = match complaint.severity {
        Severity::Error => RED.bold(),
        Severity::Warning => AMBER.bold(),
    };
    let code = complaint.code.map(|code| format!("[{code}]"));
    let title = painted(style, format!("{severity}{}", code.unwrap_or_default()));
    let sentence = printable(&complaint.sentence);
    let mut lines = vec![format!("{title}: {}", painted(BOLD, sentence))];
    let place = complaint.place.iter();
    lines.extend(place.map(|place| format!("  --> {}", painted(CYAN, printable(place)))));
    let named =
        |name: &'static str| move |text: &String| format!("  = {name}: {}", printable(text));
    lines.extend(complaint.notes.iter().map(named("note")));
    lines.extend(complaint.help.iter().map(named("help")));
    lines.iter().for_each(|line| to_standard_error(line));
}

/// The same for programs.
pub(crate) fn complain_as_json(complaint: &Value) {
    to_standard_error(&complaint.to_string());
}

/// Nobody is left to tell when it cannot be written.
fn to_standard_error(line: &str) {
    _ = writeln!(AutoStream::auto(io::stderr().lock()), "{line}");
}

/// The sign of a state, in its colour; a word always stands beside it.
pub(crate) fn sign(state: &str) -> String {
    let (sign, plain, style) = match state {
        "live" | "applied" => ("●", "+", GREEN),
        "same" => ("○", "=", DIM),
        "done" => ("✓", "ok", GREEN),
        "applying" | "running" | "waiting" => ("◐", "~", AMBER),
        "told" => ("◔", ".", AMBER),
        "rejected" | "stopped" | "aborted" => ("✗", "x", RED),
        "restart" => ("↻", "R", AMBER),
        "held" => ("⏸", "|", CYAN),
        "silent" | "skipped" => ("◌", "-", DIM),
        "doubtful" => ("!", "!", AMBER),
        _ => ("?", "?", DIM),
    };
    painted(style, if shows_utf8() { sign } else { plain })
}

/// What stands for a secret.
pub(crate) fn dots() -> String {
    let dot = if shows_utf8() { "•" } else { "*" };
    dot.repeat(6)
}

/// Whether the locale is one of UTF-8: the first of these variables that says anything decides.
fn shows_utf8() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .find(|locale| !locale.is_empty());
    said.is_some_and(|locale| is_utf8(&locale))
}

fn is_utf8(locale: &str) -> bool {
    let locale = locale.to_ascii_lowercase();
    locale.ends_with("utf-8") || locale.ends_with("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_lines_and_drive_no_terminal() {
        let text = "A='1\n2\u{1b}[2J'\nB=größe";
        assert_eq!(printable_lines(text), "A='1\n2\\u{1b}[2J'\nB=größe");
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        for (answer, expected) in [
            ("y\n", true),
            ("Yes\r\n", true),
            ("", false),
            ("\n", false),
            ("n\n", false),
            ("yesterday\n", false),
        ] {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn a_locale_says_whether_it_is_utf8() {
        for locale in ["en_GB.UTF-8", "C.utf8", "de_DE.utf-8"] {
            assert!(is_utf8(locale), "{locale}");
        }
        for locale in ["C", "POSIX", "de_DE@euro", "en_GB.ISO-8859-1"] {
            assert!(!is_utf8(locale), "{locale}");
        }
    }
}
