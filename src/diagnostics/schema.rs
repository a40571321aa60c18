//! Breaches of schemas.

use confbus_resolution::{Breach, BrokenRule, Problem, Snapshot};
use serde_json::Value;

use super::{
    Code, Said, Span,
    source::{self, Source},
    span, span_of,
};
use crate::closest::closest;

pub(super) fn say(
    problem: &Problem,
    broken: &BrokenRule,
    source: &Source,
    snapshot: &Snapshot,
) -> Said {
    let here = span_of(source, problem.origin.position);
    match &broken.breach {
        Breach::Value { key, must } if key.is_empty() => {
            Said::new(Code::SCHEMA, here, format!("the configuration {must}"))
                .help("write what the schema asks for")
        }
        Breach::Value { key, must } => Said::new(Code::SCHEMA, here, format!("`{key}` {must}"))
            .help(format!("change the value: it {must}")),
        Breach::Missing { key } => {
            let place = section(key, problem, source).or(here);
            Said::new(Code::SCHEMA, place, format!("`{key}` is missing"))
                .help(format!("write a value for `{key}`"))
        }
        Breach::Unknown { keys } => unknown(keys, problem, &broken.rule, source, snapshot),
    }
}

/// The line of the section in which a key is missing; what has a place is a value in it.
fn section(key: &str, problem: &Problem, source: &Source) -> Option<Span> {
    let (above, _) = key.rsplit_once('.')?;
    let name = above.rsplit('.').next()?;
    let number = problem.origin.position?.line;
    let mut lines = source.above(number);
    let (number, line) = lines.find(|(_, line)| source::key(line) == Some(name))?;
    let start = line[..line.find(name)?].chars().count();
    Some(span(number, start, start + name.chars().count()))
}

fn unknown(
    keys: &[String],
    problem: &Problem,
    rule: &str,
    source: &Source,
    snapshot: &Snapshot,
) -> Said {
    let quoted: Vec<_> = keys.iter().map(|key| format!("`{key}`")).collect();
    let message = match quoted.as_slice() {
        [one] => format!("the schema does not know the key {one}"),
        all => format!("the schema does not know the keys {}", all.join(", ")),
    };
    let place = problem.origin.position.and_then(|at| {
        // The value is what has a place; its key stands in the same line.
        let line = source.line(at.line)?;
        let name = keys.first()?.rsplit('.').next()?;
        let byte = line.find(name)?;
        let start = line[..byte].chars().count();
        Some(span(at.line, start, start + name.chars().count()))
    });
    let place = place.or_else(|| span_of(source, problem.origin.position));
    let said = Said::new(Code::UNKNOWN_KEY, place, message);
    let meant = keys.first().and_then(|key| {
        let name = key.rsplit('.').next()?;
        let known = known(rule, snapshot);
        closest(name, known.iter().map(String::as_str)).map(str::to_owned)
    });
    match meant {
        Some(meant) => said.help(format!("did you mean `{meant}`?")),
        None => said.help("remove it, or add it to the schema"),
    }
}

/// The names that the schema has beside the rule.
fn known(rule: &str, snapshot: &Snapshot) -> Vec<String> {
    let found = || {
        let (path, pointer) = rule.split_once('#')?;
        let (_, blob) = snapshot.files().get(path)?;
        let schema: Value = serde_json::from_slice(blob.bytes()?).ok()?;
        let (above, _) = pointer.rsplit_once('/')?;
        let properties = schema.pointer(above)?.get("properties")?.as_object()?;
        Some(properties.keys().cloned().collect())
    };
    found().unwrap_or_default()
}
