use askama::Template;

use super::{
    address::Named,
    configuration::held,
    frame::Frame,
    links::{short, with_query},
    value::Value,
};
use crate::{
    inspection::{AddressView, ChangeView, DiffView, PlaceView, SideView},
    ledger::Becomes,
    pins::Address,
};

/// Changes that one page shows, and addresses.
const MOST: usize = 500;
/// Changes that stand in front of the button of a pin.
const MOST_BEFORE_PIN: usize = 50;

/// How two addresses differ, or a form that asks for two.
#[derive(Debug, Template)]
#[template(path = "diff.html")]
pub(crate) struct DiffPage {
    pub(super) frame: Frame,
    from: String,
    to: String,
    difference: Option<Difference>,
}

/// What is not the same, and whom that concerns.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(super) sides: [Side; 2],
    pub(super) keys: usize,
    pub(super) all: usize,
    pub(super) changes: Vec<Change>,
    pub(super) not_followed: usize,
    pub(super) radius: Option<Vec<Concerned>>,
    pub(super) not_compared: usize,
}

#[derive(Debug)]
pub(super) struct Side {
    pub(super) text: String,
    pub(super) href: String,
    pub(super) commit: String,
    /// Why it is not what the label names.
    pub(super) held: Option<String>,
}

#[derive(Debug)]
pub(super) struct Change {
    pub(super) mark: &'static str,
    pub(super) class: &'static str,
    pub(super) word: &'static str,
    pub(super) key: String,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    pub(super) place: String,
}

/// Instances that are given something else.
#[derive(Debug)]
pub(super) struct Concerned {
    pub(super) address: String,
    pub(super) href: String,
    pub(super) keys: usize,
    pub(super) instances: usize,
}

impl DiffPage {
    /// `from` and `to` as they were asked for.
    pub(crate) fn new(frame: Frame, from: String, to: String, view: Option<&DiffView>) -> Self {
        Self {
            frame,
            from,
            to,
            difference: view.map(Difference::new),
        }
    }

    /// The data behind it.
    fn api(&self) -> String {
        with_query("/api/diffs", &[("from", &self.from), ("to", &self.to)])
    }
}

impl Difference {
    /// Between what an address is given and what it would be given under a pin, which concerns nobody else.
    pub(crate) fn of_pin(view: &DiffView, pinned: &Address) -> Self {
        let is_held = |address: &AddressView| {
            let mut applications = address.application.split(',').map(str::trim);
            let profile = pinned.profile.as_ref();
            applications.any(|name| name == pinned.application)
                && profile.is_none_or(|profile| address.profiles.contains(profile))
        };
        let mut difference = Self::among(view, is_held);
        difference.changes.truncate(MOST_BEFORE_PIN);
        difference
    }

    fn new(view: &DiffView) -> Self {
        Self::among(view, |_| true)
    }

    fn among(view: &DiffView, is_meant: impl Fn(&AddressView) -> bool) -> Self {
        let radius = view.blast_radius.as_ref().map(|radius| {
            let meant = radius.iter().filter(|one| is_meant(&one.address));
            let shown = meant.take(MOST).map(|one| {
                let address = Named::of(&one.address);
                Concerned {
                    address: address.shown(),
                    href: address.page(&[]),
                    keys: one.keys,
                    instances: one.instances,
                }
            });
            shown.collect()
        });
        Self {
            sides: [Side::new(&view.from), Side::new(&view.to)],
            keys: view.changes.len(),
            all: view.total,
            changes: view.changes.iter().take(MOST).map(Change::new).collect(),
            not_followed: view.not_followed,
            radius,
            not_compared: view.not_compared,
        }
    }
}

impl Side {
    fn new(side: &SideView) -> Self {
        let address = Named::of(&side.address);
        Self {
            text: address.shown(),
            href: address.page(&[]),
            commit: short(side.commit.as_deref().unwrap_or_default()),
            held: side.held.as_ref().map(held),
        }
    }
}

impl Change {
    fn new(change: &ChangeView) -> Self {
        let (mark, class, word) = match change.kind {
            Becomes::Added => ("+", "ok", "added"),
            Becomes::Removed => ("−", "bad", "removed"),
            Becomes::Changed => ("~", "wait", "changed"),
        };
        let place = match (&change.place, &change.was) {
            (Some(place), _) => format!("{}{}", place_text(place), why(change)),
            (None, Some(was)) => format!("was {}", place_text(was)),
            (None, None) => String::new(),
        };
        let (before, after) = match &change.comes_to {
            Some(comes_to) if change.before == change.after => (&comes_to.before, &comes_to.after),
            _ => (&change.before, &change.after),
        };
        Self {
            mark,
            class,
            word,
            key: change.key.clone(),
            before: before.as_ref().map(Value::of),
            after: after.as_ref().map(Value::of),
            place,
        }
    }
}

/// By which keys it is different, or that what is written otherwise comes to the same.
fn why(change: &ChangeView) -> String {
    if !change.through.is_empty() {
        return format!(" through {}", change.through.join(", "));
    }
    let same = change.comes_to.as_ref().filter(|to| to.is_same());
    let same = same.and_then(|to| to.after.as_ref());
    same.map_or_else(String::new, |to| format!(", both come to {to}"))
}

fn place_text(place: &PlaceView) -> String {
    match place.line {
        Some(line) => format!("{}:{line}", place.name),
        None => place.name.clone(),
    }
}
