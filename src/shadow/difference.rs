//! What differs, in words that keep property values to themselves unless they were asked for.

use std::fmt;

use serde_json::Value;

use super::request::one_line;

/// Values longer than this are cut where they are shown.
const LONGEST_SHOWN: usize = 200;

/// The first place in which two answers differ.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) place: String,
    /// What the server has that is to be replaced; `None` when there is nothing.
    pub(super) old: Option<String>,
    pub(super) new: Option<String>,
}

/// Whether property values may be shown; they may be secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Hidden,
    Shown,
}

impl Difference {
    pub(super) fn new(place: impl Into<String>, old: Option<String>, new: Option<String>) -> Self {
        Self {
            place: place.into(),
            old,
            new,
        }
    }

    /// What is no secret: a status, a header, a name.
    pub(super) fn of_names(place: impl Into<String>, old: &str, new: &str) -> Self {
        Self::new(place, Some(shortened(old)), Some(shortened(new)))
    }
}

impl Values {
    /// What stands in a JSON answer, or what it is.
    pub(super) fn json(self, value: &Value) -> String {
        match (self, value) {
            (Self::Shown, value) => shortened(&value.to_string()),
            (Self::Hidden, Value::Null) => "null".into(),
            (Self::Hidden, Value::Bool(_)) => "a boolean".into(),
            (Self::Hidden, Value::Number(_)) => "a number".into(),
            (Self::Hidden, Value::String(_)) => "a text".into(),
            (Self::Hidden, Value::Array(_)) => "a list".into(),
            (Self::Hidden, Value::Object(_)) => "an object".into(),
        }
    }

    /// A line of a text, or that there is one.
    pub(super) fn line(self, line: &str) -> String {
        match self {
            Self::Shown => shortened(line),
            Self::Hidden => "a line".into(),
        }
    }
}

fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    if let Some((end, _)) = text.char_indices().nth(LONGEST_SHOWN) {
        text.truncate(end);
        text.push('…');
    }
    one_line(&text)
}

/// `orders.yml, key limit: a number → another one`.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let old = self.old.as_deref().unwrap_or("nothing");
        let new = match self.new.as_deref() {
            Some(new) if new == old => "another one",
            new => new.unwrap_or("nothing"),
        };
        write!(f, "{}: {old} → {new}", one_line(&self.place))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_are_hidden_unless_asked_for() {
        for (value, hidden) in [
            (json!("s3cret"), "a text"),
            (json!(7), "a number"),
            (json!(["s3cret"]), "a list"),
        ] {
            assert_eq!(Values::Hidden.json(&value), hidden);
        }
        assert_eq!(Values::Shown.json(&json!("x\u{1b}")), "\"x\\u001b\"");
        assert_eq!(Values::Hidden.line("password: s3cret"), "a line");
        assert_eq!(Values::Shown.line("a\u{1b}[2J"), "a\\u{1b}[2J");
        assert_eq!(Values::Shown.line(&"é".repeat(300)).chars().count(), 201);
    }

    #[test]
    fn two_hidden_values_do_not_look_the_same() {
        let text = || Some("a text".to_owned());
        assert_eq!(
            Difference::new("key `a`", text(), text()).to_string(),
            "key `a`: a text → another one"
        );
        assert_eq!(
            Difference::new("key `a`", text(), None).to_string(),
            "key `a`: a text → nothing"
        );
    }
}
