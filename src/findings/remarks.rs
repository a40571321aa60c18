//! What no server refuses, and what somebody should look at all the same.

use confbus_protocol::{PropertyValue, looks_secret};
use confbus_resolution::{Cause, Origin, Problem, Snapshot, resolve_files};
use indexmap::IndexMap;

use super::judged::{Judge, Judged, shown};
use crate::{
    acceptance::{Winners, circles},
    diagnostics::{Diagnostic, Severity},
};

/// Warnings that are told.
const MOST: usize = 200;

/// Warnings about what addresses are given.
pub(super) fn of(snapshot: &Snapshot, judge: &Judge<'_>, judged: &Judged) -> Vec<Diagnostic> {
    let mut found: IndexMap<Problem, Vec<String>> = IndexMap::new();
    for request in &judged.addresses {
        let Ok(files) = resolve_files(snapshot, judge.layout, request) else {
            continue;
        };
        let winners = Winners::of(&files);
        let mut problems = if judge.acceptance.follows_placeholders() {
            Vec::new()
        } else {
            // The others of the circle are the same mistake.
            circles(&winners).into_iter().take(1).collect()
        };
        problems.extend(files.iter().flat_map(|file| {
            let entries = file.source.source.iter();
            let open = entries.filter(|(key, property)| is_clear_text(key, &property.value));
            open.map(|(key, property)| Problem {
                origin: Origin {
                    path: file.path.to_owned(),
                    position: property.origin,
                },
                problem: format!("`{key}` looks like a secret, and anybody who reads the repository can read it"),
                hint: Some("encrypt it: confbus encrypt, or refer to a variable of the application: `${NAME}`".into()),
                cause: Cause::ClearText,
            })
        }));
        for problem in problems {
            found.entry(problem).or_default().push(shown(request));
        }
    }
    let told = found.into_iter().take(MOST);
    told.map(|(problem, addresses)| {
        let mut one = Diagnostic::of(&problem, snapshot, Severity::Warning);
        one.held = Vec::new();
        one.effect = match addresses.as_slice() {
            [only] => Some(format!("read by {only}")),
            all => Some(format!("read by {} addresses", all.len())),
        };
        one
    })
    .collect()
}

/// A text under the name of a secret that neither is encrypted nor stands for something elsewhere.
fn is_clear_text(key: &str, value: &PropertyValue) -> bool {
    let text = value.as_text().filter(|text| !text.is_empty());
    text.is_some_and(|text| !text.starts_with('{') && !text.contains("${")) && looks_secret(key)
}
