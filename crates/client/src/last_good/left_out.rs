use std::{collections::BTreeSet, sync::Arc};

use confbus_protocol::{Environment, Property, PropertyValue, is_secret};
use serde::{Deserialize, Serialize};

/// The values that a file does not hold: by the index of their source, and by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LeftOut(BTreeSet<(usize, String)>);

impl LeftOut {
    /// Takes the secrets out of an environment; their keys and places stay.
    pub(super) fn of(environment: &Environment) -> (Environment, Self) {
        let mut without = environment.clone();
        let mut left_out = BTreeSet::new();
        for (index, source) in without.property_sources.iter_mut().enumerate() {
            let secrets: Vec<String> = source
                .source
                .iter()
                .filter(|(key, property)| is_secret(key, &property.value))
                .map(|(key, _)| key.clone())
                .collect();
            if secrets.is_empty() {
                continue;
            }
            let properties = Arc::make_mut(&mut source.source);
            for key in secrets {
                if let Some(property) = properties.get_mut(&key) {
                    *property = Property {
                        value: PropertyValue::Null,
                        origin: property.origin,
                    };
                }
                left_out.insert((index, key));
            }
        }
        (without, Self(left_out))
    }

    pub(crate) fn contains(&self, source: usize, key: &str) -> bool {
        !self.0.is_empty() && self.0.contains(&(source, key.to_owned()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
