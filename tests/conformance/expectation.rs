//! Compares an answer with what is expected.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::Regex;

use super::{difference::difference, json::Json, suite::Expectation, tokens::Tokens, wire::Answer};

/// The keys of an error's JSON, of which the first is a clock's.
const ERROR_KEYS: [&str; 4] = ["timestamp", "status", "error", "path"];

/// Characters of a body that are shown where a whole one would hide the reason.
const EXCERPT: usize = 400;

/// What is wrong with the answer, as readable lines; nothing when it is as expected.
///
/// # Errors
/// When the expectation itself makes no sense.
pub(crate) fn problems(
    expected: &Expectation,
    answer: &Answer,
    tokens: &Tokens,
) -> anyhow::Result<Vec<String>> {
    let mut found = head_problems(expected, answer, tokens)?;
    if expected.empty && !answer.body.is_empty() {
        found.push(format!(
            "body: expected none, got {}",
            excerpt(&answer.body)
        ));
    }
    if let Some(wanted) = &expected.base64
        && STANDARD.decode(wanted)? != answer.body
    {
        found.push(format!(
            "body: other bytes: {}",
            STANDARD.encode(&answer.body)
        ));
    }
    match str::from_utf8(&answer.body) {
        Ok(text) => {
            let text = tokens.normalise(text);
            found.extend(text_problems(expected, &text, tokens)?);
            if expected.looks_at_json() {
                found.extend(match Json::parse(&text) {
                    Ok(json) => json_problems(expected, &text, &json, tokens)?,
                    Err(error) => vec![format!(
                        "body: no JSON ({error}): {}",
                        excerpt(text.as_bytes())
                    )],
                });
            }
        }
        Err(_) if expected.base64.is_none() && expected.looks_at_text() => {
            found.push(format!("body: not UTF-8: {}", excerpt(&answer.body)));
        }
        Err(_) => {}
    }
    Ok(found)
}

impl Expectation {
    fn looks_at_text(&self) -> bool {
        let some_text = self.text.is_some() || self.regex.is_some() || self.not_text.is_some();
        some_text
            || !self.contains.is_empty()
            || !self.not_contains.is_empty()
            || self.looks_at_json()
    }

    fn looks_at_json(&self) -> bool {
        let some_json = self.json.is_some() || self.error.is_some() || self.sources.is_some();
        some_json || !self.values.is_empty() || !self.absent.is_empty()
    }
}

fn head_problems(
    expected: &Expectation,
    answer: &Answer,
    tokens: &Tokens,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let content_type = answer.header("Content-Type");
    let actual: Vec<_> = [Some(answer.status.to_string()), content_type]
        .into_iter()
        .flatten()
        .collect();
    if actual.join(" ") != expected.answer {
        found.push(format!(
            "answer: expected {}, got {}",
            expected.answer,
            actual.join(" ")
        ));
        found.push(format!("body: {}", excerpt(&answer.body)));
    }
    // Only few answers are meant to be saved as a file.
    let disposition = ("Content-Disposition".to_owned(), Json::Null);
    let unsaid = (!expected.headers.contains_key(&disposition.0)).then_some(&disposition);
    for (name, wanted) in expected
        .headers
        .iter()
        .chain(unsaid.map(|(name, wanted)| (name, wanted)))
    {
        let actual = answer.header(name);
        if !header_is(wanted, actual.as_deref(), tokens)? {
            let shown = actual.as_deref().unwrap_or("nothing");
            found.push(format!("header {name}: expected {wanted}, got {shown}"));
        }
    }
    Ok(found)
}

fn header_is(wanted: &Json, actual: Option<&str>, tokens: &Tokens) -> anyhow::Result<bool> {
    let (Json::String(_) | Json::Object(_), Some(actual)) = (wanted, actual) else {
        return Ok(*wanted == Json::Null && actual.is_none());
    };
    if let Some(wanted) = wanted.as_str() {
        return Ok(tokens.normalise(actual) == tokens.both(wanted)?);
    }
    if let Some(pattern) = wanted.get("regex").and_then(Json::as_str) {
        return Ok(whole(pattern)?.is_match(actual));
    }
    anyhow::ensure!(
        wanted.get("present").is_some(),
        "unknown kind of header: {wanted}"
    );
    Ok(true)
}

fn text_problems(
    expected: &Expectation,
    text: &str,
    tokens: &Tokens,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if let Some(wanted) = &expected.text {
        found.extend(difference(&tokens.both(&wanted.joined())?, text));
    }
    if let Some(wanted) = &expected.regex
        && !whole(&tokens.both(&wanted.joined())?)?.is_match(text)
    {
        found.push(format!(
            "body: expected to match {:?}, got {text:?}",
            wanted.joined()
        ));
    }
    for piece in &expected.contains {
        if !text.contains(&tokens.both(piece)?) {
            found.push(format!("body: expected to contain {piece:?}, got {text:?}"));
        }
    }
    for piece in &expected.not_contains {
        if text.contains(&tokens.both(piece)?) {
            found.push(format!(
                "body: expected not to contain {piece:?}, got {text:?}"
            ));
        }
    }
    if let Some(other) = &expected.not_text
        && tokens.both(other)? == text
    {
        found.push(format!("body: expected anything but {text:?}"));
    }
    Ok(found)
}

fn json_problems(
    expected: &Expectation,
    text: &str,
    actual: &Json,
    tokens: &Tokens,
) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    if let Some(wanted) = &expected.json {
        let wanted = tokens.both_in(wanted)?;
        if expected.unordered.is_empty() {
            found.extend(exact_problems(&wanted, text, actual));
        } else {
            let [wanted, actual] =
                [&wanted, actual].map(|json| json.without_order(&expected.unordered));
            found.extend(difference(&wanted.expanded(), &actual.expanded()));
        }
    }
    if let Some(wanted) = &expected.error {
        found.extend(error_problems(&tokens.both_in(wanted)?, actual));
    }
    if let Some(wanted) = &expected.sources {
        found.extend(difference(
            &tokens.both_in(wanted)?.expanded(),
            &sources(actual).expanded(),
        ));
    }
    for (pointer, wanted) in &expected.values {
        let wanted = tokens.both_in(wanted)?;
        match actual.at(pointer) {
            Some(value) if *value == wanted => {}
            Some(value) => found.push(format!("body: expected {pointer} = {wanted}, got {value}")),
            None => found.push(format!(
                "body: expected {pointer} = {wanted}, got nothing: {text}"
            )),
        }
    }
    for pointer in &expected.absent {
        if let Some(value) = actual.at(pointer) {
            found.push(format!("body: expected nothing at {pointer}, got {value}"));
        }
    }
    Ok(found)
}

/// Every byte counts, but what differs is easier to see in other forms.
fn exact_problems(wanted: &Json, text: &str, actual: &Json) -> Vec<String> {
    if wanted.to_string() == text {
        Vec::new()
    } else if wanted == actual {
        difference(&wanted.to_string(), text)
    } else {
        difference(&wanted.expanded(), &actual.expanded())
    }
}

fn error_problems(wanted: &Json, actual: &Json) -> Vec<String> {
    let keys: Vec<_> = match actual {
        Json::Object(entries) => entries.iter().map(|(key, _)| key.as_str()).collect(),
        _ => Vec::new(),
    };
    if keys != ERROR_KEYS {
        return vec![format!(
            "body: expected an error with {ERROR_KEYS:?}, got {actual}"
        )];
    }
    ERROR_KEYS[1..]
        .iter()
        .filter_map(|key| Some((key, wanted.get(key)?, actual.get(key)?)))
        .filter(|(_, wanted, actual)| wanted != actual)
        .map(|(key, wanted, actual)| format!("body: expected {key} = {wanted}, got {actual}"))
        .collect()
}

fn sources(environment: &Json) -> Json {
    let name = |source: &Json| source.get("name").cloned().unwrap_or(Json::Null);
    match environment.get("propertySources") {
        Some(Json::Array(sources)) => Json::Array(sources.iter().map(name).collect()),
        _ => Json::Array(Vec::new()),
    }
}

/// A pattern for a whole text, in which a dot is any character.
fn whole(pattern: &str) -> anyhow::Result<Regex> {
    Ok(Regex::new(&format!("(?s)^(?:{pattern})$"))?)
}

fn excerpt(body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body)
        .chars()
        .take(EXCERPT)
        .collect();
    format!("{text:?}")
}
