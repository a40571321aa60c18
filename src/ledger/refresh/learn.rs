use indexmap::IndexMap;

use super::{Event, MAX_PARTS, Refresh, What};
use crate::ledger::{
    instance::{Instance, Proof},
    state::{Evidence, State},
};

impl Refresh {
    /// What its own server tells others of it: whom that told and what came back, each finds out itself.
    pub(in crate::ledger) fn told_to_others(&self) -> Self {
        Self {
            id: self.id.clone(),
            known_as: None,
            trigger: self.trigger,
            origin: self.origin.clone(),
            labels: self.labels.clone(),
            pins: self.pins.clone(),
            destinations: self.destinations.clone(),
            owed: Vec::new(),
            changes: None,
            events: self.events.clone(),
            started: self.started,
            published: self.published,
            told: IndexMap::new(),
            timeline: Vec::new(),
        }
    }

    /// When it began, and when it was told.
    pub(in crate::ledger) fn times(&self) -> impl Iterator<Item = i64> {
        [self.started].into_iter().chain(self.published)
    }

    /// Takes over what its own server says of it.
    pub(in crate::ledger) fn learn(&mut self, other: Self, order: u64) {
        if self.id != other.id {
            self.known_as = Some(std::mem::replace(&mut self.id, other.id));
        }
        (self.trigger, self.origin) = (other.trigger, other.origin);
        (self.labels, self.pins) = (other.labels, other.pins);
        self.started = self.started.min(other.started);
        self.published = self.published.into_iter().chain(other.published).min();
        for event in other.events {
            let is_known = self.events.iter().any(|known| known.id == event.id);
            if !is_known && self.events.len() < MAX_PARTS {
                self.events.push(Event { order, ..event });
            }
        }
        for destination in other.destinations {
            if self.destinations.len() < MAX_PARTS && !self.destinations.contains(&destination) {
                self.destinations.push(destination);
            }
        }
    }

    /// Notes what another server heard from one who was told: what it says of what this is about, or said since this was
    /// published.
    pub(in crate::ledger) fn learn_answer(&mut self, instance: &Instance) {
        let Some(told) = self.told.get(&instance.id).filter(|told| !told.is_final()) else {
            return;
        };
        let since = self.published.unwrap_or(self.started);
        let counts = |at: i64, version: Option<&str>| {
            self.is_of(version) || (at >= since && self.is_served_by(version))
        };
        let before = (told.state, told.evidence);
        let decision = instance
            .decision()
            .filter(|(at, version, _)| counts(*at, *version));
        let read = instance
            .fetched
            .as_ref()
            .filter(|read| counts(read.at, read.version.as_deref()));
        let (at, state, evidence, what, detail) = match (decision, &instance.applied, read) {
            (Some((at, _, Some(reason))), ..) => (
                at,
                State::Rejected,
                Evidence::Report,
                What::Rejected,
                Some(reason.to_owned()),
            ),
            (Some((at, version, None)), Some(applied), _) => {
                let state = if applied.restart.is_empty() {
                    State::Live
                } else {
                    State::Restart
                };
                (
                    at,
                    state,
                    applied.evidence,
                    What::Applied,
                    version.map(str::to_owned),
                )
            }
            (_, applied, Some(read)) => {
                let runs_it = applied
                    .as_ref()
                    .is_some_and(|applied| applied.version == read.version);
                let (state, evidence) = match instance.reports {
                    true if runs_it => (State::Live, Evidence::Report),
                    true => (State::Applying, Evidence::Read),
                    false => (State::Served, Evidence::Read),
                };
                (
                    read.at,
                    state,
                    evidence,
                    What::Fetched,
                    read.version.clone(),
                )
            }
            _ => return,
        };
        if before == (state, evidence) {
            return;
        }
        if let (Some(ack), Some(applied)) = (self.ack_mut(&instance.id), &instance.applied)
            && evidence == Evidence::AckAndRead
        {
            ack.set_proof(Some(Proof {
                version: applied.version.clone(),
                content: applied.content,
                settles_at: at,
            }));
        }
        self.answered(&instance.id, state, evidence);
        self.happened(what, Some(&instance.id), detail, at);
    }
}
