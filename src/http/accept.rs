//! Content negotiation as Spring's: which media type an answer gets.

use std::{cmp::Reverse, fmt};

use confbus_protocol::Representation;
use http::{HeaderMap, header};

/// The media type of environments with origins.
pub(super) const V2: &str = "application/vnd.spring-cloud.config-server.v2+json";

/// A media type or a range of them, as one item of an `Accept` header.
#[derive(Debug, Clone, PartialEq, Eq)]
struct MediaType {
    kind: String,
    subtype: String,
    /// `charset=UTF-8` and the like, as written, without `q`.
    parameters: Vec<String>,
    /// Thousandths.
    quality: u16,
}

/// What the caller accepts, best first; `None` when the header cannot be read, and then nothing pleases.
#[derive(Debug)]
pub(super) struct Accept(Option<Vec<MediaType>>);

/// How an error is told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ErrorForm {
    /// As JSON under this content type.
    Json(String),
    Yaml,
    Html,
    /// The caller accepts none of them.
    Nothing,
}

/// More items than these are not a header that a client sends; Spring refuses them, too.
const MAX_ITEMS: usize = 50;

impl Accept {
    /// Reads all `Accept` headers; none, or an empty one, accepts everything.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut types = Vec::new();
        for value in headers.get_all(header::ACCEPT) {
            let Ok(value) = value.to_str() else {
                return Self(None);
            };
            for item in value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
            {
                let Some(parsed) = MediaType::parse(item) else {
                    return Self(None);
                };
                types.push(parsed);
            }
        }
        if types.is_empty() {
            types.push(MediaType::new("*", "*"));
        }
        types.sort_by_key(|accepted| (Reverse(accepted.quality), accepted.wildness()));
        Self((types.len() <= MAX_ITEMS).then_some(types))
    }

    /// Whether the header says anything at all that can be understood.
    pub(super) fn is_readable(&self) -> bool {
        self.0.is_some()
    }

    /// Which form of an environment is wanted, and the content type it gets.
    pub(super) fn environment(&self) -> Option<(Representation, String)> {
        let (json, v2) = (MediaType::json(), MediaType::v2());
        let mut choice = None;
        for accepted in self.types() {
            if accepted.same(&json) || accepted.includes(&json) {
                choice = Some((Representation::V1, &json));
            } else if accepted.same(&v2) || accepted.includes(&v2) {
                choice = Some((Representation::V2, &v2));
            }
            if choice.is_some() {
                break;
            }
        }
        let (representation, produced) = choice?;
        Some((
            representation,
            self.choose(std::slice::from_ref(produced))?.to_string(),
        ))
    }

    /// Whether a plain file is wanted as bytes rather than as text.
    pub(super) fn wants_bytes(&self) -> bool {
        let bytes = MediaType::new("application", "octet-stream");
        let decisive = self
            .types()
            .iter()
            .find(|accepted| accepted.kind == "*" || accepted.includes(&bytes));
        decisive.is_some_and(|accepted| accepted.kind != "*")
    }

    /// The content type of a plain file as text, or `None` when the caller wants something else.
    pub(super) fn text(&self) -> Option<String> {
        let produced = [("text", "plain"), ("*", "*"), ("application", "json")]
            .map(|(kind, subtype)| MediaType::new(kind, subtype));
        let mut chosen = self.choose(&produced)?;
        let json = chosen.kind == "application"
            && (chosen.subtype == "json" || chosen.subtype.ends_with("+json"));
        if !json {
            chosen
                .parameters
                .retain(|parameter| !parameter.to_ascii_lowercase().starts_with("charset="));
            chosen.parameters.push("charset=UTF-8".into());
        }
        Some(chosen.to_string())
    }

    /// The content type of a JSON answer that is no environment.
    pub(super) fn json(&self) -> Option<String> {
        let chosen = self.choose(&[
            MediaType::json(),
            MediaType::new("application", "*+json"),
            MediaType::new("application", "yaml"),
        ])?;
        Some(chosen.to_string())
    }

    /// How to tell an error.
    pub(super) fn error(&self) -> ErrorForm {
        let html = MediaType::new("text", "html");
        let decisive = self
            .types()
            .iter()
            .find(|accepted| accepted.kind == "*" || accepted.includes(&html));
        if decisive.is_some_and(|accepted| accepted.kind != "*") {
            return ErrorForm::Html;
        }
        match self.json() {
            Some(yaml) if yaml.starts_with("application/yaml") => ErrorForm::Yaml,
            Some(json) => ErrorForm::Json(json),
            None => ErrorForm::Nothing,
        }
    }

    fn types(&self) -> &[MediaType] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The best concrete type of all that fit, the more specific of what is accepted and what is produced.
    fn choose(&self, produced: &[MediaType]) -> Option<MediaType> {
        let mut fitting = Vec::new();
        for accepted in self.types() {
            for offered in produced
                .iter()
                .filter(|offered| accepted.is_compatible_with(offered))
            {
                let more_specific = if accepted.wildness() <= offered.wildness() {
                    accepted
                } else {
                    offered
                };
                fitting.push(MediaType {
                    quality: accepted.quality,
                    ..more_specific.clone()
                });
            }
        }
        fitting.sort_by_key(|fit| (Reverse(fit.quality), fit.wildness()));
        fitting.into_iter().find(|fit| fit.wildness() == 0)
    }
}

impl MediaType {
    fn new(kind: &str, subtype: &str) -> Self {
        Self {
            kind: kind.into(),
            subtype: subtype.into(),
            parameters: Vec::new(),
            quality: 1000,
        }
    }

    fn json() -> Self {
        Self::new("application", "json")
    }

    fn v2() -> Self {
        Self::new("application", "vnd.spring-cloud.config-server.v2+json")
    }

    fn parse(item: &str) -> Option<Self> {
        let mut parts = item.split(';').map(str::trim);
        let range = match parts.next()? {
            "*" => "*/*",
            range => range,
        };
        let (kind, subtype) = range.split_once('/')?;
        if !is_token(kind) || !is_token(subtype) || (kind == "*" && subtype != "*") {
            return None;
        }
        let mut parsed = Self::new(&kind.to_ascii_lowercase(), &subtype.to_ascii_lowercase());
        for parameter in parts.filter(|parameter| !parameter.is_empty()) {
            let (name, value) = parameter.split_once('=')?;
            if name.eq_ignore_ascii_case("q") {
                parsed.quality = quality(value)?;
            } else {
                parsed.parameters.push(parameter.to_owned());
            }
        }
        Some(parsed)
    }

    /// 0 for a concrete type, 1 for `application/*` and `application/*+json`, 2 for `*/*`.
    fn wildness(&self) -> u8 {
        match (self.kind.as_str(), self.subtype.as_str()) {
            ("*", _) => 2,
            (_, subtype) if subtype.starts_with('*') => 1,
            _ => 0,
        }
    }

    fn same(&self, other: &Self) -> bool {
        self.kind == other.kind && self.subtype == other.subtype
    }

    /// Whether this range covers the other; `application/*+json` does not cover `application/json`.
    fn includes(&self, other: &Self) -> bool {
        let covers = |suffix: &str| suffix.is_empty() || other.subtype.ends_with(suffix);
        self.kind == "*"
            || self.same(other)
            || (self.kind == other.kind && self.subtype.strip_prefix('*').is_some_and(covers))
    }

    fn is_compatible_with(&self, other: &Self) -> bool {
        let by_suffix = |range: &Self, kind: &Self| {
            range.subtype.strip_prefix("*+") == Some(kind.subtype.as_str())
        };
        self.includes(other)
            || other.includes(self)
            || (self.kind == other.kind && (by_suffix(self, other) || by_suffix(other, self)))
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.subtype)?;
        self.parameters
            .iter()
            .try_for_each(|parameter| write!(f, ";{parameter}"))
    }
}

/// `0`, `1` or `0.25` in thousandths.
fn quality(text: &str) -> Option<u16> {
    let value: f32 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000"
    )]
    (0.0..=1.0)
        .contains(&value)
        .then(|| (value * 1000.0).round() as u16)
}

/// What a type, a subtype or the name of a parameter may be.
pub(super) fn is_token(text: &str) -> bool {
    let is_legal = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte);
    !text.is_empty() && text.bytes().all(is_legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept(lines: &[&str]) -> Accept {
        let headers = lines
            .iter()
            .map(|line| (header::ACCEPT, line.parse().unwrap()))
            .collect();
        Accept::of(&headers)
    }

    #[test]
    fn environments_come_in_two_types() {
        for (line, expected) in [
            ("", Some("application/json")),
            ("*/*", Some("application/json")),
            ("application/*", Some("application/json")),
            (
                "application/json;charset=UTF-8",
                Some("application/json;charset=UTF-8"),
            ),
            (
                "text/html,application/xhtml+xml,*/*;q=0.8",
                Some("application/json"),
            ),
            (V2, Some(V2)),
            ("application/*+json", Some(V2)),
            (
                "application/json;q=0.5, application/vnd.spring-cloud.config-server.v2+json",
                Some(V2),
            ),
            (
                "application/vnd.spring-cloud.config-server.v2+json, application/json",
                Some(V2),
            ),
            (
                "application/json, application/vnd.spring-cloud.config-server.v2+json",
                Some("application/json"),
            ),
            ("application/vnd.spring-cloud.config-server.v1+json", None),
            ("text/plain", None),
            ("nonsense", None),
        ] {
            let chosen = accept(&[line]).environment();
            assert_eq!(
                chosen
                    .as_ref()
                    .map(|(_, content_type)| content_type.as_str()),
                expected,
                "{line}"
            );
            assert_eq!(
                chosen.is_some_and(|(representation, _)| representation == Representation::V2),
                expected == Some(V2),
                "{line}"
            );
        }
        assert!(
            accept(&["text/plain", "application/json"])
                .environment()
                .is_some()
        );
    }

    #[test]
    fn plain_files_come_in_the_type_that_is_accepted() {
        for (line, expected) in [
            ("*/*", Some("text/plain;charset=UTF-8")),
            ("text/*", Some("text/plain;charset=UTF-8")),
            ("application/json", Some("application/json")),
            (V2, Some(V2)),
            ("application/xml", Some("application/xml;charset=UTF-8")),
            ("text/html;charset=utf-8", Some("text/html;charset=UTF-8")),
            ("image/png", Some("image/png;charset=UTF-8")),
            ("image/*", None),
            ("nonsense", None),
        ] {
            assert_eq!(accept(&[line]).text().as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn bytes_come_when_they_are_named_before_everything() {
        for (line, expected) in [
            ("application/octet-stream", true),
            ("application/*", true),
            ("text/plain, application/octet-stream;q=0.1", true),
            ("application/octet-stream;q=0.1, */*", false),
            ("*/*", false),
            ("text/plain", false),
        ] {
            assert_eq!(accept(&[line]).wants_bytes(), expected, "{line}");
        }
    }

    #[test]
    fn errors_are_told_in_what_the_caller_reads() {
        let json = |content_type: &str| ErrorForm::Json(content_type.to_owned());
        for (line, expected) in [
            ("*/*", json("application/json")),
            ("application/*", json("application/json")),
            ("application/json, text/plain", json("application/json")),
            (V2, json(V2)),
            ("application/yaml", ErrorForm::Yaml),
            ("text/html,application/xhtml+xml,*/*;q=0.8", ErrorForm::Html),
            ("*/*, text/html;q=0.5", json("application/json")),
            ("application/xml", ErrorForm::Nothing),
            ("nonsense", ErrorForm::Nothing),
        ] {
            assert_eq!(accept(&[line]).error(), expected, "{line}");
        }
    }
}
