//! Why a key has its value.

use confbus_protocol::{Explanation, PropertySource};
use serde::Serialize;

use super::{
    address::{AddressView, CommitView, HeldView, SupersededView},
    configuration::{PlacedValue, SourceView, sources},
    secrecy::{Secrecy, Shown},
};
use crate::{
    closest::closest,
    environment_repository::Inspected,
    ledger::{Removal, Totals},
};

/// Who writes a key, who wins, and what its value refers to.
#[derive(Debug, Serialize)]
pub(crate) struct ExplanationView {
    pub(crate) schema: &'static str,
    pub(crate) address: AddressView,
    /// The version that answers, if one is known.
    pub(crate) commit: Option<String>,
    /// Each of them, and who made it.
    pub(crate) commits: Vec<CommitView>,
    pub(crate) held: Option<HeldView>,
    /// Set when a commit was asked for that is not the current one.
    pub(crate) superseded: Option<SupersededView>,
    pub(crate) key: String,
    /// What applications get; nothing where a stronger list covers the element.
    pub(crate) value: Option<Shown>,
    /// What becomes of its placeholders, where that is no secret.
    pub(crate) resolved: Option<Shown>,
    /// All that write it, the strongest first.
    pub(crate) sources: Vec<WrittenView>,
    /// The source whose list covers this element without having it.
    pub(crate) covered_by: Option<SourceView>,
    /// The sources that do not write it, the strongest first.
    pub(crate) silent: Vec<SourceView>,
    /// The keys that its placeholders ask for, each with what wins it.
    pub(crate) refers_to: Vec<ReferenceView>,
    /// How far the instances of this address are, in one sentence and in numbers.
    pub(crate) sentence: String,
    pub(crate) instances: Totals,
}

/// What a source writes.
#[derive(Debug, Serialize)]
pub(crate) struct WrittenView {
    #[serde(flatten)]
    pub(crate) source: SourceView,
    #[serde(flatten)]
    pub(crate) value: PlacedValue,
    pub(crate) wins: bool,
}

/// A key that a placeholder asks for.
#[derive(Debug, Serialize)]
pub(crate) struct ReferenceView {
    pub(crate) key: String,
    /// What wins it; nothing where nobody writes it.
    pub(crate) winner: Option<WrittenView>,
}

/// Nobody writes the key.
#[derive(Debug)]
pub(crate) struct NoSuchKey {
    /// The one that is most like it, if any is.
    pub(crate) closest: Option<String>,
    /// How many keys there are.
    pub(crate) keys: usize,
    /// Where there was one of this name, as far as that is remembered.
    pub(crate) removal: Option<Removal>,
}

impl ExplanationView {
    pub(super) fn new(
        address: AddressView,
        held: Option<HeldView>,
        key: &str,
        inspected: &Inspected,
        secrecy: &Secrecy<'_>,
    ) -> Result<Self, NoSuchKey> {
        let explanation = secrecy.winners.explain(key);
        if explanation.written.is_empty() {
            return Err(NoSuchKey::of(key, inspected));
        }
        let all = All {
            inspected,
            secrecy,
            sources: sources(inspected),
        };
        let won = explanation.written.iter().find(|written| written.wins);
        let won = won.and_then(|won| Some((all.index(won.source)?, &won.property.value)));
        let Explanation {
            written,
            covered_by,
            ..
        } = &explanation;
        let is_silent = |source: &usize| {
            let source = &inspected.environment.property_sources[*source];
            !source.source.contains_key(key)
        };
        let silent = (0..all.sources.len()).filter(is_silent);
        let written = written.iter();
        let references = won.map_or_else(Vec::new, |(source, value)| {
            secrecy.references(source, key, value)
        });
        Ok(Self {
            schema: "confbus.explain/1",
            address,
            commit: inspected.environment.version.clone(),
            commits: CommitView::all(inspected),
            held,
            superseded: SupersededView::of(inspected),
            key: key.to_owned(),
            value: won.map(|(source, value)| secrecy.show(source, key, value)),
            resolved: won.and_then(|(source, value)| secrecy.resolved(source, key, value)),
            sources: written
                .filter_map(|written| all.written(key, written.source, written.wins))
                .collect(),
            covered_by: covered_by.and_then(|source| all.source(source)),
            silent: silent.map(|source| all.sources[source].clone()).collect(),
            refers_to: references.iter().map(|key| all.reference(key)).collect(),
            sentence: String::new(),
            instances: Totals::default(),
        })
    }
}

/// What an explanation is put together from.
struct All<'i> {
    inspected: &'i Inspected,
    secrecy: &'i Secrecy<'i>,
    sources: Vec<SourceView>,
}

impl All<'_> {
    fn index(&self, source: &PropertySource) -> Option<usize> {
        let mut sources = self.inspected.environment.property_sources.iter();
        sources.position(|other| std::ptr::eq(other, source))
    }

    fn source(&self, source: &PropertySource) -> Option<SourceView> {
        self.sources.get(self.index(source)?).cloned()
    }

    fn written(&self, key: &str, source: &PropertySource, wins: bool) -> Option<WrittenView> {
        let index = self.index(source)?;
        let property = source.source.get(key)?;
        let place = self.secrecy.place(index, key, property.origin);
        let value = self.secrecy.show(index, key, &property.value);
        Some(WrittenView {
            source: self.sources.get(index)?.clone(),
            value: PlacedValue::new(value, index, place),
            wins,
        })
    }

    fn reference(&self, key: &str) -> ReferenceView {
        let winner = self.secrecy.winners.of(key);
        let winner = winner.map(|index| &self.inspected.environment.property_sources[index]);
        ReferenceView {
            key: key.to_owned(),
            winner: winner.and_then(|source| self.written(key, source, true)),
        }
    }
}

impl NoSuchKey {
    fn of(key: &str, inspected: &Inspected) -> Self {
        let sources = inspected.environment.property_sources.iter();
        let keys: std::collections::BTreeSet<_> =
            sources.flat_map(|source| source.source.keys()).collect();
        let closest = closest(key, keys.iter().map(|key| key.as_str()));
        Self {
            closest: closest.map(str::to_owned),
            keys: keys.len(),
            removal: None,
        }
    }
}
