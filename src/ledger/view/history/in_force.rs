//! Which pins decided what an address was given, as far as refreshes and the pins of now tell.

use std::{cmp::Reverse, collections::HashSet};

use super::{super::super::records::Records, HistoryFilter};
use crate::pins::{Pin, PinStep, PinWhat};

/// The pins that hold the address, each in its repository.
pub(super) struct PinsInForce<'r> {
    held: Vec<&'r Pin>,
    /// Those whose begin is not remembered, until it is their time; the newest first.
    to_come: Vec<&'r Pin>,
}

impl<'r> PinsInForce<'r> {
    /// Before the first refresh that is remembered. A pin may be older than all of them: then it is known from its end, or
    /// because it holds now.
    pub(super) fn remembered(records: &'r Records, filter: &'r HistoryFilter) -> Self {
        let steps = || records.refreshes.iter().flat_map(|refresh| &refresh.pins);
        let begins = |step: &&PinStep| step.what == PinWhat::Pinned;
        let begun = steps().filter(begins).map(|step| &*step.pin.id);
        let begun: HashSet<&str> = begun.collect();
        let over = steps().filter(|step| !begins(step)).map(|step| &step.pin);
        let known = over.chain(filter.pins.iter().map(|pin| &**pin));
        let mut to_come: Vec<_> = known
            .filter(|pin| filter.is_held_by(pin) && !begun.contains(&*pin.id))
            .collect();
        to_come.sort_by_key(|pin| Reverse((pin.since, &pin.id)));
        to_come.dedup_by_key(|pin| &pin.id);
        Self {
            held: Vec::new(),
            to_come,
        }
    }

    pub(super) fn begin_until(&mut self, time: i64) {
        while let Some(pin) = self.to_come.pop_if(|pin| pin.since <= time) {
            self.begin(pin);
        }
    }

    /// An address has one pin at a time in each repository.
    fn begin(&mut self, pin: &'r Pin) {
        self.held.retain(|other| !pin.replaces(other));
        self.held.push(pin);
    }

    pub(super) fn take(&mut self, step: &'r PinStep) {
        if step.what == PinWhat::Pinned {
            self.begin(&step.pin);
        } else {
            self.held.retain(|other| other.id != step.pin.id);
        }
    }

    pub(super) fn hold(&self, repository: &str) -> bool {
        self.held.iter().any(|pin| pin.repository == repository)
    }

    /// That of the one that decides in a repository: the most specific, of those the newest.
    pub(super) fn commit(&self, repository: &str) -> Option<String> {
        let pins = self.held.iter();
        let pins = pins.filter(|pin| pin.repository == repository);
        let decides = pins.max_by_key(|pin| (pin.address.specificity(), pin.since))?;
        Some(decides.commit.to_string())
    }
}
