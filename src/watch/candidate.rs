//! A version that asks to be delivered.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use confbus_client::{Environment, PropertyValue, Rejection, Snapshot};
use confbus_protocol::{Properties, PropertySource};

use super::{only::Only, variables};

/// The wanted values of one version. Two are the same when their values are.
#[derive(Clone)]
pub(crate) struct Candidate {
    pub(super) snapshot: Snapshot,
    values: Arc<BTreeMap<String, PropertyValue>>,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Candidate {
    pub(crate) fn of(snapshot: &Snapshot, only: &Only) -> Self {
        let wanted = snapshot.keys().filter(|key| only.wants(key));
        let values = wanted.filter_map(|key| Some((key.to_owned(), snapshot.get(key)?.clone())));
        Self {
            snapshot: snapshot.clone(),
            values: Arc::new(values.collect()),
        }
    }

    /// As [`of`](Self::of), unless a wanted value is not known, because the last good file holds no secrets.
    pub(crate) fn complete(snapshot: &Snapshot, only: &Only) -> Result<Self, Rejection> {
        for key in snapshot.left_out().filter(|key| only.wants(key)) {
            // Which is refused, with the reason.
            snapshot.bind::<String>(key)?;
        }
        Ok(Self::of(snapshot, only))
    }

    pub(crate) fn version(&self) -> Option<&str> {
        self.snapshot.version()
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// The keys that are different, sorted.
    pub(super) fn keys_changed(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.values.keys().chain(other.values.keys()).collect();
        keys.into_iter()
            .filter(|key| self.values.get(*key) != other.values.get(*key))
            .cloned()
            .collect()
    }

    /// The wanted values as one source, in their order.
    ///
    /// `read_again`: what came of placeholders is a number or a flag where it looks like one, as in YAML; the server writes
    /// such values there without quotes.
    pub(crate) fn environment(&self, read_again: bool) -> Environment {
        let raw = self.snapshot.environment();
        let mut properties: Properties = raw.merged();
        properties.retain(|key, _| self.values.contains_key(key));
        for (key, property) in properties.iter_mut() {
            let Some(value) = self.values.get(key) else {
                continue;
            };
            if property.value != *value {
                property.value = if read_again {
                    read(value)
                } else {
                    value.clone()
                };
            }
        }
        let source = PropertySource {
            name: "effective".to_owned(),
            source: Arc::new(properties),
        };
        Environment {
            property_sources: vec![source],
            ..raw.clone()
        }
    }

    /// The values as variables of a program.
    ///
    /// # Errors
    /// Why they cannot all be.
    pub(super) fn variables(&self) -> Result<BTreeMap<String, String>, String> {
        variables::for_program(&self.environment(false))
    }
}

fn read(value: &PropertyValue) -> PropertyValue {
    let text = value.to_string();
    match text.as_str() {
        "true" => PropertyValue::Bool(true),
        "false" => PropertyValue::Bool(false),
        _ => match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => PropertyValue::Integer(number),
            _ => value.clone(),
        },
    }
}
