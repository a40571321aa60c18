//! The sentences that end every report.

use confbus::{diagnostics::Severity, findings::Findings, printable};

/// Addresses that are named in a sentence.
const NAMED: usize = 8;

/// `2 errors`, `1 error`.
pub(super) fn number(count: usize, noun: &str) -> String {
    let ending = match (count, noun) {
        (1, _) => "",
        (_, "address") => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// What was looked at, and how it is.
pub(super) fn verdict(findings: &Findings) -> String {
    let [errors, warnings, before] = [Severity::Error, Severity::Warning, Severity::Before]
        .map(|severity| findings.count(severity));
    let before = match before {
        0 => String::new(),
        before => format!(", {} before this change", number(before, "error")),
    };
    format!(
        "{}, {}, {} in {:.2} s: {}, {}{before}",
        number(findings.applications, "application"),
        number(findings.addresses, "address"),
        number(findings.files, "file"),
        findings.took.as_secs_f64(),
        number(errors, "error"),
        number(warnings, "warning"),
    )
}

/// `changes shop/prod 4 keys, shop/staging 1 key`; nothing without a change to compare with.
pub(super) fn changes(findings: &Findings) -> Option<String> {
    let base = findings.base?.short();
    let changes = &findings.changes;
    if changes.is_empty() {
        return Some(format!(
            "changes nothing for any address, compared with {base}"
        ));
    }
    let is_held = |address: &String| {
        let mut errors = findings.diagnostics.iter();
        errors.any(|one| one.severity == Severity::Error && one.held.contains(address))
    };
    let (held, free): (Vec<_>, Vec<_>) =
        changes.iter().partition(|change| is_held(&change.address));
    let said = |all: &[&confbus::findings::AddressChange]| {
        let named = all.iter().take(NAMED).map(|one| match one.changes.len() {
            0 => printable(&one.address).into_owned(),
            keys => format!("{} {}", printable(&one.address), number(keys, "key")),
        });
        let mut named: Vec<_> = named.collect();
        if all.len() > NAMED {
            named.push(format!("{} more", all.len() - NAMED));
        }
        named.join(", ")
    };
    Some(match (free.as_slice(), held.as_slice()) {
        (free, []) => format!("changes {}", said(free)),
        ([], held) => format!("changes nothing; without the errors {}", said(held)),
        (free, held) => format!(
            "changes {}; without the errors also {}",
            said(free),
            said(held)
        ),
    })
}
