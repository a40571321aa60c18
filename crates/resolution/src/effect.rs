use std::{
    collections::{BTreeMap, BTreeSet},
    ptr,
};

use confbus_protocol::{Properties, PropertyValue};

use crate::{RepoPath, contributors::Contributor};

/// What a move means for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect<'s> {
    /// Every key has the value that it had.
    Same,
    /// Something is different, or cannot be told because a file is broken.
    Changed {
        /// The files that the request reads and that say something else.
        files: BTreeSet<&'s RepoPath>,
        /// The keys whose effective values are different, if they are wanted; none when a broken file hides what is, or
        /// where only elements of lists are that a stronger list covers.
        keys: BTreeMap<String, KeyChange>,
    },
}

/// How much is wanted of what is different.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// In which files it is.
    Files,
    /// Also under which keys, all of which are looked at then.
    Keys,
}

/// What becomes of the effective value of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyChange {
    /// There was none.
    Added,
    /// There is none any more.
    Removed,
    /// It is another one.
    Changed,
}

/// Whether two values are one to whoever is given them.
pub(crate) type AreSame<'f> = &'f dyn Fn(&PropertyValue, &PropertyValue) -> bool;

/// What wins under other keys, or with another value; `None` when nothing does. Most documents are the same ones in both, so
/// only keys are looked at that have another value in some document, with all other elements of their lists, and no more of
/// them than are wanted. Whoever reads single keys and whoever binds a list as one value are both told; the keys are those of
/// the latter, to whom an element that a stronger list covers is no key.
pub(crate) fn differences(
    old: &[Contributor<'_>],
    new: &[Contributor<'_>],
    detail: Detail,
    are_same: AreSame<'_>,
) -> Option<BTreeMap<String, KeyChange>> {
    let (old, new) = (properties(old), properties(new));
    let suspects = suspects(&old, &new);
    let names: BTreeSet<_> = suspects.iter().filter_map(|key| list_of(key)).collect();
    let (before, after) = (Lists::of(&old, &names), Lists::of(&new, &names));
    let elements = before.elements().chain(after.elements());
    let of_lists = elements.filter_map(|key| {
        let change = change(before.winner(key), after.winner(key), are_same)?;
        Some((key, change))
    });
    let of_keys = suspects.iter().filter_map(|key| {
        let change = change(winner(&old, key), winner(&new, key), are_same)?;
        Some((*key, change))
    });
    let mut changes = of_keys.peekable();
    let mut of_lists = of_lists.peekable();
    if changes.peek().is_none() && of_lists.peek().is_none() {
        return None;
    }
    Some(match detail {
        Detail::Files => BTreeMap::new(),
        Detail::Keys => changes
            .filter(|(key, _)| list_of(key).is_none())
            .chain(of_lists)
            .map(|(key, change)| (key.to_owned(), change))
            .collect(),
    })
}

fn change(
    old: Option<&PropertyValue>,
    new: Option<&PropertyValue>,
    are_same: AreSame<'_>,
) -> Option<KeyChange> {
    match (old, new) {
        (None, None) => None,
        (None, Some(_)) => Some(KeyChange::Added),
        (Some(_), None) => Some(KeyChange::Removed),
        (Some(old), Some(new)) => (!are_same(old, new)).then_some(KeyChange::Changed),
    }
}

fn properties<'r>(contributors: &'r [Contributor<'_>]) -> Vec<&'r Properties> {
    let documents = contributors.iter().map(Contributor::document);
    documents.map(|document| &*document.properties).collect()
}

/// The keys under which something else may win. Where documents came or went it is all of those that are not the same at the
/// beginning or at the end: nobody knows which one stands in whose place.
fn suspects<'r>(old: &[&'r Properties], new: &[&'r Properties]) -> Vec<&'r str> {
    if old.len() == new.len() {
        let pairs = old.iter().zip(new).filter(|(old, new)| !are_same(old, new));
        return pairs
            .flat_map(|(old, new)| only_in(old, new).chain(only_in(new, old)))
            .collect();
    }
    let both = old.iter().zip(new);
    let first = both.take_while(|(old, new)| are_same(old, new)).count();
    let (old, new) = (&old[first..], &new[first..]);
    let both = old.iter().rev().zip(new.iter().rev());
    let last = both.take_while(|(old, new)| are_same(old, new)).count();
    let others = old[..old.len() - last].iter();
    let others = others.chain(&new[..new.len() - last]);
    let keys = others.flat_map(|document| document.keys());
    keys.map(String::as_str).collect()
}

fn are_same(one: &Properties, other: &Properties) -> bool {
    ptr::eq(one, other)
}

/// The keys that another document does not have, or with another value.
fn only_in<'r>(document: &'r Properties, other: &'r Properties) -> impl Iterator<Item = &'r str> {
    let entries = document.iter().filter(|(key, property)| {
        let other = other.get(key.as_str());
        other.is_none_or(|other| other.value != property.value)
    });
    entries.map(|(key, _)| key.as_str())
}

/// The value of the strongest document that has one.
fn winner<'r>(documents: &[&'r Properties], key: &str) -> Option<&'r PropertyValue> {
    let mut values = documents.iter().filter_map(|document| document.get(key));
    values.next().map(|property| &property.value)
}

/// `a` of `a[0].b`.
fn list_of(key: &str) -> Option<&str> {
    key.split_once('[').map(|(list, _)| list)
}

/// The strongest document of each list: all of its elements come from there.
struct Lists<'r>(BTreeMap<&'r str, &'r Properties>);

impl<'r> Lists<'r> {
    fn of(documents: &[&'r Properties], names: &BTreeSet<&str>) -> Self {
        let mut lists = BTreeMap::new();
        // Most moves touch no list.
        let documents = documents.iter().filter(|_| !names.is_empty());
        for document in documents {
            let found = document.keys().filter_map(|key| list_of(key));
            for list in found.filter(|list| names.contains(list)) {
                lists.entry(list).or_insert(*document);
            }
        }
        Self(lists)
    }

    fn winner(&self, key: &str) -> Option<&'r PropertyValue> {
        let property = self.0.get(list_of(key)?)?.get(key)?;
        Some(&property.value)
    }

    /// The elements that win.
    fn elements(&self) -> impl Iterator<Item = &'r str> {
        let documents: BTreeMap<_, _> = self
            .0
            .values()
            .map(|one| (ptr::from_ref(*one), *one))
            .collect();
        let keys = documents.into_values().flat_map(|document| document.keys());
        let keys = keys.filter(|key| list_of(key).is_some_and(|list| self.0.contains_key(list)));
        keys.map(String::as_str)
    }
}

#[cfg(test)]
mod tests;
