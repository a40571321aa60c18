//! `confbus.check/1`: members are only ever added.

use confbus::{
    diagnostics::{Diagnostic, Severity},
    findings::{AddressChange, Change, Findings, KeyChange, Shown},
};
use serde_json::{Map, Value, json};

/// The whole document.
pub(super) fn of(findings: &Findings) -> Value {
    let changes = findings.base.is_some().then(|| {
        let changes = findings.changes.iter().map(address);
        changes.collect::<Vec<_>>()
    });
    let diagnostics: Vec<_> = findings.diagnostics.iter().map(diagnostic).collect();
    let mut document = json!({
        "schema": "confbus.check/1",
        "ok": findings.count(Severity::Error) == 0,
        "errors": findings.count(Severity::Error),
        "warnings": findings.count(Severity::Warning),
        "before": findings.count(Severity::Before),
        "files": findings.files,
        "applications": findings.applications,
        "addresses": findings.addresses,
        "duration_seconds": findings.took.as_secs_f64(),
        "diagnostics": diagnostics,
    });
    if let (Some(base), Some(changes), Some(members)) =
        (findings.base, changes, document.as_object_mut())
    {
        members.insert("against".into(), base.to_string().into());
        members.insert("changes".into(), changes.into());
    }
    document
}

fn diagnostic(one: &Diagnostic) -> Value {
    let severity = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Before => "before",
    };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| _ = members.insert(name.into(), value);
    put("code", one.code.to_string().into());
    put("severity", severity.into());
    put("message", one.message.clone().into());
    put("file", one.file.clone().into());
    if let Some(span) = one.span {
        put("line", span.line.into());
        put("column", span.column.into());
        put("end_column", span.end_column.into());
    }
    if let Some(rule) = &one.rule {
        put("rule", rule.clone().into());
    }
    put(
        "effect",
        json!({"held": one.held, "text": one.effect.clone().unwrap_or_default()}),
    );
    put("notes", one.notes.clone().into());
    put("help", one.help.clone().into());
    members.into()
}

fn address(change: &AddressChange) -> Value {
    let keys: Vec<_> = change.changes.iter().map(key).collect();
    json!({"address": change.address, "keys": keys})
}

fn key(change: &Change) -> Value {
    let kind = match change.kind {
        KeyChange::Added => "added",
        KeyChange::Removed => "removed",
        KeyChange::Changed => "changed",
    };
    let mut members = Map::new();
    members.insert("key".into(), change.key.clone().into());
    members.insert("kind".into(), kind.into());
    for (name, side) in [("before", &change.before), ("after", &change.after)] {
        if let Some(shown) = side {
            members.insert(name.into(), value(shown));
        }
    }
    members.insert("place".into(), change.place.clone().into());
    members.into()
}

fn value(shown: &Shown) -> Value {
    match shown {
        Shown::Value(text) => text.clone().into(),
        Shown::Masked => json!({"masked": true}),
    }
}
