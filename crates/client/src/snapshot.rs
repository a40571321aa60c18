use std::{fmt, sync::Arc};

use confbus_protocol::{Environment, Position, Properties, PropertyValue, looks_secret};
use serde::de::DeserializeOwned;

use crate::{
    Rejection,
    bind::{self, Node},
    changes::{KeyChange, Written},
    last_good::LeftOut,
    placeholders::Resolver,
    secret::Blotter,
};

mod shape;

pub(crate) use shape::Shape;

/// The effective configuration of one version: immutable, and cheap to clone.
///
/// Hold one through a unit of work and everything in it is from the same commit.
/// `Debug` shows the version and the number of keys, never a value.
#[derive(Clone)]
pub struct Snapshot(Arc<Data>);

struct Data {
    environment: Environment,
    shape: Arc<Shape>,
    /// By the indexes of the shape's keys.
    entries: Vec<Arc<Entry>>,
}

/// What is under one key of the merged map.
#[derive(PartialEq)]
pub(crate) struct Entry {
    pub(crate) value: PropertyValue,
    /// Why its placeholders could not be resolved: the value is then as it was written, and of no use.
    pub(crate) problem: Option<String>,
    /// Whether it is of no use because the last good file does not hold it, or a value that it refers to.
    pub(crate) is_left_out: bool,
    /// Whether it must not be shown: it looks secret, or a value that it refers to does.
    pub(crate) is_secret: bool,
    /// Whether it was written with placeholders.
    pub(crate) refers: bool,
    pub(crate) position: Option<Position>,
}

/// Where a value was written.
///
/// Displayed as `orders-dev.yml:14:8`, or without line and column when the server sends none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The name of the property source: the repository's address and the path of the file, without credentials.
    pub source: String,
    /// Line and column, when the server sends the v2 form.
    pub position: Option<Position>,
}

impl Snapshot {
    /// Merges an environment and resolves its placeholders.
    pub(crate) fn of(environment: &Environment) -> Self {
        Self::of_saved(environment, &LeftOut::default())
    }

    /// As [`of`](Self::of), for an environment of which some values were not kept.
    pub(crate) fn of_saved(environment: &Environment, left_out: &LeftOut) -> Self {
        let shape = Shape::of(environment);
        let mut resolver = Resolver::new(&shape, environment, left_out);
        let entries = (0..shape.len()).filter_map(|index| resolver.entry(index));
        Self(Arc::new(Data {
            entries: entries.map(Arc::new).collect(),
            // Its sources are shared, not copied.
            environment: environment.clone(),
            shape: Arc::new(shape),
        }))
    }

    /// As [`of`](Self::of), for the version after this one: where no key came or went, only what is written in another way
    /// is worked on, and what refers to others.
    pub(crate) fn next(&self, environment: &Environment) -> Self {
        let Data {
            environment: earlier,
            shape,
            entries,
        } = &*self.0;
        if !Shape::is_shared_by(earlier, environment) || self.left_out().next().is_some() {
            return Self::of(environment);
        }
        let mut rewritten = shape.rewritten(earlier, environment);
        let mut entries = entries.clone();
        if !rewritten.is_empty() {
            let referring = entries.iter().enumerate().filter(|(_, entry)| entry.refers);
            rewritten.extend(referring.map(|(index, _)| index));
        }
        let left_out = LeftOut::default();
        let mut resolver = Resolver::new(shape, environment, &left_out);
        for index in rewritten {
            let entry = resolver.entry(index).map(Arc::new);
            if let Some((place, entry)) = entries.get_mut(index).zip(entry) {
                *place = entry;
            }
        }
        Self(Arc::new(Data {
            environment: environment.clone(),
            shape: Arc::clone(shape),
            entries,
        }))
    }

    /// The commit id, or whatever the server calls its version. `None` from backends that have none.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.environment.version.as_deref()
    }

    /// The value under a key, in any spelling of it, with placeholders resolved. `None` for one that was
    /// [left out](Self::left_out), too.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&PropertyValue> {
        let entry = self.entry(key)?;
        (!entry.is_left_out).then_some(&entry.value)
    }

    /// The keys whose values are not known, because this is the last good file and it holds no secrets: those that look
    /// secret, and those that refer to them by placeholders. Binding one is a refusal.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        let entries = self.entries();
        entries
            .filter(|(_, entry)| entry.is_left_out)
            .map(|(key, _)| key)
    }

    /// All keys as they are written, in file order; lists come after single values.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.shape.keys()
    }

    /// Where the value under a key was written.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.origin_at(self.0.shape.find(key)?)
    }

    fn origin_at(&self, index: usize) -> Option<Origin> {
        let shape = &self.0.shape;
        Some(Origin {
            source: shape.sources().get(shape.source(index)?)?.clone(),
            position: self.entry_at(index)?.position,
        })
    }

    /// Reads a section, or a single value, into a type. The empty prefix is the whole configuration.
    ///
    /// # Errors
    /// [`Rejection`] naming the key that does not fit.
    pub fn bind<T: DeserializeOwned>(&self, prefix: &str) -> Result<T, Rejection> {
        bind::bind(self, prefix)
    }

    /// The names of the property sources, highest precedence first, without credentials.
    pub fn sources(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.shape.sources().iter().map(String::as_str)
    }

    /// The answer of the server that this was made of: every source, and placeholders as they are written.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.0.environment
    }

    /// A text that may be shown: the values of secret keys, and of those that refer to them, are blotted out in it, unless
    /// they are shorter than four characters. So is each longer line of a secret in several lines, and what is before the
    /// `@` of an address.
    #[must_use]
    pub fn redacted(&self, text: impl Into<String>) -> String {
        self.without_secrets("", text.into())
    }

    /// As [`redacted`](Self::redacted), for a text about `key`, whose value is blotted out however short it is.
    pub(crate) fn without_secrets(&self, key: &str, text: String) -> String {
        let secrets = self.entries().filter(|(_, entry)| entry.is_secret);
        let values = secrets.map(|(other, entry)| (&entry.value, other == key));
        Blotter::new(values).blot(text)
    }

    pub(crate) fn tree(&self) -> &Node {
        self.0.shape.tree()
    }

    /// The value that stands at a place of the tree itself, not below it.
    #[cfg(any(feature = "config", feature = "figment"))]
    pub(crate) fn value_of(&self, node: &Node) -> Option<&PropertyValue> {
        Some(&self.entry_at(node.leaf?.entry)?.value)
    }

    /// The first value that is of no use, because of its placeholders.
    #[cfg(any(feature = "config", feature = "figment"))]
    pub(crate) fn unusable(&self) -> Option<Rejection> {
        self.entries().find_map(|(key, entry)| {
            let problem = entry.problem.as_ref()?;
            Some(Rejection::at(key, problem).placed(self, key))
        })
    }

    pub(crate) fn entry_at(&self, index: usize) -> Option<&Entry> {
        self.0.entries.get(index).map(|entry| &**entry)
    }

    /// The spelling of a key that is in its file.
    pub(crate) fn written(&self, key: &str) -> Option<&str> {
        let shape = &self.0.shape;
        shape.key(shape.find(key)?)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// All keys as they are written, with their entries.
    fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        let entries = self.0.entries.iter().map(|entry| &**entry);
        self.keys().zip(entries)
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.entry_at(self.0.shape.find(key)?)
    }

    /// Whether the value of a key must not be quoted.
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.entry(key)
            .map_or_else(|| looks_secret(key), |entry| entry.is_secret)
    }

    /// What is different in `next`, sorted by key.
    pub(crate) fn changes_to(&self, next: &Self) -> Vec<KeyChange> {
        let keys = self.moved(next, |snapshot| (0..snapshot.0.entries.len()).collect());
        let change = |key: &str| KeyChange {
            key: key.to_owned(),
            old: self.written_at(key),
            new: next.written_at(key),
            version: next.version().map(str::to_owned),
        };
        keys.into_iter().map(change).collect()
    }

    /// The keys under a prefix that are different in `next`, sorted.
    pub(crate) fn keys_changed(&self, next: &Self, prefix: &str) -> Vec<String> {
        let keys = self.moved(next, |snapshot| {
            let section = snapshot.tree().find(prefix);
            section.map(Node::entries).unwrap_or_default()
        });
        keys.into_iter().map(str::to_owned).collect()
    }

    /// Which of some keys have different values in `next`, sorted; `some` gives their indexes.
    fn moved<'s>(&'s self, next: &'s Self, some: impl Fn(&Self) -> Vec<usize>) -> Vec<&'s str> {
        let mut keys: Vec<&str> = self.not_in(next, some(self)).collect();
        // Otherwise nothing has come.
        if !Arc::ptr_eq(&self.0.shape, &next.0.shape) {
            keys.extend(next.not_in(self, some(next)));
        }
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// The keys that do not have the same values in `other`.
    fn not_in<'s>(&'s self, other: &'s Self, indexes: Vec<usize>) -> impl Iterator<Item = &'s str> {
        let is_one_shape = Arc::ptr_eq(&self.0.shape, &other.0.shape);
        indexes.into_iter().filter_map(move |index| {
            let (key, entry) = (self.0.shape.key(index)?, self.0.entries.get(index)?);
            let there = if is_one_shape {
                Some(index)
            } else {
                other.0.shape.exact(key)
            };
            let there = there.and_then(|index| other.0.entries.get(index));
            let is_same =
                |there: &Arc<Entry>| Arc::ptr_eq(there, entry) || there.value == entry.value;
            (!there.is_some_and(is_same)).then_some(key)
        })
    }

    fn written_at(&self, key: &str) -> Option<Written> {
        let index = self.0.shape.exact(key)?;
        let entry = self.entry_at(index)?;
        Some(Written {
            value: entry.value.clone(),
            origin: self.origin_at(index),
            is_secret: entry.is_secret,
        })
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.0.environment.version)
            .field("keys", &self.0.entries.len())
            .finish()
    }
}

impl Origin {
    /// The name of the file.
    #[must_use]
    pub fn file(&self) -> &str {
        // A file with several documents is named by Spring: `…/Config resource 'file [/srv/x/orders.yml' via location …`.
        let path = match self.source.split_once("Config resource '") {
            Some((_, resource)) => resource.split(['\'', ']']).next().unwrap_or(resource),
            None => &self.source,
        };
        path.rsplit('/').next().unwrap_or(path)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.file())?;
        match self.position {
            Some(position) => write!(f, ":{position}"),
            None => Ok(()),
        }
    }
}

/// Values that a bus event set, as a source above all others.
pub(crate) fn with_override(environment: &Environment, overrides: &Properties) -> Environment {
    let mut environment = environment.clone();
    if !overrides.is_empty() {
        // Spring's name for it.
        let source = confbus_protocol::PropertySource {
            name: "manager".to_owned(),
            source: Arc::new(overrides.clone()),
        };
        environment.property_sources.insert(0, source);
    }
    environment
}

#[cfg(test)]
mod tests;
