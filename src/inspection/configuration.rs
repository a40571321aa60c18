//! The effective configuration of an address: every key, what wins it, and what that shadows.

use std::collections::BTreeMap;

use confbus_protocol::{Position, PropertySource};
use serde::Serialize;

use super::{
    address::{AddressView, CommitView, HeldView, SupersededView},
    secrecy::{Secrecy, Shown},
};
use crate::environment_repository::{Inspected, SourceOrigin};

/// What an address is given.
#[derive(Debug, Serialize)]
pub(crate) struct ConfigurationView {
    pub(crate) schema: &'static str,
    pub(crate) address: AddressView,
    /// The version that answers, if one is known: a commit, or several by comma.
    pub(crate) commit: Option<String>,
    /// Each of them, and who made it.
    pub(crate) commits: Vec<CommitView>,
    pub(crate) held: Option<HeldView>,
    /// Set when a commit was asked for that is not the current one.
    pub(crate) superseded: Option<SupersededView>,
    /// The strongest first.
    pub(crate) sources: Vec<SourceView>,
    /// Every key that applications get, in order.
    pub(crate) properties: Vec<PropertyView>,
    /// Elements of lists that nobody gets: a stronger source has a list without them.
    pub(crate) covered: Vec<CoveredView>,
}

/// A file or document that contributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SourceView {
    /// The path of the file, or what else it is called: `overrides`, `vault:shop`.
    pub(crate) name: String,
    /// The path of the file in its repository.
    pub(crate) file: Option<String>,
    /// Which document of the file, from 0.
    pub(crate) document: Option<usize>,
    pub(crate) keys: usize,
}

/// A key with what wins it.
#[derive(Debug, Serialize)]
pub(crate) struct PropertyView {
    pub(crate) key: String,
    #[serde(flatten)]
    pub(crate) winner: PlacedValue,
    /// What becomes of its placeholders, where it has any and nothing secret is among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) resolved: Option<Shown>,
    /// The strongest first.
    pub(crate) shadowed: Vec<PlacedValue>,
    /// The keys that its placeholders ask for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) refers_to: Vec<String>,
}

/// A value, and where it stands.
#[derive(Debug, Serialize)]
pub(crate) struct PlacedValue {
    pub(crate) value: Shown,
    /// Index of its source.
    pub(crate) source: usize,
    /// From 1, as its column in characters.
    pub(crate) line: Option<u32>,
    pub(crate) column: Option<u32>,
}

/// An element of a list that a stronger list covers.
#[derive(Debug, Serialize)]
pub(crate) struct CoveredView {
    pub(crate) key: String,
    /// Index of the source whose list it is not in.
    pub(crate) covered_by: usize,
    pub(crate) written: Vec<PlacedValue>,
}

impl ConfigurationView {
    pub(super) fn new(
        address: AddressView,
        held: Option<HeldView>,
        inspected: &Inspected,
        secrecy: &Secrecy<'_>,
    ) -> Self {
        let environment = &inspected.environment;
        let (mut properties, mut covered) = (Vec::new(), Vec::new());
        for (key, written) in written(inspected, secrecy) {
            match secrecy.winners.of(key) {
                Some(winner) if written.iter().any(|value| value.source == winner) => {
                    properties.push(PropertyView::new(key, written, winner, secrecy));
                }
                Some(covered_by) => covered.push(CoveredView {
                    key: key.to_owned(),
                    covered_by,
                    written,
                }),
                None => {}
            }
        }
        Self {
            schema: "confbus.configuration/1",
            address,
            commit: environment.version.clone(),
            commits: CommitView::all(inspected),
            held,
            superseded: SupersededView::of(inspected),
            sources: sources(inspected),
            properties,
            covered,
        }
    }
}

/// All that is written under each key, the strongest first.
fn written<'i>(
    inspected: &'i Inspected,
    secrecy: &Secrecy<'_>,
) -> BTreeMap<&'i str, Vec<PlacedValue>> {
    let mut keys: BTreeMap<_, Vec<_>> = BTreeMap::new();
    let sources = inspected.environment.property_sources.iter();
    for (index, source) in sources.enumerate() {
        for (key, property) in &*source.source {
            let place = secrecy.place(index, key, property.origin);
            let value = secrecy.show(index, key, &property.value);
            let written = PlacedValue::new(value, index, place);
            keys.entry(key.as_str()).or_default().push(written);
        }
    }
    keys
}

impl PropertyView {
    fn new(key: &str, mut written: Vec<PlacedValue>, winner: usize, secrecy: &Secrecy<'_>) -> Self {
        let at = written.iter().position(|value| value.source == winner);
        let winner = written.remove(at.unwrap_or_default());
        Self {
            refers_to: match &winner.value {
                Shown::Plain(value) => secrecy.references(winner.source, key, value),
                Shown::Masked(_) => Vec::new(),
            },
            resolved: match &winner.value {
                Shown::Plain(value) => secrecy.resolved(winner.source, key, value),
                Shown::Masked(_) => None,
            },
            key: key.to_owned(),
            winner,
            shadowed: written,
        }
    }
}

impl PlacedValue {
    pub(super) fn new(value: Shown, source: usize, place: Option<Position>) -> Self {
        Self {
            value,
            source,
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }
}

/// The sources of an answer, in order.
pub(super) fn sources(inspected: &Inspected) -> Vec<SourceView> {
    let sources = inspected.environment.property_sources.iter();
    let sources = sources.zip(&inspected.origins);
    sources
        .map(|(source, origin)| SourceView::new(source, origin))
        .collect()
}

impl SourceView {
    fn new(source: &PropertySource, origin: &SourceOrigin) -> Self {
        let file = origin.file.as_ref();
        Self {
            name: file.map_or_else(|| source.name.clone(), |file| file.path.clone()),
            file: file.map(|file| file.path.clone()),
            document: file.map(|file| file.document),
            keys: source.source.len(),
        }
    }
}
