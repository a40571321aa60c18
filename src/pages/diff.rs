use std::{collections::BTreeSet, fmt};

use askama::Template;

use super::{
    address::Named,
    configuration::held,
    frame::Frame,
    links::{short, with_query},
    value::Value,
};
use crate::{
    inspection::{AddressView, ChangeView, DiffView, ElsewhereView, PlaceView, SideView},
    ledger::Becomes,
    pins::Address,
};

/// Changes that one page shows, and addresses.
const MOST: usize = 500;
/// Changes that stand in front of the button of a pin.
const MOST_BEFORE_PIN: usize = 50;
/// Labels that are told.
const MOST_LABELS: usize = 5;

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
    /// A pin holds any profile, and only that of an application that names none is compared key by key.
    pub(super) is_of_any_profile: bool,
    /// Whom a pin holds, too, whatever is compared.
    pub(super) held_too: Option<HeldToo>,
}

/// Instances at labels that are not compared.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct HeldToo {
    pub(super) instances: usize,
    /// A few of their labels by comma.
    pub(super) labels: String,
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
        let mut difference = Self::among(view, |address| holds(pinned, address));
        difference.changes.truncate(MOST_BEFORE_PIN);
        difference.is_of_any_profile = pinned.profile.is_none();
        difference.held_too = HeldToo::under(pinned, &view.elsewhere);
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
            is_of_any_profile: false,
            held_too: None,
        }
    }

    /// Whether everybody was compared, and nobody is given anything else.
    pub(super) fn concerns_nobody(&self) -> bool {
        let radius = self.radius.as_ref();
        radius.is_some_and(Vec::is_empty) && self.not_compared == 0 && self.held_too.is_none()
    }
}

impl HeldToo {
    /// Nobody where the pin is of one label.
    fn under(pinned: &Address, elsewhere: &[ElsewhereView]) -> Option<Self> {
        let held = elsewhere
            .iter()
            .filter(|one| pinned.label.is_none() && holds(pinned, &one.address));
        let held: Vec<_> = held.collect();
        let label = |one: &&ElsewhereView| one.address.label.clone();
        let labels: BTreeSet<_> = held.iter().filter_map(label).collect();
        let mut shown: Vec<_> = labels.iter().take(MOST_LABELS).cloned().collect();
        if labels.len() > MOST_LABELS {
            shown.push("…".to_owned());
        }
        (!held.is_empty()).then(|| Self {
            instances: held.iter().map(|one| one.instances).sum(),
            labels: shown.join(", "),
        })
    }
}

/// `3 instances at other labels are held, too: release/2.0`
impl fmt::Display for HeldToo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = &self.labels;
        match self.instances {
            1 => write!(f, "1 instance at another label is held, too: {labels}"),
            many => write!(
                f,
                "{many} instances at other labels are held, too: {labels}"
            ),
        }
    }
}

/// Whether a pin holds somebody, whatever the label.
fn holds(pinned: &Address, address: &AddressView) -> bool {
    let mut applications = address.application.split(',').map(str::trim);
    let profile = pinned.profile.as_ref();
    applications.any(|name| name == pinned.application)
        && profile.is_none_or(|profile| address.profiles.contains(profile))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_pin_holds_at_other_labels_is_told() {
        let one = |application: &str, profile: &str, label: &str, instances| ElsewhereView {
            address: AddressView {
                application: application.to_owned(),
                profiles: vec![profile.to_owned()],
                label: Some(label.to_owned()),
            },
            instances,
        };
        let all = [
            one("shop", "prod", "release/2.0", 2),
            one("billing,shop", "dev", "release/2.0", 1),
            one("billing", "dev", "next", 4),
        ];
        let told = |address: &str| HeldToo::under(&Address::parse(address).unwrap(), &all);
        let some = |instances| {
            let labels = "release/2.0".to_owned();
            Some(HeldToo { instances, labels })
        };
        assert_eq!(told("shop"), some(3));
        assert_eq!(told("shop/prod"), some(2));
        assert_eq!(told("shop/*/main"), None);
        assert_eq!(told("orders"), None);
        let many: Vec<_> = (0..9)
            .map(|n| one("shop", "a", &format!("l{n}"), 1))
            .collect();
        let told = HeldToo::under(&Address::parse("shop").unwrap(), &many).unwrap();
        assert_eq!(
            told.to_string(),
            "9 instances at other labels are held, too: l0, l1, l2, l3, l4, …"
        );
    }
}
