//! What a remote is asked for, and what it is told is here already.

use confbus_protocol::Label;
use git2::Oid;

use super::super::{
    refs::Table,
    smart_http::{Advertised, Names},
};
use crate::look::{Fetch, Refs};

/// Names in one question; with more of them a listing of all refs is cheaper for the remote.
const MAX_NAMES: usize = 256;
/// Refs whose commits are offered as known when only new refs came.
const MAX_OTHERS: usize = 16;

/// What the refs named before they moved, and nothing beside it: each commit more makes the remote read one more tree,
/// and finds worse differences to send. A ref that is new began at some other.
pub(super) fn haves(before: &Table, new: &[Advertised]) -> Vec<Oid> {
    let moved: Vec<_> = new
        .iter()
        .filter_map(|listed| before.id(&listed.name))
        .collect();
    if !moved.is_empty() {
        return moved;
    }
    let others = before.ids().take(MAX_OTHERS);
    before.head().into_iter().chain(others).collect()
}

pub(super) fn names(fetch: &Fetch) -> Names {
    let Fetch::Refs(texts) = fetch else {
        return Names::All;
    };
    let mut names: Vec<_> = texts.iter().flat_map(|text| Refs::names(text)).collect();
    names.sort();
    names.dedup();
    let follows_head = texts.iter().any(|text| text == "HEAD");
    if names.is_empty() || follows_head || names.len() > MAX_NAMES {
        return Names::All;
    }
    Names::Only(names)
}

/// What labels need, and what was asked for by name. If that is nothing, then what the remote shows first, else all.
pub(super) fn wanted(
    table: &Table,
    new: &[Advertised],
    names: &Names,
    labels: &[Label],
) -> Vec<Oid> {
    let head = |label: &str| (label == "HEAD").then(|| table.head()).flatten();
    let of_label = |label: &Label| {
        let label = label.as_str();
        let names = Refs::names(label);
        head(label).or_else(|| names.iter().find_map(|name| table.id(name)))
    };
    let mut wanted: Vec<_> = labels.iter().filter_map(of_label).collect();
    if let Names::Only(_) = names {
        wanted.extend(new.iter().map(|listed| listed.id));
    }
    if wanted.is_empty() {
        wanted.extend(table.head());
    }
    if wanted.is_empty() {
        wanted.extend(table.ids());
    }
    wanted.sort();
    wanted.dedup();
    wanted
}
