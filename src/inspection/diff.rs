//! How two addresses differ: only in what applications get, wherever it stands.

use std::collections::BTreeSet;

use confbus_protocol::PropertyValue;
use serde::Serialize;

use super::{
    address::{AddressView, HeldView},
    configuration::{SourceView, sources},
    differences::{Answer, Differences, Different},
    placeholders::with_placeholders,
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
    /// Further keys that are written the same and refer to too much for it to be told what they come to.
    pub(crate) not_followed: usize,
    /// Who is given something else by the one than by the other; `None` where they differ in more than their labels.
    pub(crate) blast_radius: Option<Vec<RadiusView>>,
    /// Further ones that were not compared.
    pub(crate) not_compared: usize,
    /// Who asks for the same application and reads neither of the two.
    pub(crate) elsewhere: Vec<ElsewhereView>,
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
    /// As they are written.
    pub(crate) before: Option<Shown>,
    pub(crate) after: Option<Shown>,
    /// What becomes of both within the answers, where either has placeholders.
    pub(crate) comes_to: Option<ComesToView>,
    /// The keys by which it is different, where the same is written.
    pub(crate) through: Vec<String>,
    /// Where it stands now.
    #[serde(flatten)]
    pub(crate) place: Option<PlaceView>,
    /// Where it stood.
    pub(crate) was: Option<PlaceView>,
}

/// What becomes of the values of a key that is not the same.
#[derive(Debug, Serialize)]
pub(crate) struct ComesToView {
    pub(crate) before: Option<Shown>,
    pub(crate) after: Option<Shown>,
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

/// Instances that read something else than what is compared.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ElsewhereView {
    #[serde(flatten)]
    pub(crate) address: AddressView,
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
        let differences = Differences::between(old.answer(), new.answer());
        let (before, after) = (sources(old.inspected), sources(new.inspected));
        let changes = differences.changed.iter().map(|(key, different)| {
            let (before, was) = old.shown(key, &before).unzip();
            let (after, place) = new.shown(key, &after).unzip();
            let through = match different {
                Different::Written(_) => Vec::new(),
                Different::Through => through([old, new], key, &differences),
            };
            ChangeView {
                key: (*key).to_owned(),
                kind: different.becomes(),
                comes_to: ComesToView::of(old, new, key),
                before,
                after,
                through,
                place,
                was,
            }
        });
        Self {
            schema: "confbus.diff/1",
            from,
            to,
            changes: changes.collect(),
            total: differences.total,
            not_followed: differences.not_followed,
            blast_radius: None,
            not_compared: 0,
            elsewhere: Vec::new(),
        }
    }
}

impl ComesToView {
    fn of(old: &Side<'_>, new: &Side<'_>, key: &str) -> Option<Self> {
        let has_placeholders = [old, new].iter().any(|side| side.has_placeholders(key));
        has_placeholders.then(|| Self {
            before: old.comes_to(key),
            after: new.comes_to(key),
        })
    }

    /// Whether both values are there and come to the same.
    pub(crate) fn is_same(&self) -> bool {
        self.before.is_some() && self.before == self.after
    }
}

/// The keys that a key refers to on either side and under which something else is written.
fn through(sides: [&Side<'_>; 2], key: &str, differences: &Differences<'_>) -> Vec<String> {
    let references = sides.into_iter().flat_map(|side| side.references(key));
    let mut seen = BTreeSet::new();
    let through = references.filter(|key| differences.is_written(key) && seen.insert(key.clone()));
    through.collect()
}

impl<'i> Side<'i> {
    fn answer(&self) -> Answer<'_, 'i> {
        (self.inspected, &self.secrecy.winners)
    }

    /// What wins under a key, and its source.
    fn winner(&self, key: &str) -> Option<(usize, &PropertyValue)> {
        let property = self.secrecy.winners.property(key)?;
        Some((self.secrecy.winners.of(key)?, &property.value))
    }

    fn has_placeholders(&self, key: &str) -> bool {
        let winner = self.winner(key);
        winner.is_some_and(|(_, value)| with_placeholders(value).is_some())
    }

    fn comes_to(&self, key: &str) -> Option<Shown> {
        let (source, value) = self.winner(key)?;
        Some(self.secrecy.comes_to(source, key, value))
    }

    fn references(&self, key: &str) -> Vec<String> {
        let references = self.winner(key);
        let references =
            references.map(|(source, value)| self.secrecy.references(source, key, value));
        references.unwrap_or_default()
    }

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
