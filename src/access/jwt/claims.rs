use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::access::pattern::Pattern;

/// A JSON object that says nothing twice at its top: of two readers of one that does, each might believe another half.
#[derive(Debug)]
pub(super) struct Strict(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Once)
    }
}

struct Once;

impl<'de> Visitor<'de> for Once {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut map = Map::new();
        while let Some((name, value)) = entries.next_entry::<String, Value>()? {
            if map.insert(name, value).is_some() {
                return Err(A::Error::custom("a name stands there twice"));
            }
        }
        Ok(Strict(map))
    }
}

/// Whether claims say this under a name, by itself or in a list. A dot leads into an object: `realm_access.roles`.
pub(in crate::access) fn says(claims: &Map<String, Value>, name: &str, value: &Pattern) -> bool {
    let is_it = |said: &Value| said.as_str().is_some_and(|said| value.matches(said));
    match find(claims, name) {
        Some(Value::Array(all)) => all.iter().any(is_it),
        Some(said) => is_it(said),
        None => false,
    }
}

/// A name with dots may also stand there as it is: issuers like names that begin with `https://`.
fn find<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    claims.get(name).or_else(|| {
        let (outer, inner) = name.split_once('.')?;
        find(claims.get(outer)?.as_object()?, inner)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_said_twice() {
        assert!(serde_json::from_str::<Strict>(r#"{"a": 1, "b": {}}"#).is_ok());
        for text in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "\u0061": 2}"#, "[]", "1"] {
            assert!(serde_json::from_str::<Strict>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn claims_are_texts_and_lists() {
        let claims = serde_json::json!({
            "role": "ops",
            "groups": ["dev", "ops-eu"],
            "realm_access": { "roles": ["admin"] },
            "https://x.example/team": "a",
            "level": 5,
        });
        let claims = claims.as_object().unwrap();
        for (name, value, expected) in [
            ("role", "ops", true),
            ("role", "op", false),
            ("groups", "ops-*", true),
            ("groups", "ops", false),
            ("realm_access.roles", "admin", true),
            ("realm_access.roles.x", "admin", false),
            ("https://x.example/team", "a", true),
            ("level", "5", false),
            ("level", "*", false),
            ("absent", "*", false),
        ] {
            assert_eq!(
                says(claims, name, &Pattern::new(value)),
                expected,
                "{name}={value}"
            );
        }
    }
}
