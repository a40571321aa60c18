use std::collections::HashSet;

use askama::Template;

use super::{
    address::Named,
    commit::Made,
    diff::Difference,
    frame::Frame,
    links::{short, with_query},
    moment::Moment,
};
use crate::{
    inspection::{DiffView, HistoryView},
    pins::{Address, DEFAULT_PROFILE},
};

/// Earlier commits that are offered.
const MOST_CHOICES: usize = 5;

/// A page that asks whether something is meant, before it is done.
#[derive(Debug, Template)]
#[template(path = "confirmation.html")]
pub(crate) struct Confirmation {
    pub(crate) frame: Frame,
    pub(crate) title: &'static str,
    /// What will happen.
    pub(crate) effect: String,
    /// What that changes, where it is shown.
    pub(crate) preview: Option<Preview>,
    /// Where the form goes, below the path where pages begin.
    pub(crate) action: String,
    /// By which the server knows that this page was asked for before.
    pub(crate) seal: String,
    /// What was decided on the page before.
    pub(crate) decided: Vec<(&'static str, String)>,
    pub(crate) fields: Vec<Field>,
    /// What the button says.
    pub(crate) button: &'static str,
    /// Why it was not done.
    pub(crate) problem: Option<String>,
}

/// What somebody fills in.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) name: &'static str,
    pub(crate) label: &'static str,
    pub(crate) hint: &'static str,
    pub(crate) value: String,
    pub(crate) required: bool,
}

/// What something will change.
#[derive(Debug)]
pub(crate) struct Preview {
    /// Or why that cannot be shown.
    pub(crate) difference: Result<Difference, String>,
    /// The page with all of it.
    pub(crate) whole: String,
    /// Where something else is chosen.
    pub(crate) back: String,
}

impl Preview {
    /// What a pin of an address at a commit changes, or why that cannot be shown.
    pub(crate) fn of_pin(
        address: &Address,
        commit: &str,
        compared: Result<DiffView, String>,
    ) -> Self {
        let profile = address.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        let names = Named {
            application: address.application.clone(),
            profiles: profile.to_owned(),
            label: address.label.clone().unwrap_or_default(),
        };
        let (from, to) = (names.text(), names.at(commit).text());
        Self {
            difference: compared.map(|view| Difference::of_pin(&view, address)),
            whole: with_query("/diff", &[("from", &from), ("to", &to)]),
            back: pin_of(address, ""),
        }
    }
}

/// A page that asks which address is to be pinned, and where.
#[derive(Debug, Template)]
#[template(path = "choice.html")]
pub(crate) struct PinChoice {
    pub(crate) frame: Frame,
    pub(crate) fields: Vec<Field>,
    /// Commits that the address was given before.
    pub(crate) earlier: Vec<Earlier>,
}

/// A commit that an address was given.
#[derive(Debug)]
pub(crate) struct Earlier {
    commit: String,
    href: String,
    /// From when on, where that is remembered.
    served: Option<Moment>,
    made: Option<Made>,
}

impl Earlier {
    /// What is remembered of an address before what it is given now, newest first.
    pub(crate) fn of(history: &HistoryView, address: &Address) -> Vec<Self> {
        let given = history.entries.iter().map(|entry| {
            let served = Moment::of(&entry.served_from);
            let made = entry.authorship.as_ref().map(Made::by);
            (entry.commit.as_str(), Some(served), made)
        });
        let oldest = history.entries.last();
        let before = oldest.and_then(|oldest| Some((oldest.before.as_deref()?, None, None)));
        let mut known = HashSet::new();
        let each_once = given
            .chain(before)
            .filter(|(commit, ..)| known.insert(*commit));
        // The first is what is given now.
        let earlier = each_once.skip(1).take(MOST_CHOICES);
        let earlier = earlier.map(|(commit, served, made)| Self {
            commit: short(commit),
            href: pin_of(address, commit),
            served,
            made,
        });
        earlier.collect()
    }
}

/// The page on which an address is pinned at a commit, or one is chosen.
fn pin_of(address: &Address, commit: &str) -> String {
    let names = Named {
        application: address.application.clone(),
        profiles: address.profile.clone().unwrap_or_default(),
        label: address.label.clone().unwrap_or_default(),
    };
    names.pin(commit)
}
