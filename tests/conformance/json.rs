//! JSON as the wire shows it: the order of keys and the spelling of numbers are part of the value.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// A value in which `1.0E10` is not `1e10`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(String),
    String(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Json {
    pub(crate) fn parse(text: &str) -> serde_json::Result<Self> {
        serde_json::from_str(text)
    }

    fn of(raw: &RawValue) -> serde_json::Result<Self> {
        let text = raw.get();
        Ok(match text.as_bytes() {
            [b'{', ..] => Self::Object(serde_json::from_str::<Entries>(text)?.0),
            [b'[', ..] => Self::Array(serde_json::from_str(text)?),
            [b'"', ..] => Self::String(serde_json::from_str(text)?),
            b"true" => Self::Bool(true),
            b"false" => Self::Bool(false),
            b"null" => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Object(entries) => entries
                .iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// The part that an RFC 6901 pointer names.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Self> {
        let mut value = self;
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            value = match value {
                Self::Array(items) => items.get(token.parse::<usize>().ok()?)?,
                _ => value.get(&token)?,
            };
        }
        Some(value)
    }

    /// A copy with every string, keys too, put through `change`.
    pub(crate) fn map(
        &self,
        change: &impl Fn(&str) -> anyhow::Result<String>,
    ) -> anyhow::Result<Self> {
        Ok(match self {
            Self::String(text) => Self::String(change(text)?),
            Self::Array(items) => Self::Array(
                items
                    .iter()
                    .map(|item| item.map(change))
                    .collect::<Result<_, _>>()?,
            ),
            Self::Object(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(key, value)| Ok((change(key)?, value.map(change)?)))
                    .collect::<anyhow::Result<_>>()?,
            ),
            other => other.clone(),
        })
    }

    /// A copy in which the objects that the pointers name (`*`: all) have their keys sorted.
    pub(crate) fn without_order(&self, pointers: &[String]) -> Self {
        self.sorted(pointers, "")
    }

    fn sorted(&self, pointers: &[String], path: &str) -> Self {
        match self {
            Self::Object(entries) => {
                let mut entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| {
                        let escaped = key.replace('~', "~0").replace('/', "~1");
                        (
                            key.clone(),
                            value.sorted(pointers, &format!("{path}/{escaped}")),
                        )
                    })
                    .collect();
                if pointers
                    .iter()
                    .any(|pointer| pointer == "*" || pointer == path)
                {
                    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                Self::Object(entries)
            }
            Self::Array(items) => {
                let item = |(index, item): (usize, &Self)| {
                    item.sorted(pointers, &format!("{path}/{index}"))
                };
                Self::Array(items.iter().enumerate().map(item).collect())
            }
            other => other.clone(),
        }
    }

    /// One entry a line: the form that can be compared by eye.
    pub(crate) fn expanded(&self) -> String {
        self.indented("")
    }

    fn indented(&self, indent: &str) -> String {
        let inner = format!("{indent}  ");
        let block = |open, entries: Vec<String>, close| {
            format!(
                "{open}\n{inner}{}\n{indent}{close}",
                entries.join(&format!(",\n{inner}"))
            )
        };
        match self {
            Self::Object(entries) if !entries.is_empty() => {
                let entry = |(key, value): &(String, Self)| {
                    format!("{}: {}", quoted(key), value.indented(&inner))
                };
                block('{', entries.iter().map(entry).collect(), '}')
            }
            Self::Array(items) if !items.is_empty() => block(
                '[',
                items.iter().map(|item| item.indented(&inner)).collect(),
                ']',
            ),
            scalar => scalar.to_string(),
        }
    }
}

/// The form without spaces, as the wire has it.
impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(flag) => write!(f, "{flag}"),
            Self::Number(digits) => f.write_str(digits),
            Self::String(text) => f.write_str(&quoted(text)),
            Self::Array(items) => {
                let items: Vec<_> = items.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", items.join(","))
            }
            Self::Object(entries) => {
                let entries: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| format!("{}:{value}", quoted(key)))
                    .collect();
                write!(f, "{{{}}}", entries.join(","))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is always JSON")
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::of(&raw).map_err(D::Error::custom)
    }
}

/// The entries of an object in the order of the text; a repeated key is an error.
struct Entries(Vec<(String, Json)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries: Vec<(String, Json)> = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Json>()? {
            if entries.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(format!("repeated key `{key}`")));
            }
            entries.push((key, value));
        }
        Ok(Entries(entries))
    }
}
