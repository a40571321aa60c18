//! The comment of a pull request.

use std::fmt::Write as _;

use confbus::{
    diagnostics::{Diagnostic, Severity},
    findings::{Change, Findings, KeyChange},
};

use super::{summary, text::side};

/// By which a later run finds the comment to write anew.
const MARK: &str = "<!-- confbus check -->";
/// Mistakes and keys that are listed; hosts take comments of 64 KiB.
const MOST: usize = 50;

/// The whole comment.
pub(super) fn of(findings: &Findings) -> String {
    let errors = findings.count(Severity::Error);
    let title = match errors {
        0 => "**confbus check:** nothing is wrong".to_owned(),
        errors => format!("**confbus check:** {}", summary::number(errors, "error")),
    };
    let mut out = format!("{MARK}\n{title}");
    match summary::changes(findings) {
        Some(changes) => _ = writeln!(out, "; this {}\n", prose(&changes)),
        None => out.push_str("\n\n"),
    }
    diagnostics(&mut out, findings);
    changes(&mut out, findings);
    _ = writeln!(out, "<sub>{}</sub>", summary::verdict(findings));
    out
}

fn diagnostics(out: &mut String, findings: &Findings) {
    if findings.diagnostics.is_empty() {
        return;
    }
    out.push_str("| | place | |\n|---|---|---|\n");
    for one in findings.diagnostics.iter().take(MOST) {
        _ = writeln!(
            out,
            "| {} {} | {} | {} |",
            one.severity,
            one.code,
            code(&one.place()),
            cell(one)
        );
    }
    rest(out, findings.diagnostics.len());
    out.push('\n');
}

fn cell(one: &Diagnostic) -> String {
    let mut lines = vec![prose(&one.message)];
    lines.extend(one.effect.iter().map(|text| prose(text)));
    lines.extend(
        one.help
            .iter()
            .map(|text| format!("*help:* {}", prose(text))),
    );
    lines.join("<br>")
}

fn changes(out: &mut String, findings: &Findings) {
    for change in &findings.changes {
        if change.changes.is_empty() {
            continue;
        }
        let keys = summary::number(change.changes.len(), "key");
        _ = writeln!(
            out,
            "<details><summary>{} — {keys}</summary>\n",
            plain(&change.address)
        );
        out.push_str("| | key | before | after | |\n|---|---|---|---|---|\n");
        for one in change.changes.iter().take(MOST) {
            out.push_str(&row(one));
        }
        rest(out, change.changes.len());
        out.push_str("\n</details>\n\n");
    }
}

fn row(one: &Change) -> String {
    let sign = match one.kind {
        KeyChange::Added => "+",
        KeyChange::Removed => "−",
        KeyChange::Changed => "~",
    };
    let [before, after] = [&one.before, &one.after].map(|side_| match side(side_.as_ref()) {
        text if text.is_empty() => text,
        text => code(&text),
    });
    format!(
        "| {sign} | {} | {before} | {after} | {} |\n",
        code(&one.key),
        code(&one.place)
    )
}

fn rest(out: &mut String, all: usize) {
    if all > MOST {
        _ = writeln!(out, "\nand {} more", all - MOST);
    }
}

/// A sentence of ours; what it quotes from a file between backquotes is code.
fn prose(text: &str) -> String {
    let parts = text.split('`').enumerate();
    let parts = parts.map(|(number, part)| match number % 2 {
        0 => plain(part),
        _ => code(part),
    });
    parts.collect()
}

/// Text of a file, as code.
fn code(text: &str) -> String {
    format!("<code>{}</code>", plain(text))
}

/// Text that stays text: nothing in it may begin a table, a link or a tag.
fn plain(text: &str) -> String {
    let flat = text.replace(|c: char| c.is_control(), " ");
    marks(&flat.replace('&', "&amp;").replace('<', "&lt;"))
}

fn marks(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '|' | '[' | ']' | '*' | '_' | '`' | '@' | '#' | '~' | '!' | '\\' => {
                _ = write!(out, "&#{};", u32::from(character));
            }
            other => out.push(other),
        }
        out
    })
}
