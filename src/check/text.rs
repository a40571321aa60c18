//! For people: code and sentence, place, excerpt with carets, effect, notes, help.

use std::fmt::Write as _;

use anstyle::Style;
use confbus::{
    diagnostics::{Diagnostic, Severity, Span},
    findings::{AddressChange, Change, Findings, KeyChange, Shown},
    printable,
};

use super::summary;
use crate::talk::{AMBER, CYAN, DIM, GREEN, RED, painted};

/// Keys of an address that are shown.
const KEYS: usize = 40;
/// Characters of a value that are shown.
const LONGEST: usize = 60;

/// The whole report.
pub(super) fn of(findings: &Findings) -> String {
    let mut out = String::new();
    for one in &findings.diagnostics {
        out.push_str(&diagnostic(one));
        out.push('\n');
    }
    for change in &findings.changes {
        out.push_str(&address(change));
        out.push('\n');
    }
    _ = writeln!(out, "{}", summary::verdict(findings));
    if let Some(changes) = summary::changes(findings) {
        _ = writeln!(out, "{changes}");
    }
    out
}

/// One mistake as a compiler says it.
pub(crate) fn diagnostic(one: &Diagnostic) -> String {
    let style = match one.severity {
        Severity::Error => RED,
        Severity::Warning => AMBER,
        Severity::Before => DIM,
    };
    let title = painted(style.bold(), format!("{}[{}]", one.severity, one.code));
    let message = painted(Style::new().bold(), printable(&one.message));
    let mut out = format!("{title}: {message}\n");
    if !one.file.is_empty() {
        _ = writeln!(out, "  --> {}", painted(CYAN, printable(&one.place())));
    }
    if let Some(span) = one.span {
        out.push_str(&excerpt(&one.excerpt, span));
    }
    let lines = one.rule.iter().map(|rule| ("rule", rule));
    let lines = lines.chain(one.effect.iter().map(|effect| ("effect", effect)));
    let lines = lines.chain(one.notes.iter().map(|note| ("note", note)));
    let lines = lines.chain(one.help.iter().map(|help| ("help", help)));
    for (name, text) in lines {
        _ = writeln!(out, "   = {name}: {}", printable(text));
    }
    out
}

fn excerpt(lines: &[(u32, String)], span: Span) -> String {
    let width = span.line.to_string().len().max(2);
    let bar = format!("{:width$} |\n", "");
    let mut out = bar.clone();
    for (number, line) in lines {
        _ = writeln!(out, "{number:width$} | {}", line.trim_end());
    }
    let before = " ".repeat(span.column.saturating_sub(1) as usize);
    let shown = lines.last().map_or(0, |(_, line)| line.chars().count());
    let most = (shown + 1).saturating_sub(before.len()).max(1);
    let carets = (span.end_column.saturating_sub(span.column) as usize).clamp(1, most);
    if before.len() <= shown {
        _ = writeln!(
            out,
            "{:width$} | {before}{}",
            "",
            painted(RED, "^".repeat(carets))
        );
    }
    out + &bar
}

fn address(change: &AddressChange) -> String {
    let address = printable(&change.address);
    let mut out = match change.changes.len() {
        0 => format!("{address}   what is different cannot be told\n"),
        keys => format!("{address}   {}\n", summary::number(keys, "key")),
    };
    let shown = change.changes.iter().take(KEYS);
    let width = shown
        .clone()
        .map(|one| printable(&one.key).chars().count())
        .max();
    for one in shown {
        _ = writeln!(out, "{}", line(one, width.unwrap_or_default()));
    }
    if change.changes.len() > KEYS {
        _ = writeln!(out, "  and {} more", change.changes.len() - KEYS);
    }
    out
}

fn line(change: &Change, width: usize) -> String {
    let key = printable(&change.key);
    let text = match change.kind {
        KeyChange::Added => format!("+ {key:width$}   {}", side(change.after.as_ref())),
        KeyChange::Removed => format!("- {key:width$}   {}", side(change.before.as_ref())),
        KeyChange::Changed => format!(
            "~ {key:width$}   {} → {}",
            side(change.before.as_ref()),
            side(change.after.as_ref())
        ),
    };
    let (style, was) = match change.kind {
        KeyChange::Added => (GREEN, ""),
        KeyChange::Removed => (RED, "was "),
        KeyChange::Changed => (AMBER, ""),
    };
    let place = painted(DIM, format!("{was}{}", printable(&change.place)));
    format!("{}   {place}", painted(style, text))
}

/// A value on one line.
pub(super) fn side(value: Option<&Shown>) -> String {
    match value {
        None => String::new(),
        Some(Shown::Masked) => "••••••".to_owned(),
        Some(Shown::Value(text)) => {
            let line = text.replace(|c: char| c.is_control(), " ");
            match line.char_indices().nth(LONGEST) {
                Some((end, _)) => format!("{}…", &line[..end]),
                None => line,
            }
        }
    }
}
