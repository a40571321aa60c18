use std::{collections::BTreeSet, sync::Arc};

use confbus_protocol::{Environment, Property, PropertySource, looks_secret, without_userinfo};
use indexmap::IndexMap;

use crate::bind::Node;

/// What all configurations have in common whose sources hold the same keys: most versions change values only.
pub(crate) struct Shape {
    /// In the order of the merged map.
    keys: IndexMap<String, Key>,
    tree: Node,
    /// Names of the property sources, highest precedence first, without credentials.
    sources: Vec<String>,
}

/// A key of the merged map.
struct Key {
    /// The number of the source whose value counts.
    source: usize,
    looks_secret: bool,
}

impl Shape {
    pub(crate) fn of(environment: &Environment) -> Self {
        let source_of = |key: &str| {
            let mut sources = environment.property_sources.iter();
            let found = sources.position(|source| source.source.contains_key(key));
            found.unwrap_or_default()
        };
        let merged = environment.merged().into_iter();
        let keys: IndexMap<_, _> = merged
            .map(|(key, _)| {
                let about = Key {
                    source: source_of(&key),
                    looks_secret: looks_secret(&key),
                };
                (key, about)
            })
            .collect();
        let sources = environment.property_sources.iter();
        Self {
            tree: Node::tree(keys.iter().map(|(key, about)| (key.as_str(), about.source))),
            sources: sources
                .map(|source| without_userinfo(&source.name))
                .collect(),
            keys,
        }
    }

    /// Whether two environments have one shape: the same sources with the same keys in the same order.
    pub(crate) fn is_shared_by(one: &Environment, other: &Environment) -> bool {
        let (one, other) = (&one.property_sources, &other.property_sources);
        let is_alike = |(one, other): (&PropertySource, &PropertySource)| {
            let is_shared = Arc::ptr_eq(&one.source, &other.source);
            one.name == other.name && (is_shared || one.source.keys().eq(other.source.keys()))
        };
        one.len() == other.len() && one.iter().zip(other).all(is_alike)
    }

    /// The keys that are written in another way, or elsewhere, in two environments of this shape.
    pub(crate) fn rewritten(&self, one: &Environment, other: &Environment) -> BTreeSet<usize> {
        let mut rewritten = BTreeSet::new();
        let sources = one.property_sources.iter().zip(&other.property_sources);
        for (number, (one, other)) in sources.enumerate() {
            if Arc::ptr_eq(&one.source, &other.source) {
                continue;
            }
            let pairs = one.source.iter().zip(other.source.values());
            let keys = pairs.filter(|((_, one), other)| one != other);
            let indexes = keys.filter_map(|((key, _), _)| {
                let (index, _, about) = self.keys.get_full(key)?;
                (about.source == number).then_some(index)
            });
            rewritten.extend(indexes);
        }
        rewritten
    }

    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }

    pub(crate) fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.keys.keys().map(String::as_str)
    }

    /// The key with this index, as it is written.
    pub(crate) fn key(&self, index: usize) -> Option<&str> {
        self.keys.get_index(index).map(|(key, _)| key.as_str())
    }

    /// The index of a key as it is written.
    pub(crate) fn exact(&self, key: &str) -> Option<usize> {
        self.keys.get_index_of(key)
    }

    /// The index of a key in any spelling of it.
    pub(crate) fn find(&self, key: &str) -> Option<usize> {
        let relaxed = || Some(self.tree.find(key)?.leaf?.entry);
        self.exact(key).or_else(relaxed)
    }

    /// The number of the source whose value counts.
    pub(crate) fn source(&self, index: usize) -> Option<usize> {
        self.keys.get_index(index).map(|(_, about)| about.source)
    }

    pub(crate) fn looks_secret(&self, index: usize) -> bool {
        let key = self.keys.get_index(index);
        key.is_some_and(|(_, about)| about.looks_secret)
    }

    /// What an environment of this shape has under a key.
    pub(crate) fn property<'e>(
        &self,
        environment: &'e Environment,
        index: usize,
    ) -> Option<&'e Property> {
        let (key, about) = self.keys.get_index(index)?;
        let source = environment.property_sources.get(about.source)?;
        source.source.get(key)
    }

    pub(crate) fn tree(&self) -> &Node {
        &self.tree
    }

    pub(crate) fn sources(&self) -> &[String] {
        &self.sources
    }
}
