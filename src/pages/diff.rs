use askama::Template;

use super::{
    address::Named,
    configuration::held,
    frame::Frame,
    links::{short, with_query},
    value::Value,
};
use crate::{
    inspection::{ChangeView, DiffView, PlaceView, SideView},
    ledger::Becomes,
};

/// Changes that one page shows, and addresses.
const MOST: usize = 500;

/// How two addresses differ, or a form that asks for two.
#[derive(Debug, Template)]
#[template(path = "diff.html")]
pub(crate) struct DiffPage {
    pub(super) frame: Frame,
    from: String,
    to: String,
    difference: Option<Difference>,
}

#[derive(Debug)]
struct Difference {
    sides: [Side; 2],
    keys: usize,
    all: usize,
    changes: Vec<Change>,
    not_followed: usize,
    radius: Option<Vec<(String, String, usize, usize)>>,
    not_compared: usize,
}

#[derive(Debug)]
struct Side {
    text: String,
    href: String,
    commit: String,
    /// Why it is not what the label names.
    held: Option<String>,
}

#[derive(Debug)]
struct Change {
    mark: &'static str,
    class: &'static str,
    word: &'static str,
    key: String,
    before: Option<Value>,
    after: Option<Value>,
    place: String,
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
    fn new(view: &DiffView) -> Self {
        let radius = view.blast_radius.as_ref().map(|radius| {
            let shown = radius.iter().take(MOST).map(|one| {
                let address = Named::of(&one.address);
                (address.shown(), address.page(&[]), one.keys, one.instances)
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
