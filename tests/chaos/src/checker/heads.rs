//! Where the label has been, one position for each push.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::history::{Entry, Micros, Name, What};

/// A push.
pub(super) struct Head<'a> {
    pub(super) at: Micros,
    contents: &'a BTreeMap<Name, Name>,
    broken: &'a BTreeSet<Name>,
    unfit: &'a BTreeSet<Name>,
}

/// All pushes in their order. A commit has several positions when the label came back to it.
pub(super) struct Heads<'a> {
    heads: Vec<Head<'a>>,
    positions: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Heads<'a> {
    pub(super) fn of(history: &[&'a Entry]) -> Self {
        let mut all = Self {
            heads: Vec::new(),
            positions: HashMap::new(),
        };
        for entry in history {
            let What::Pushed {
                commit,
                contents,
                broken,
                unfit,
            } = &entry.what
            else {
                continue;
            };
            all.positions
                .entry(commit)
                .or_default()
                .push(all.heads.len());
            all.heads.push(Head {
                at: entry.at,
                contents,
                broken,
                unfit,
            });
        }
        all
    }

    pub(super) fn all(&self) -> &[Head<'a>] {
        &self.heads
    }

    /// The first push of a commit; nothing for one that nobody pushed.
    pub(super) fn first(&self, commit: &str) -> Option<&Head<'a>> {
        let positions = self.positions.get(commit)?;
        self.heads.get(*positions.first()?)
    }

    /// The lowest position of a commit that is not below `from` and was pushed until then.
    pub(super) fn lowest(&self, commit: &str, from: usize, until: Micros) -> Option<usize> {
        let positions = self.positions.get(commit)?;
        let position = *positions.iter().find(|position| **position >= from)?;
        (self.heads[position].at <= until).then_some(position)
    }

    /// What a client of an address should run when the label is at a position; nothing is asked of it when that does not
    /// fit it, since it may not have seen the one before.
    pub(super) fn wanted(&self, address: &str, position: usize) -> Option<&'a Name> {
        let head = self.newest_good(address, position)?;
        head.is_fit(address).then(|| head.content(address))?
    }

    /// What a server should answer then: the newest that is not broken.
    pub(super) fn served(&self, address: &str, position: usize) -> Option<&'a Name> {
        self.newest_good(address, position)?.content(address)
    }

    fn newest_good(&self, address: &str, position: usize) -> Option<&Head<'a>> {
        let until = self.heads.get(..=position)?;
        until.iter().rev().find(|head| !head.is_broken(address))
    }
}

impl<'a> Head<'a> {
    pub(super) fn is_broken(&self, address: &str) -> bool {
        self.broken.contains(address)
    }

    pub(super) fn is_fit(&self, address: &str) -> bool {
        !self.is_broken(address) && !self.unfit.contains(address)
    }

    /// What an answer at this commit holds.
    pub(super) fn content(&self, address: &str) -> Option<&'a Name> {
        self.contents.get(address)
    }
}
