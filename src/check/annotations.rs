//! What hosts show beside the lines of a change.

use std::fmt::Write as _;

use confbus::{
    diagnostics::{Diagnostic, Severity},
    findings::Findings,
    printable,
};
use serde_json::{Value, json};

use super::summary;

/// Commands that a workflow of GitHub reads from the output of a step.
pub(super) fn github(findings: &Findings) -> String {
    let mut out = String::new();
    for one in &findings.diagnostics {
        let level = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Before => "notice",
        };
        let mut properties = format!("file={}", property(&printable(&one.file)));
        if let Some(span) = one.span {
            _ = write!(
                properties,
                ",line={0},endLine={0},col={1},endColumn={2}",
                span.line, span.column, span.end_column
            );
        }
        let title = format!("{} {}", one.code, one.code.title());
        _ = writeln!(
            out,
            "::{level} {properties},title={}::{}",
            property(&title),
            data(&paragraph(one))
        );
    }
    _ = writeln!(out, "{}", summary::verdict(findings));
    if let Some(changes) = summary::changes(findings) {
        _ = writeln!(out, "{changes}");
    }
    out
}

/// What stands behind `::`, and is one line there.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The sentence, and what belongs to it, a line each, whatever stands in the files.
pub(super) fn paragraph(one: &Diagnostic) -> String {
    let mut lines = vec![one.message.clone()];
    lines.extend(one.effect.iter().map(|effect| format!("effect: {effect}")));
    lines.extend(one.notes.iter().map(|note| format!("note: {note}")));
    lines.extend(one.help.iter().map(|help| format!("help: {help}")));
    let printed: Vec<_> = lines.iter().map(|line| printable(line)).collect();
    printed.join("\n")
}

/// A report of code quality, as GitLab reads it.
pub(super) fn gitlab(findings: &Findings) -> Value {
    let entries = findings.diagnostics.iter().map(|one| {
        let severity = match one.severity {
            Severity::Error => "critical",
            Severity::Warning => "minor",
            Severity::Before => "info",
        };
        json!({
            "type": "issue",
            "check_name": one.code.to_string(),
            "description": one.message,
            "content": {"body": paragraph(one)},
            "categories": ["Bug Risk"],
            "severity": severity,
            "fingerprint": fingerprint(one),
            "location": {
                "path": one.file,
                "lines": {"begin": one.span.map_or(1, |span| span.line)},
            },
        })
    });
    entries.collect()
}

/// The same for the same mistake, wherever the lines above have moved it: FNV-1a of what it says.
pub(super) fn fingerprint(one: &Diagnostic) -> String {
    let text = format!("{}\0{}\0{}", one.code, one.file, one.message);
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
