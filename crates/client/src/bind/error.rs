use std::fmt;

use serde::de::{self, Expected, Unexpected};

use crate::{Rejection, Snapshot};

/// What did not fit, told twice: in full, and without the value.
#[derive(Debug)]
pub(crate) struct BindError {
    /// Where; set by the innermost place that knows it.
    key: Option<String>,
    /// A field below the place, which is not there or should not be.
    field: Option<String>,
    full: String,
    discreet: String,
}

impl BindError {
    /// A problem whose text holds nothing of the value.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            key: None,
            field: None,
            full: text.clone(),
            discreet: text,
        }
    }

    pub(crate) fn missing() -> Self {
        Self::plain("is missing")
    }

    fn about(field: &str, text: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::plain(text)
        }
    }

    /// Says where, unless a place further in has said so.
    pub(crate) fn or_at(mut self, path: &str) -> Self {
        if self.key.is_none() {
            self.key = Some(match self.field.take() {
                Some(field) if path.is_empty() => field,
                Some(field) => format!("{path}.{field}"),
                None => path.to_owned(),
            });
        }
        self
    }

    pub(crate) fn into_rejection(self, snapshot: &Snapshot, prefix: &str) -> Rejection {
        let Self {
            key,
            full,
            discreet,
            ..
        } = self.or_at(prefix);
        let key = key.unwrap_or_default();
        let reason = if snapshot.hides(&key) { discreet } else { full };
        Rejection::at(key, reason).placed(snapshot, prefix)
    }
}

impl std::error::Error for BindError {}

impl fmt::Display for BindError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.discreet)
    }
}

impl de::Error for BindError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            full: message.to_string(),
            ..Self::plain("is not valid")
        }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self {
            full: format!("expected {expected}, found {}", shown(found)),
            ..Self::plain(format!("expected {expected}, found {}", kind(found)))
        }
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(found, expected)
    }

    fn invalid_length(length: usize, expected: &dyn Expected) -> Self {
        Self::plain(format!("expected {expected}, found {length} elements"))
    }

    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        let text = format!("expected one of {}", listed(expected));
        Self {
            full: format!("{text}, found {found:?}"),
            ..Self::plain(text)
        }
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::about(
            field,
            format!("is not a known key here; known are {}", listed(expected)),
        )
    }

    fn missing_field(field: &'static str) -> Self {
        Self::about(field, "is missing")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::about(field, "is given twice, under two of its names")
    }
}

fn shown(found: Unexpected<'_>) -> String {
    match found {
        Unexpected::Str("") | Unexpected::Unit => "nothing".to_owned(),
        Unexpected::Str(text) => format!("text {text:?}"),
        Unexpected::Map => kind(found).to_owned(),
        Unexpected::Seq => "a list".to_owned(),
        other => other.to_string(),
    }
}

fn kind(found: Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a flag",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "another integer",
        Unexpected::Float(_) => "another number",
        Unexpected::Char(_) | Unexpected::Str(_) => "another text",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a section",
        Unexpected::NewtypeStruct
        | Unexpected::Enum
        | Unexpected::UnitVariant
        | Unexpected::NewtypeVariant
        | Unexpected::TupleVariant
        | Unexpected::StructVariant
        | Unexpected::Other(_) => "something else",
    }
}

fn listed(names: &[&str]) -> String {
    names
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ")
}
