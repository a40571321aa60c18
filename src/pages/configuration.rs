use std::sync::Arc;

use askama::Template;

use super::{
    address::Named,
    commit::{Commit, Current},
    frame::Frame,
    links::{below, short},
    moment::Moment,
    pager::Pager,
    value::Value,
};
use crate::{
    inspection::{
        AddressView, ConfigurationView, ExplanationView, HeldView, PlacedValue, PropertyView,
        SourceView, WrittenView,
    },
    pins::Pin,
};

/// Keys that one page shows.
const PAGE: usize = 200;

/// What an address is given: every key with what wins it and what that shadows.
#[derive(Debug, Template)]
#[template(path = "configuration.html")]
pub(crate) struct ConfigurationPage {
    pub(super) frame: Frame,
    address: Named,
    commit: String,
    whole_commit: String,
    held: Option<String>,
    /// Who holds it where, where somebody does.
    pins: Vec<Pinned>,
    /// To pin it.
    pin: String,
    /// The other addresses of the application, each with how this one differs from it.
    others: Vec<(String, String)>,
    current: Option<Current>,
    commits: Vec<Commit>,
    sources: Vec<Source>,
    rows: Vec<Row>,
    filter: Filter,
    keys: usize,
    pager: Pager,
    covered: Vec<String>,
}

/// Why a key has its value.
#[derive(Debug, Template)]
#[template(path = "key.html")]
pub(crate) struct KeyPage {
    pub(super) frame: Frame,
    address: Named,
    commit: String,
    held: Option<String>,
    current: Option<Current>,
    commits: Vec<Commit>,
    key: String,
    value: Option<Value>,
    resolved: Option<Value>,
    written: Vec<Written>,
    covered_by: Option<String>,
    silent: Vec<String>,
    references: Vec<Reference>,
}

/// Which keys are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) text: String,
    pub(crate) shadowed: bool,
    pub(crate) page: usize,
}

/// What stands beside a configuration.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    /// Those that hold the address and that the caller sees.
    pub(crate) pins: Vec<Arc<Pin>>,
    /// What it may be compared with.
    pub(crate) relatives: Vec<AddressView>,
}

/// A pin that holds the address.
#[derive(Debug)]
struct Pinned {
    text: String,
    until: Moment,
    release: String,
}

#[derive(Debug)]
struct Source {
    letter: String,
    name: String,
    keys: usize,
}

#[derive(Debug)]
struct Row {
    key: String,
    href: String,
    winner: Written,
    shadowed: Vec<Written>,
    refers_to: String,
}

#[derive(Debug)]
struct Written {
    value: Value,
    /// `A shop.yml:14`.
    place: String,
    wins: bool,
}

#[derive(Debug)]
struct Reference {
    key: String,
    href: String,
    winner: Option<Written>,
}

impl ConfigurationPage {
    pub(crate) fn new(
        frame: Frame,
        view: &ConfigurationView,
        filter: Filter,
        beside: &Beside,
    ) -> Self {
        let address = Named::of(&view.address);
        let others = beside.relatives.iter().map(|other| {
            let other = Named::of(other);
            let (shown, href) = (other.shown(), address.diff_from(&other));
            (shown, href)
        });
        let current = Current::of(view.superseded.as_ref(), &address);
        // What is shown may be an older commit, which is then the one to pin it at.
        let pin = match &current {
            Some(current) => current.address.pin(&address.label),
            None => address.pin(""),
        };
        let fit = |key: &str| filter.text.is_empty() || key.contains(&filter.text);
        let all = view.properties.iter();
        let fit: Vec<_> = all.filter(|property| fit(&property.key)).collect();
        let pager = Pager::new(fit.len(), filter.page, PAGE, |page| {
            address.page(&[("q", &filter.text), ("show", filter.show()), ("page", page)])
        });
        let row = |property: &&PropertyView| Row {
            key: property.key.clone(),
            href: address.key(&property.key),
            winner: Written::of(&property.winner, &view.sources, true),
            shadowed: property
                .shadowed
                .iter()
                .filter(|_| filter.shadowed)
                .map(|value| Written::of(value, &view.sources, false))
                .collect(),
            refers_to: property.refers_to.join(", "),
        };
        let rows = fit[pager.range()].iter().map(row).collect();
        let sources = view
            .sources
            .iter()
            .enumerate()
            .map(|(index, source)| Source {
                letter: letter(index),
                name: named(source),
                keys: source.keys,
            });
        let commit = view.commit.clone().unwrap_or_default();
        Self {
            frame,
            commit: short(&commit),
            whole_commit: commit,
            held: view.held.as_ref().map(held),
            pins: beside.pins.iter().map(|pin| Pinned::of(pin)).collect(),
            pin,
            others: others.collect(),
            current,
            commits: Commit::all(&view.commits),
            sources: sources.collect(),
            rows,
            keys: view.properties.len(),
            pager,
            covered: view
                .covered
                .iter()
                .take(PAGE)
                .map(|one| one.key.clone())
                .collect(),
            filter,
            address,
        }
    }
}

impl Pinned {
    fn of(pin: &Pin) -> Self {
        let (address, commit) = (&pin.address, pin.commit.short());
        Self {
            text: format!(
                "{address} is pinned to {commit} by {}: {}",
                pin.by, pin.reason
            ),
            until: Moment::of_millis(pin.until),
            release: format!("{}/release", below("/pins", &pin.id)),
        }
    }
}

impl KeyPage {
    pub(crate) fn new(frame: Frame, view: &ExplanationView) -> Self {
        let address = Named::of(&view.address);
        let written = |written: &WrittenView| Written {
            value: Value::of(&written.value.value),
            place: place(&written.source, written.value.line),
            wins: written.wins,
        };
        let references = view.refers_to.iter().map(|reference| Reference {
            key: reference.key.clone(),
            href: address.key(&reference.key),
            winner: reference.winner.as_ref().map(written),
        });
        let commit = view.commit.as_deref().unwrap_or_default();
        Self {
            frame,
            commit: short(commit),
            held: view.held.as_ref().map(held),
            current: Current::of(view.superseded.as_ref(), &address),
            commits: Commit::all(&view.commits),
            key: view.key.clone(),
            value: view.value.as_ref().map(Value::of),
            resolved: view.resolved.as_ref().map(Value::of),
            written: view.sources.iter().map(written).collect(),
            covered_by: view.covered_by.as_ref().map(named),
            silent: view.silent.iter().map(named).collect(),
            references: references.collect(),
            address,
        }
    }
}

impl Filter {
    fn show(&self) -> &'static str {
        if self.shadowed { "shadowed" } else { "" }
    }
}

impl Written {
    fn of(value: &PlacedValue, sources: &[SourceView], wins: bool) -> Self {
        let source = sources.get(value.source);
        let place = source
            .map(|source| place(source, value.line))
            .unwrap_or_default();
        Self {
            value: Value::of(&value.value),
            place: format!("{} {place}", letter(value.source)),
            wins,
        }
    }
}

pub(super) fn held(held: &HeldView) -> String {
    let wanted = short(&held.wanted);
    format!(
        "{wanted} is what the label names, and is held back: {}",
        held.because
    )
}

/// `A` to `Z`, then numbers.
fn letter(index: usize) -> String {
    let letter = u8::try_from(index).ok().filter(|index| *index < 26);
    letter.map_or_else(
        || (index + 1).to_string(),
        |index| char::from(b'A' + index).to_string(),
    )
}

fn named(source: &SourceView) -> String {
    match source.document {
        Some(document @ 1..) => format!("{} (document {})", source.name, document + 1),
        _ => source.name.clone(),
    }
}

fn place(source: &SourceView, line: Option<u32>) -> String {
    match line {
        Some(line) => format!("{}:{line}", source.name),
        None => named(source),
    }
}
