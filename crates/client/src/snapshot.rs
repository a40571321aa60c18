use std::{collections::BTreeSet, fmt, sync::Arc};

use confbus_protocol::{Environment, Position, Properties, PropertyValue};
use indexmap::IndexMap;
use serde::de::DeserializeOwned;

use crate::{
    Rejection,
    bind::{self, Node},
    changes::{KeyChange, Written},
    last_good::LeftOut,
    placeholders,
    secret::{Blotter, looks_secret, without_userinfo},
};

/// The effective configuration of one version: immutable, and cheap to clone.
///
/// Hold one through a unit of work and everything in it is from the same commit.
/// `Debug` shows the version and the number of keys, never a value.
#[derive(Clone)]
pub struct Snapshot(Arc<Data>);

struct Data {
    version: Option<String>,
    environment: Environment,
    entries: IndexMap<String, Entry>,
    /// Names of the property sources, highest precedence first.
    sources: Vec<String>,
    tree: Node,
}

/// One key of the merged map.
pub(crate) struct Entry {
    pub(crate) value: PropertyValue,
    /// Why its placeholders could not be resolved: the value is of no use.
    pub(crate) problem: Option<String>,
    is_left_out: bool,
    /// Whether it must not be shown.
    is_secret: bool,
    source: usize,
    position: Option<Position>,
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
        let merged = environment.merged();
        let source_of = |key: &str| {
            let mut sources = environment.property_sources.iter();
            let found = sources.position(|source| source.source.contains_key(key));
            found.unwrap_or_default()
        };
        let sources: Vec<usize> = merged.keys().map(|key| source_of(key)).collect();
        let values = placeholders::resolved(&merged, &|index| {
            let key = merged.get_index(index).map(|(key, _)| key.as_str());
            key.is_some_and(|key| left_out.contains(sources[index], key))
        });
        let entries: IndexMap<String, Entry> = merged
            .into_iter()
            .zip(values.into_iter().zip(sources))
            .map(|((key, property), (resolved, source))| {
                let entry = Entry {
                    value: resolved.value,
                    problem: resolved.problem,
                    is_left_out: resolved.is_left_out,
                    is_secret: resolved.is_secret,
                    source,
                    position: property.origin,
                };
                (key, entry)
            })
            .collect();
        Self(Arc::new(Data {
            version: environment.version.clone(),
            // Its sources are shared, not copied.
            environment: environment.clone(),
            tree: Node::tree(
                entries
                    .iter()
                    .map(|(key, entry)| (key.as_str(), entry.source)),
            ),
            sources: environment
                .property_sources
                .iter()
                .map(|source| without_userinfo(&source.name))
                .collect(),
            entries,
        }))
    }

    /// The commit id, or whatever the server calls its version. `None` from backends that have none.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        self.0.version.as_deref()
    }

    /// The value under a key, in any spelling of it, with placeholders resolved. `None` for one that was
    /// [left out](Self::left_out), too.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&PropertyValue> {
        let (_, entry) = self.entry(key)?;
        (!entry.is_left_out).then_some(&entry.value)
    }

    /// The keys whose values are not known, because this is the last good file and it holds no secrets: those that look
    /// secret, and those that refer to them by placeholders. Binding one is a refusal.
    pub fn left_out(&self) -> impl Iterator<Item = &str> {
        let entries = self.0.entries.iter();
        entries
            .filter(|(_, entry)| entry.is_left_out)
            .map(|(key, _)| key.as_str())
    }

    /// All keys as they are written, in file order; lists come after single values.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.entries.keys().map(String::as_str)
    }

    /// Where the value under a key was written.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.origin_of(self.entry(key)?.1)
    }

    fn origin_of(&self, entry: &Entry) -> Option<Origin> {
        Some(Origin {
            source: self.0.sources.get(entry.source)?.clone(),
            position: entry.position,
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
        self.0.sources.iter().map(String::as_str)
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
        let secrets = self.0.entries.iter().filter(|(_, entry)| entry.is_secret);
        let values = secrets.map(|(other, entry)| (&entry.value, other == key));
        Blotter::new(values).blot(text)
    }

    pub(crate) fn tree(&self) -> &Node {
        &self.0.tree
    }

    /// The value that stands at a place of the tree itself, not below it.
    #[cfg(any(feature = "config", feature = "figment"))]
    pub(crate) fn value_of(&self, node: &Node) -> Option<&PropertyValue> {
        Some(&self.entry_at(node.leaf?.entry)?.value)
    }

    /// The first value that is of no use, because of its placeholders.
    #[cfg(any(feature = "config", feature = "figment"))]
    pub(crate) fn unusable(&self) -> Option<Rejection> {
        self.0.entries.iter().find_map(|(key, entry)| {
            let problem = entry.problem.as_ref()?;
            Some(Rejection::at(key, problem).placed(self, key))
        })
    }

    pub(crate) fn entry_at(&self, index: usize) -> Option<&Entry> {
        self.0.entries.get_index(index).map(|(_, entry)| entry)
    }

    /// The spelling of a key that is in its file.
    pub(crate) fn written(&self, key: &str) -> Option<&str> {
        self.entry(key).map(|(written, _)| written)
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    fn entry(&self, key: &str) -> Option<(&str, &Entry)> {
        let index = self
            .0
            .entries
            .get_index_of(key)
            .or_else(|| Some(self.0.tree.find(key)?.leaf?.entry))?;
        self.0
            .entries
            .get_index(index)
            .map(|(key, entry)| (key.as_str(), entry))
    }

    /// The entries under a prefix, by their keys as written.
    fn section(&self, prefix: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let indexes = self
            .0
            .tree
            .find(prefix)
            .map(Node::entries)
            .unwrap_or_default();
        indexes
            .into_iter()
            .filter_map(|index| self.0.entries.get_index(index))
            .map(|(key, entry)| (key.as_str(), entry))
    }

    /// Whether the value of a key must not be quoted.
    pub(crate) fn hides(&self, key: &str) -> bool {
        self.entry(key)
            .map_or_else(|| looks_secret(key), |(_, entry)| entry.is_secret)
    }

    /// What is different in `next`, sorted by key.
    pub(crate) fn changes_to(&self, next: &Self) -> Vec<KeyChange> {
        let keys: BTreeSet<&str> = self.keys().chain(next.keys()).collect();
        keys.into_iter()
            .filter(|key| self.exact(key) != next.exact(key))
            .map(|key| KeyChange {
                key: key.to_owned(),
                old: self.written_at(key),
                new: next.written_at(key),
                version: next.0.version.clone(),
            })
            .collect()
    }

    /// The keys under a prefix that are different in `next`, sorted.
    pub(crate) fn keys_changed(&self, next: &Self, prefix: &str) -> Vec<String> {
        let keys: BTreeSet<&str> = self
            .section(prefix)
            .chain(next.section(prefix))
            .map(|(key, _)| key)
            .collect();
        keys.into_iter()
            .filter(|key| self.exact(key) != next.exact(key))
            .map(str::to_owned)
            .collect()
    }

    fn written_at(&self, key: &str) -> Option<Written> {
        let entry = self.0.entries.get(key)?;
        Some(Written {
            value: entry.value.clone(),
            origin: self.origin_of(entry),
            is_secret: entry.is_secret,
        })
    }

    fn exact(&self, key: &str) -> Option<&PropertyValue> {
        self.0.entries.get(key).map(|entry| &entry.value)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("version", &self.0.version)
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
mod tests {
    use super::*;

    fn origin(source: &str) -> String {
        Origin {
            source: source.to_owned(),
            position: Position::parse("14:8"),
        }
        .to_string()
    }

    #[test]
    fn origins_name_the_file() {
        assert_eq!(
            origin("https://git.example/acme/config/orders-dev.yml"),
            "orders-dev.yml:14:8"
        );
        assert_eq!(
            origin(
                "https://git.example/repo/Config resource 'file [/tmp/repo/orders.yml' via location '' (document #0)"
            ),
            "orders.yml:14:8"
        );
        assert_eq!(
            origin(
                "Config resource 'file [/tmp/nat/multi.yml]' via location 'file:/tmp/nat/' (document #1)"
            ),
            "multi.yml:14:8"
        );
        assert_eq!(origin("overrides"), "overrides:14:8");
    }

    #[test]
    fn a_value_that_refers_to_a_secret_is_one() {
        let environment: Environment = serde_json::from_str(
            r#"{"name":"orders","profiles":["dev"],"propertySources":[{"name":"x","source":{"db.password":"hunter2",
                "url":"jdbc:pg://h/db?password=${db.password}","copy":"${url}","host":"h","plain":"${host}"}}]}"#,
        )
        .unwrap();
        let snapshot = Snapshot::of(&environment);
        for (key, is_secret) in [
            ("url", true),
            ("copy", true),
            ("host", false),
            ("plain", false),
        ] {
            assert_eq!(snapshot.hides(key), is_secret, "{key}");
        }
        let shown: Vec<_> = Snapshot::of(&Environment::default())
            .changes_to(&snapshot)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert!(!shown.join("\n").contains("hunter2"), "{shown:?}");
        assert_eq!(
            snapshot.redacted("jdbc:pg://h/db?password=hunter2 is not hunter2"),
            "… is not …"
        );
        let rejection = snapshot.bind::<u32>("copy").unwrap_err();
        assert!(!rejection.to_string().contains("hunter2"), "{rejection}");
        let of_application = Rejection::at("plain", "no route: password=hunter2");
        assert_eq!(
            of_application.placed(&snapshot, "").reason(),
            "no route: password=…"
        );
    }

    #[test]
    fn values_placeholders_and_origins_come_from_the_highest_source() {
        let environment: Environment = serde_json::from_str(
            r#"{"name":"orders","profiles":["dev"],"version":"9f2c1ab","propertySources":[
                {"name":"https://ana:pw@git.example/config/orders-dev.yml","source":{"port":{"value":8081,"origin":"3:7"}}},
                {"name":"https://git.example/config/application.yml","source":{"port":{"value":8080,"origin":"1:7"},"url":"http://${host}:${port}/"}}]}"#,
        )
        .unwrap();
        let snapshot = Snapshot::of(&environment);
        assert_eq!(snapshot.version(), Some("9f2c1ab"));
        assert_eq!(snapshot.get("PORT"), Some(&PropertyValue::Integer(8081)));
        let origin = snapshot.origin("port").unwrap();
        assert_eq!(
            (origin.to_string().as_str(), origin.source.as_str()),
            (
                "orders-dev.yml:3:7",
                "https://git.example/config/orders-dev.yml"
            )
        );
        assert_eq!(
            snapshot.origin("url").unwrap().to_string(),
            "application.yml"
        );
        assert!(snapshot.origin("nobody").is_none());
        assert_eq!(snapshot.keys().collect::<Vec<_>>(), ["port", "url"]);
        assert_eq!(
            format!("{snapshot:?}"),
            r#"Snapshot { version: Some("9f2c1ab"), keys: 2 }"#
        );
    }
}
