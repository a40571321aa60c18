//! What a configuration holds, as something that can be compared.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::history::Name;

/// Keys and values as text, whatever files they are from.
pub type Values = BTreeMap<String, String>;

/// As many bytes of the digest as nobody finds twice by accident.
const KEPT: usize = 8;

/// The same for the same values, and for no others.
#[must_use]
pub fn digest(values: &Values) -> Name {
    let mut hash = Sha256::new();
    for text in values.iter().flat_map(|(key, value)| [key, value]) {
        // The length keeps neighbours apart.
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    let bytes = hash.finalize();
    let digits = bytes.iter().take(KEPT).map(|byte| format!("{byte:02x}"));
    digits.collect::<String>().into()
}

/// What is of interest in an answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The commit that it names.
    pub version: String,
    /// What applies.
    pub values: Values,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Environment {
    version: String,
    property_sources: Vec<Source>,
}

#[derive(Deserialize)]
struct Source {
    source: BTreeMap<String, Value>,
}

impl Answer {
    /// Of a body; nothing for what is no configuration.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<Self> {
        let Environment {
            version,
            property_sources,
        } = serde_json::from_slice(body).ok()?;
        let mut values = Values::new();
        // Earlier sources win.
        for (key, value) in property_sources
            .into_iter()
            .rev()
            .flat_map(|one| one.source)
        {
            values.insert(key, text(&value));
        }
        Some(Self { version, values })
    }
}

fn text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_what_applies() {
        let body = br#"{"name":"orders","version":"c1","state":null,"propertySources":[
            {"name":"orders.yml","source":{"a.b":1,"a.c":"x"}},
            {"name":"application.yml","source":{"a.b":2,"d":true}}]}"#;
        let answer = Answer::read(body).unwrap();
        let values: Vec<_> = answer
            .values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        assert_eq!(values, [("a.b", "1"), ("a.c", "x"), ("d", "true")]);
        assert_eq!(answer.version, "c1");
        assert_eq!(Answer::read(b"<html>"), None);
    }

    #[test]
    fn other_values_have_another_digest() {
        let of = |pairs: &[(&str, &str)]| {
            let owned = |&(key, value): &(&str, &str)| (key.to_owned(), value.to_owned());
            digest(&pairs.iter().map(owned).collect())
        };
        let one = of(&[("ab", "c")]);
        assert_eq!(one, of(&[("ab", "c")]));
        assert_ne!(one, of(&[("a", "bc")]));
        assert_ne!(one, of(&[("ab", "c"), ("d", "")]));
    }
}
