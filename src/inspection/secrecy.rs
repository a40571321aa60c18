//! What of an answer is not shown.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    fmt,
};

use confbus_protocol::{
    Position, PropertyValue, Winners, has_credentials, looks_secret, resolve_placeholders,
};
use serde::{Serialize, Serializer, ser::SerializeMap as _};

use super::{
    fingerprint::{Fingerprint, Fingerprints},
    placeholders::{comes_to, references, with_placeholders},
};
use crate::environment_repository::{Inspected, SourceOrigin};

/// Bytes that are followed through placeholders for one page; what refers to something beyond counts as secret.
const MAX_FOLLOWED: usize = 16 << 20;

/// A value for people. `Debug` shows nothing of it.
#[derive(Clone, PartialEq)]
pub(crate) enum Shown {
    Plain(PropertyValue),
    /// Its fingerprint.
    Masked(Fingerprint),
}

/// Decides what is shown of an answer.
pub(super) struct Secrecy<'i> {
    origins: &'i [SourceOrigin],
    pub(super) winners: Winners<'i>,
    fingerprints: &'i Fingerprints,
    /// Bytes that may still be followed.
    left: Cell<usize>,
}

impl<'i> Secrecy<'i> {
    pub(super) fn new(inspected: &'i Inspected, fingerprints: &'i Fingerprints) -> Self {
        Self {
            origins: &inspected.origins,
            winners: inspected.environment.winners(),
            fingerprints,
            left: Cell::new(MAX_FOLLOWED),
        }
    }

    /// What is shown of a value that a source has under a key.
    pub(super) fn show(&self, source: usize, key: &str, value: &PropertyValue) -> Shown {
        if self.is_secret(source, key, value) || self.follow(value).is_none() {
            Shown::Masked(self.fingerprints.of(&value.to_string()))
        } else {
            Shown::Plain(value.clone())
        }
    }

    /// What becomes of a value with placeholders; `None` where it has none, or nothing becomes of it.
    pub(super) fn resolved(
        &self,
        source: usize,
        key: &str,
        value: &PropertyValue,
    ) -> Option<Shown> {
        with_placeholders(value)?;
        if self.is_secret(source, key, value) {
            return None;
        }
        let resolved = self.follow(value)?;
        Some(Shown::Plain(resolved?.into()))
    }

    /// What is shown of what becomes of a value; of the value itself, where nothing does.
    pub(super) fn comes_to(&self, source: usize, key: &str, value: &PropertyValue) -> Shown {
        match self.show(source, key, value) {
            plain @ Shown::Plain(_) => self.resolved(source, key, value).unwrap_or(plain),
            Shown::Masked(_) => {
                let text = with_placeholders(value);
                let text = text.and_then(|text| comes_to(&self.winners, text, &self.left)?);
                let text = text.unwrap_or_else(|| value.to_string());
                Shown::Masked(self.fingerprints.of(&text))
            }
        }
    }

    /// The keys that the placeholders of a value ask for, and those that their values ask for.
    pub(super) fn references(
        &self,
        source: usize,
        key: &str,
        value: &PropertyValue,
    ) -> Vec<String> {
        let Some(text) = with_placeholders(value) else {
            return Vec::new();
        };
        let is_own = self.is_secret(source, key, value);
        let is_secret = |key: &str| is_own || self.is_secret_key(key);
        references(&self.winners, text, &self.left, &is_secret)
    }

    /// Where a value stands; one that was encrypted has lost its place.
    pub(super) fn place(
        &self,
        source: usize,
        key: &str,
        written: Option<Position>,
    ) -> Option<Position> {
        let encrypted = &self.origins.get(source)?.encrypted;
        let unusable = || encrypted.get(key.strip_prefix("invalid.")?);
        written.or_else(|| *encrypted.get(key).or_else(unusable)?)
    }

    /// By its key, by what it is, or by where it comes from; not by what it refers to.
    fn is_secret(&self, source: usize, key: &str, value: &PropertyValue) -> bool {
        let origin = self.origins.get(source);
        looks_secret(key)
            || has_credentials(value)
            || origin.is_none_or(|origin| origin.is_secret || origin.encrypted.contains_key(key))
    }

    /// Whether what wins under a key is secret; where nothing does, its default is what it is called.
    fn is_secret_key(&self, key: &str) -> bool {
        let found = self.winners.property(key).zip(self.winners.of(key));
        found.map_or_else(
            || looks_secret(key),
            |(property, source)| self.is_secret(source, key, &property.value),
        )
    }

    /// What a value comes to, if that can be told; `None` when something secret is met on the way.
    fn follow(&self, value: &PropertyValue) -> Option<Option<String>> {
        let Some(text) = with_placeholders(value) else {
            return Some(None);
        };
        let met = RefCell::new(false);
        let lookup = |key: &str| self.lookup(key, &met);
        let resolved = resolve_placeholders(text, &lookup).ok();
        let is_secret = resolved
            .as_ref()
            .is_some_and(|text| has_credentials(&text.as_str().into()));
        (!met.into_inner() && !is_secret).then_some(resolved)
    }

    fn lookup<'v>(&'v self, key: &str, met: &RefCell<bool>) -> Option<Cow<'v, str>> {
        let is_secret = self.is_secret_key(key);
        let text = self.winners.property(key);
        let text = text.map(|property| property.value.to_string());
        let length = text.as_ref().map_or(0, String::len);
        let left = self.left.get().checked_sub(length);
        if is_secret || left.is_none() || *met.borrow() {
            *met.borrow_mut() = true;
            return None;
        }
        self.left.set(left.unwrap_or_default());
        text.map(Cow::Owned)
    }
}

/// As people read it.
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(value) => value.fmt(f),
            Self::Masked(fingerprint) => write!(f, "•••••• #{fingerprint}"),
        }
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// The value, or `{"masked":true,"fingerprint":"3f9a"}`.
impl Serialize for Shown {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Plain(value) => value.serialize(serializer),
            Self::Masked(fingerprint) => {
                let mut map = serializer.serialize_map(Some(2))?;
                map.serialize_entry("masked", &true)?;
                map.serialize_entry("fingerprint", fingerprint)?;
                map.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use confbus_protocol::{Environment, Properties, PropertySource};

    use super::*;
    use crate::inspection::fingerprint;

    const PAIRS: [(&str, &str); 12] = [
        ("plain", "x"),
        ("db.password", "hunter2"),
        ("url", "amqp://ana:pw@host"),
        ("sealed", "was encrypted"),
        ("refers", "at ${db.password}"),
        ("through", "at ${refers}"),
        ("to-sealed", "${sealed}"),
        ("default", "${api.token:hunter2}"),
        ("built", "${scheme}ana:pw@host"),
        ("scheme", "amqp://"),
        ("harmless", "${plain} and ${unknown}"),
        ("circle", "${circle}"),
    ];

    fn inspected(pairs: &[(&str, &str)]) -> Inspected {
        let property =
            |(key, value): &(&str, &str)| ((*key).to_owned(), PropertyValue::from(*value).into());
        let source: Properties = pairs.iter().map(property).collect();
        Inspected {
            environment: Environment {
                property_sources: vec![PropertySource {
                    name: "shop.yml".into(),
                    source: Arc::new(source),
                }],
                ..Environment::default()
            },
            origins: vec![SourceOrigin {
                encrypted: HashMap::from([("sealed".to_owned(), None)]),
                ..SourceOrigin::default()
            }],
            commits: Vec::new(),
            superseded: None,
        }
    }

    fn is_masked(shown: &Shown) -> bool {
        matches!(shown, Shown::Masked(_))
    }

    #[test]
    fn a_value_is_as_secret_as_what_it_refers_to() {
        let inspected = inspected(&PAIRS);
        let fingerprints = Fingerprints::open(&fingerprint::Settings::default());
        let secrecy = Secrecy::new(&inspected, &fingerprints);
        let shown: Vec<_> = PAIRS
            .into_iter()
            .filter(|(key, value)| !is_masked(&secrecy.show(0, key, &(*value).into())))
            .map(|(key, _)| key)
            .collect();
        assert_eq!(shown, ["plain", "scheme", "harmless", "circle"]);
        let resolved = |key: &str, value: &str| secrecy.resolved(0, key, &value.into());
        let harmless = resolved("harmless", PAIRS[10].1).unwrap();
        assert_eq!(harmless.to_string(), "x and ${unknown}");
        assert_eq!(resolved("refers", PAIRS[4].1), None);
        assert_eq!(resolved("plain", "x"), None);
        assert_eq!(resolved("circle", PAIRS[11].1), None);
    }

    #[test]
    fn following_has_an_end() {
        let long = "x".repeat(1 << 19);
        let inspected = inspected(&[("long", &long)]);
        let fingerprints = Fingerprints::open(&fingerprint::Settings::default());
        let secrecy = Secrecy::new(&inspected, &fingerprints);
        let value = PropertyValue::from("${long}");
        let shown: Vec<_> = (0..40)
            .map(|_| is_masked(&secrecy.show(0, "short", &value)))
            .collect();
        assert!(!shown[0] && shown[39]);
    }

    #[test]
    fn a_secret_is_never_written() {
        let fingerprints = Fingerprints::open(&fingerprint::Settings::default());
        let masked = Shown::Masked(fingerprints.of("hunter2"));
        let json = serde_json::to_value(&masked).unwrap();
        let digits = json["fingerprint"].as_str().unwrap();
        assert_eq!(json["masked"], true);
        assert_eq!(masked.to_string(), format!("•••••• #{digits}"));
        assert_eq!(format!("{:?}", Shown::Plain("x".into())), "…");
    }
}
