//! SARIF 2.1.0, for code scanning.

use confbus::{
    diagnostics::{Code, Diagnostic, Severity},
    findings::Findings,
};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::{Value, json};

use super::annotations::{fingerprint, paragraph};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// What a path may not hold in a URI.
const IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'%')
    .add(b'#')
    .add(b'?')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b']')
    .add(b'\\');

/// The whole log.
pub(super) fn of(findings: &Findings) -> Value {
    let rules: Vec<_> = Code::ALL
        .iter()
        .map(|code| json!({"id": code.to_string(), "shortDescription": {"text": code.title()}}))
        .collect();
    let results: Vec<_> = findings.diagnostics.iter().map(result).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "confbus check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(one: &Diagnostic) -> Value {
    let level = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Before => "note",
    };
    let uri = utf8_percent_encode(&one.file, IN_PATH).to_string();
    let mut place = json!({"artifactLocation": {"uri": uri, "uriBaseId": "%SRCROOT%"}});
    if let (Some(span), Some(place)) = (one.span, place.as_object_mut()) {
        let region = json!({
            "startLine": span.line,
            "startColumn": span.column,
            "endColumn": span.end_column,
        });
        place.insert("region".into(), region);
    }
    json!({
        "ruleId": one.code.to_string(),
        "level": level,
        "message": {"text": paragraph(one)},
        "locations": [{"physicalLocation": place}],
        "partialFingerprints": {"confbus/v1": fingerprint(one)},
    })
}
