//! How two addresses differ: only in what applications get, wherever it stands.

use std::collections::BTreeSet;

use confbus_protocol::{PropertyValue, Winners};
use serde::Serialize;

use super::{
    address::{AddressView, HeldView},
    configuration::{SourceView, sources},
    secrecy::{Secrecy, Shown},
};
use crate::{environment_repository::Inspected, ledger::Becomes};

/// How two addresses differ.
#[derive(Debug, Serialize)]
pub(crate) struct DiffView {
    pub(crate) schema: &'static str,
    pub(crate) from: SideView,
    pub(crate) to: SideView,
    /// Keys that either has.
    pub(crate) total: usize,
    /// In the order of their keys.
    pub(crate) changes: Vec<ChangeView>,
    /// Who is given something else by the one than by the other; `None` where they differ in more than their labels.
    pub(crate) blast_radius: Option<Vec<RadiusView>>,
    /// Further ones that were not compared.
    pub(crate) not_compared: usize,
}

/// One of the two.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SideView {
    #[serde(flatten)]
    pub(crate) address: AddressView,
    /// The version that answers, if one is known.
    pub(crate) commit: Option<String>,
    pub(crate) held: Option<HeldView>,
}

/// A key that is not the same.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeView {
    pub(crate) key: String,
    pub(crate) kind: Becomes,
    pub(crate) before: Option<Shown>,
    pub(crate) after: Option<Shown>,
    /// Where it stands now.
    #[serde(flatten)]
    pub(crate) place: Option<PlaceView>,
    /// Where it stood.
    pub(crate) was: Option<PlaceView>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct PlaceView {
    /// As in [`SourceView`].
    pub(crate) name: String,
    pub(crate) file: Option<String>,
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

/// Somebody who is given something else.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RadiusView {
    #[serde(flatten)]
    pub(crate) address: AddressView,
    /// How many are not the same.
    pub(crate) keys: usize,
    pub(crate) instances: usize,
}

/// One of the two, to compare.
pub(super) struct Side<'i> {
    pub(super) inspected: &'i Inspected,
    pub(super) secrecy: Secrecy<'i>,
}

impl DiffView {
    pub(super) fn new(from: (SideView, &Side<'_>), to: (SideView, &Side<'_>)) -> Self {
        let ((from, old), (to, new)) = (from, to);
        let keys = keys([old.inspected, new.inspected]);
        let (before, after) = (sources(old.inspected), sources(new.inspected));
        let changes = keys.iter().filter_map(|key| {
            let kind = change(&old.secrecy.winners, &new.secrecy.winners, key)?;
            let (before, was) = old.shown(key, &before).unzip();
            let (after, place) = new.shown(key, &after).unzip();
            Some(ChangeView {
                key: (*key).to_owned(),
                kind,
                before,
                after,
                place,
                was,
            })
        });
        Self {
            schema: "confbus.diff/1",
            from,
            to,
            changes: changes.collect(),
            total: keys.len(),
            blast_radius: None,
            not_compared: 0,
        }
    }
}

impl Side<'_> {
    /// What wins under a key, and where that stands.
    fn shown(&self, key: &str, sources: &[SourceView]) -> Option<(Shown, PlaceView)> {
        let property = self.secrecy.winners.property(key)?;
        let index = self.secrecy.winners.of(key)?;
        let source = sources.get(index)?;
        let place = self.secrecy.place(index, key, property.origin);
        let place = PlaceView {
            name: source.name.clone(),
            file: source.file.clone(),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        };
        Some((self.secrecy.show(index, key, &property.value), place))
    }
}

/// How many keys are not the same.
pub(super) fn differences(old: &Inspected, new: &Inspected) -> usize {
    let (before, after) = (old.environment.winners(), new.environment.winners());
    let keys = keys([old, new]).into_iter();
    keys.filter(|key| change(&before, &after, key).is_some())
        .count()
}

fn keys(both: [&Inspected; 2]) -> BTreeSet<&str> {
    let sources = both
        .into_iter()
        .flat_map(|one| &one.environment.property_sources);
    sources
        .flat_map(|source| source.source.keys().map(String::as_str))
        .collect()
}

fn change(before: &Winners<'_>, after: &Winners<'_>, key: &str) -> Option<Becomes> {
    let value = |winners: &Winners<'_>| -> Option<PropertyValue> {
        winners.property(key).map(|property| property.value.clone())
    };
    match (value(before), value(after)) {
        (None, None) => None,
        (None, Some(_)) => Some(Becomes::Added),
        (Some(_), None) => Some(Becomes::Removed),
        (before, after) => (before != after).then_some(Becomes::Changed),
    }
}
