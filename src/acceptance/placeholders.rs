use std::{borrow::Cow, cell::RefCell};

use confbus_protocol::resolve_placeholders;
use confbus_resolution::{Cause, Problem};

use super::{
    Settings,
    winners::{Winner, Winners},
};

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
    let lookup = |name: &str| {
        let value = winners.get(name).map(|winner| winner.value.to_string());
        if value.is_none() {
            missed.borrow_mut().push(name.to_owned());
        }
        value.map(Cow::Owned)
    };
    let resolved = match resolve_placeholders(text, &lookup) {
        Ok(resolved) => resolved,
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
    let problem = format!("`{key}` refers to `{name}`, which is nowhere and has no default");
    Some(winner.problem(Cause::Placeholder, problem))
}

/// Whether applications know it themselves.
fn is_known(name: &str, known: &[String]) -> bool {
    known.iter().any(|known| match known.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == known,
    })
}
