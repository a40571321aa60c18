//! What is different to whoever is given one answer instead of another: what is written, and what that comes to.
//!
//! Applications replace placeholders themselves, and what their own environment says goes before the answer. So a key that is
//! written otherwise is different even where both come to the same within the answer; and one that is written the same is
//! different where it refers to a key that is not. That key stands in the same answer, which is why whoever is concerned by such
//! a key is told by what is written alone.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use confbus_protocol::{PropertyValue, Winners};

use super::placeholders::{comes_to, with_placeholders};
use crate::{environment_repository::Inspected, ledger::Becomes};

/// Bytes that are followed through placeholders to compare two answers; a diff may compare hundreds of them.
const MAX_FOLLOWED: usize = 16 << 20;

/// The keys that two answers have different.
#[derive(Debug)]
pub(super) struct Differences<'i> {
    /// In order.
    pub(super) changed: BTreeMap<&'i str, Different>,
    /// Keys that either has.
    pub(super) total: usize,
    /// Keys that are written the same and refer to more than is followed.
    pub(super) not_followed: usize,
}

/// How a key is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Different {
    /// Something else is written.
    Written(Becomes),
    /// The same is written and comes to something else.
    Through,
}

/// An answer, and who wins in it.
pub(super) type Answer<'a, 'i> = (&'i Inspected, &'a Winners<'i>);

impl<'i> Differences<'i> {
    pub(super) fn between(old: Answer<'_, 'i>, new: Answer<'_, 'i>) -> Self {
        Self::within(MAX_FOLLOWED, old, new)
    }

    fn within(bytes: usize, old: Answer<'_, 'i>, new: Answer<'_, 'i>) -> Self {
        let keys = keys([old.0, new.0]);
        let (before, after) = (old.1, new.1);
        let mut changed = BTreeMap::new();
        for key in &keys {
            let becomes = written(value(before, key), value(after, key));
            changed.extend(becomes.map(|becomes| (*key, Different::Written(becomes))));
        }
        let mut not_followed = 0;
        let left = Cell::new(bytes);
        // Where all is written the same, all comes to the same.
        let same = keys.iter().filter(|_| !changed.is_empty());
        let same = same.filter(|key| !changed.contains_key(*key));
        let mut through = Vec::new();
        for key in same {
            let Some(text) = value(before, key).and_then(with_placeholders) else {
                continue;
            };
            match [before, after].map(|winners| comes_to(winners, text, &left)) {
                [Some(before), Some(after)] if before == after => {}
                [Some(_), Some(_)] => through.push(*key),
                _ => not_followed += 1,
            }
        }
        changed.extend(through.into_iter().map(|key| (key, Different::Through)));
        Self {
            changed,
            total: keys.len(),
            not_followed,
        }
    }

    /// Whether something else is written under a key.
    pub(super) fn is_written(&self, key: &str) -> bool {
        matches!(self.changed.get(key), Some(Different::Written(_)))
    }
}

impl Different {
    pub(super) fn becomes(self) -> Becomes {
        match self {
            Self::Written(becomes) => becomes,
            Self::Through => Becomes::Changed,
        }
    }
}

/// How many keys are not the same.
pub(super) fn count(old: &Inspected, new: &Inspected) -> usize {
    let (before, after) = (old.environment.winners(), new.environment.winners());
    let differences = Differences::between((old, &before), (new, &after));
    differences.changed.len()
}

fn keys(both: [&Inspected; 2]) -> BTreeSet<&str> {
    let sources = both
        .into_iter()
        .flat_map(|one| &one.environment.property_sources);
    sources
        .flat_map(|source| source.source.keys().map(String::as_str))
        .collect()
}

fn value<'i>(winners: &Winners<'i>, key: &str) -> Option<&'i PropertyValue> {
    winners.property(key).map(|property| &property.value)
}

fn written(before: Option<&PropertyValue>, after: Option<&PropertyValue>) -> Option<Becomes> {
    match (before, after) {
        (None, None) => None,
        (None, Some(_)) => Some(Becomes::Added),
        (Some(_), None) => Some(Becomes::Removed),
        (before, after) => (before != after).then_some(Becomes::Changed),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use confbus_protocol::{Environment, PropertySource};

    use super::*;

    fn answer(pairs: &[(&str, &str)]) -> Inspected {
        let pairs = pairs.iter();
        let source =
            pairs.map(|(key, value)| ((*key).to_owned(), PropertyValue::from(*value).into()));
        Inspected {
            environment: Environment {
                property_sources: vec![PropertySource {
                    name: "shop.yml".into(),
                    source: Arc::new(source.collect()),
                }],
                ..Environment::default()
            },
            origins: Vec::new(),
            commits: Vec::new(),
            superseded: None,
        }
    }

    /// `key~` for each that is written otherwise, `key>` for each that only comes to something else.
    fn shown(bytes: usize, old: &[(&str, &str)], new: &[(&str, &str)]) -> (String, usize) {
        let (old, new) = (answer(old), answer(new));
        let (before, after) = (old.environment.winners(), new.environment.winners());
        let found = Differences::within(bytes, (&old, &before), (&new, &after));
        let shown = found
            .changed
            .iter()
            .map(|(key, different)| match different {
                Different::Written(_) => format!("{key}~"),
                Different::Through => format!("{key}>"),
            });
        (shown.collect::<Vec<_>>().join(" "), found.not_followed)
    }

    #[test]
    fn a_key_is_different_when_what_it_refers_to_is() {
        let old = [
            ("host", "pg"),
            ("url", "http://${host}/x"),
            ("deep", "see ${url}"),
            ("default", "${absent:1}"),
            ("other", "${port:1}"),
            ("escaped", r"\${host}"),
            ("circle", "${circle}${host}"),
        ];
        let mut new = old;
        new[0].1 = "db";
        let expected = ("deep> host~ url>".to_owned(), 0);
        assert_eq!(shown(MAX_FOLLOWED, &old, &new), expected);
        assert_eq!(shown(MAX_FOLLOWED, &old, &old), (String::new(), 0));
        let added = [&old[..], &[("port", "2")]].concat();
        assert_eq!(shown(MAX_FOLLOWED, &old, &added).0, "other> port~");
    }

    #[test]
    fn what_is_written_otherwise_is_different_though_it_comes_to_the_same() {
        let of = |url: &'static str| [("host", "pg"), ("url", url), ("deep", "${url}")];
        let found = shown(MAX_FOLLOWED, &of("at ${host}"), &of("at pg"));
        assert_eq!(found, ("url~".to_owned(), 0));
    }

    #[test]
    fn following_has_an_end() {
        let long = "x".repeat(1000);
        let old = [
            ("a", "1"),
            ("b", "${long}"),
            ("c", "${long}"),
            ("long", &long),
        ];
        let mut new = old;
        new[0].1 = "2";
        assert_eq!(shown(10_000, &old, &new), ("a~".to_owned(), 0));
        assert_eq!(shown(2_500, &old, &new), ("a~".to_owned(), 1));
    }
}
