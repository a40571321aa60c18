use std::{borrow::Cow, cell::RefCell, collections::HashSet};

use confbus_protocol::{PlaceholderError, placeholder_keys, resolve_placeholders};
use confbus_resolution::{Cause, Problem};

use super::{
    Settings,
    winners::{Winner, Winners},
};

/// What a key is called whose name holds a value, which may be secret.
const PUT_TOGETHER: &str = "a key that is put together from values";

/// Placeholders that lead nowhere or back to themselves.
pub(super) fn problems(winners: &Winners<'_>, settings: &Settings) -> Vec<Problem> {
    let problems = winners
        .iter()
        .filter_map(|(key, winner)| problem(key, winner, winners, settings));
    problems.collect()
}

/// Those alone that lead back to themselves.
pub(crate) fn circles(winners: &Winners<'_>) -> Vec<Problem> {
    let everything = Settings {
        known_placeholders: vec!["*".to_owned()],
        ..Settings::default()
    };
    problems(winners, &everything)
}

fn problem(
    key: &str,
    winner: &Winner<'_>,
    winners: &Winners<'_>,
    settings: &Settings,
) -> Option<Problem> {
    let text = winner.value.as_text().filter(|text| text.contains("${"))?;
    let missed = RefCell::new(Vec::new());
    let keys_in =
        |text: &str| -> HashSet<String> { placeholder_keys(text).map(str::to_owned).collect() };
    let written = RefCell::new(keys_in(text));
    let lookup = |name: &str| {
        let value = winners.get(name).map(|winner| winner.value.to_string());
        match &value {
            Some(value) => written.borrow_mut().extend(keys_in(value)),
            None => missed.borrow_mut().push(name.to_owned()),
        }
        value.map(Cow::Owned)
    };
    let resolved = resolve_placeholders(text, &lookup);
    let written = written.into_inner();
    let resolved = match resolved {
        Ok(resolved) => resolved,
        Err(PlaceholderError::Circular { key: met }) if !written.contains(&met) => {
            let text = format!("`{key}`: {PUT_TOGETHER} leads back to itself");
            return Some(winner.problem(Cause::Circle, text));
        }
        Err(error) => {
            return Some(winner.problem(Cause::Circle, format!("`{key}`: {error}")));
        }
    };
    let missed = missed.into_inner();
    let is_left = |name: &&String| {
        let written = format!("${{{name}}}");
        // What is escaped stays as it is written, too.
        resolved.contains(&written) && !text.contains(&format!("\\{written}"))
    };
    let is_unknown = |name: &&String| !is_known(name, &settings.known_placeholders);
    let name = missed.iter().filter(is_left).find(is_unknown)?;
    let name = if written.contains(name) {
        format!("`{name}`")
    } else {
        PUT_TOGETHER.to_owned()
    };
    let problem = format!("`{key}` refers to {name}, which is nowhere and has no default");
    Some(winner.problem(Cause::Placeholder, problem))
}

/// Whether applications know it themselves.
fn is_known(name: &str, known: &[String]) -> bool {
    known.iter().any(|known| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == known,
    })
}
