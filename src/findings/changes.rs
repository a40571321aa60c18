//! What a change means for each address.

use std::{borrow::Cow, cell::Cell};

use confbus_protocol::{
    PropertyValue, has_credentials, is_secret, looks_secret, resolve_placeholders,
};
use confbus_resolution::{
    Comparison, Detail, Effect, EnvironmentRequest, KeyChange, Snapshot, resolve_files,
};

use super::judged::{Judge, shown};
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
    pub kind: KeyChange,
    /// `None` where there was none.
    pub before: Option<Shown>,
    /// `None` where there is none.
    pub after: Option<Shown>,
    /// `shop-prod.yml:14`, where it is written, or was when it is gone.
    pub place: String,
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
    judge: &Judge<'_>,
    addresses: &[EnvironmentRequest],
) -> Vec<AddressChange> {
    let Judge { layout, acceptance } = judge;
    let are_same = |one: &PropertyValue, other: &PropertyValue| acceptance.are_same(one, other);
    let mut comparison = Comparison::new(old, new, layout);
    let changed = addresses.iter().filter_map(|request| {
        let effect = comparison.effect_where(request, Detail::Keys, &are_same);
        let Effect::Changed { keys, .. } = effect else {
            return None;
        };
        let before = resolve_files(old, layout, request).unwrap_or_default();
        let after = resolve_files(new, layout, request).unwrap_or_default();
        let (before, after) = (Winners::of(&before), Winners::of(&after));
        let changes = keys.into_iter().map(|(key, change)| {
            let (was, is) = (before.get(&key), after.get(&key));
            let place = is.or(was).map(|winner| place(&winner.origin()));
            Change {
                kind: change,
                before: was.map(|winner| value(&key, winner.value, &before)),
                after: is.map(|winner| value(&key, winner.value, &after)),
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

fn value(key: &str, value: &PropertyValue, all: &Winners<'_>) -> Shown {
    if is_hidden(key, value) || leads_to_secret(value, all) {
        Shown::Masked
    } else {
        Shown::Value(value.to_string())
    }
}

/// By its key or by what it is.
fn is_hidden(key: &str, value: &PropertyValue) -> bool {
    let text = value.as_text();
    is_secret(key, value) || text.is_some_and(|text| text.starts_with("{cipher}"))
}

/// Whether a placeholder in a value asks for a secret, or its default is one.
fn leads_to_secret(value: &PropertyValue, all: &Winners<'_>) -> bool {
    let Some(text) = value.as_text().filter(|text| text.contains("${")) else {
        return false;
    };
    let is_met = Cell::new(false);
    let lookup = |key: &str| {
        let found = all.get(key).map(|winner| winner.value);
        let hidden = found.map_or_else(|| looks_secret(key), |value| is_hidden(key, value));
        is_met.set(is_met.get() || hidden);
        let value = found.filter(|_| !is_met.get())?;
        Some(Cow::Owned(value.to_string()))
    };
    let resolved = resolve_placeholders(text, &lookup);
    is_met.get() || resolved.is_ok_and(|text| has_credentials(&text.into()))
}
