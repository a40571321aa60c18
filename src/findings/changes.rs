//! What a change means for each address.

use confbus_protocol::{PropertyValue, is_secret};
use confbus_resolution::{
    Comparison, Detail, Effect, EnvironmentRequest, KeyChange, Layout, Snapshot, resolve_files,
};

use super::judged::shown;
use crate::acceptance::Winners;

/// The addresses for which something is different.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressChange {
    /// `shop/prod`.
    pub address: String,
    /// By key; empty where a side has no answer, so that nobody knows.
    pub changes: Vec<Change>,
}

/// A key that has another effective value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Flattened.
    pub key: String,
    /// What became of it.
    pub kind: Kind,
    /// `None` where there was none.
    pub before: Option<Shown>,
    /// `None` where there is none.
    pub after: Option<Shown>,
    /// `shop-prod.yml:14`, where it is written, or was when it is gone.
    pub place: String,
}

/// What became of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another value.
    Changed,
}

/// A value as far as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The value.
    Value(String),
    /// A secret.
    Masked,
}

/// What is different for the addresses of the new snapshot; those that are gone have no files any more.
pub(super) fn between(
    old: &Snapshot,
    new: &Snapshot,
    layout: &Layout,
    addresses: &[EnvironmentRequest],
) -> Vec<AddressChange> {
    let mut comparison = Comparison::new(old, new, layout);
    let changed = addresses.iter().filter_map(|request| {
        let Effect::Changed { keys, .. } = comparison.effect_on(request, Detail::Keys) else {
            return None;
        };
        let before = resolve_files(old, layout, request).unwrap_or_default();
        let after = resolve_files(new, layout, request).unwrap_or_default();
        let (before, after) = (Winners::of(&before), Winners::of(&after));
        let changes = keys.into_iter().map(|(key, change)| {
            let (was, is) = (before.get(&key), after.get(&key));
            let place = is.or(was).map(|winner| place(&winner.origin()));
            Change {
                kind: match change {
                    KeyChange::Added => Kind::Added,
                    KeyChange::Removed => Kind::Removed,
                    KeyChange::Changed => Kind::Changed,
                },
                before: was.map(|winner| value(&key, winner.value)),
                after: is.map(|winner| value(&key, winner.value)),
                place: place.unwrap_or_default(),
                key,
            }
        });
        Some(AddressChange {
            address: shown(request),
            changes: changes.collect(),
        })
    });
    changed.collect()
}

fn place(origin: &confbus_resolution::Origin) -> String {
    match origin.position {
        Some(position) => format!("{}:{}", origin.path, position.line),
        None => origin.path.clone(),
    }
}

fn value(key: &str, value: &PropertyValue) -> Shown {
    let text = value.to_string();
    if is_secret(key, value) || text.starts_with("{cipher}") {
        Shown::Masked
    } else {
        Shown::Value(text)
    }
}
