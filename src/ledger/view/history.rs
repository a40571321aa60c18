//! What was served, when, and how it went: the moves of a label, as one application sees them.

mod in_force;

use std::{collections::HashMap, sync::Arc};

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use super::{
    super::{
        Sight, Trigger,
        changes::Changes,
        coordinates::Coordinates,
        pin_step::PinStepView,
        records::Records,
        refresh::{Moment, Moved, Refresh, What},
        state::State,
    },
    fleet::FleetFilter,
    time,
};
use crate::{
    look::Authorship,
    pins::{self, Pin},
};
use in_force::PinsInForce;

/// Which moves are meant.
#[derive(Debug)]
pub(crate) struct HistoryFilter {
    /// Applications by comma.
    pub(crate) application: String,
    /// The labels that answer, of which one moves.
    pub(crate) labels: Vec<String>,
    /// The instances that count.
    pub(crate) instances: FleetFilter,
    /// What is asked for, as pins hold it.
    pub(crate) request: EnvironmentRequest,
    /// The repositories that answer, without credentials, and what the label names in each now.
    pub(crate) named: HashMap<String, String>,
    /// What is pinned now.
    pub(crate) pins: Arc<pins::List>,
}

/// A move of the label, or a pin that began or was over.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryEntry {
    /// From when it was answered here, in RFC 3339.
    pub(crate) served_from: String,
    /// Until the next entry, or until now.
    pub(crate) lived_seconds: f64,
    pub(crate) commit: String,
    #[serde(flatten)]
    pub(crate) authorship: Option<Authorship>,
    /// What was served before.
    pub(crate) before: Option<String>,
    /// How many keys of the application it changed, under any of its profiles; `None` when that is not known any more, or
    /// not all of the application is seen.
    pub(crate) keys: Option<usize>,
    /// Instances that were told of it.
    pub(crate) instances: usize,
    /// Those of them that run it, or what is the same.
    pub(crate) live: usize,
    pub(crate) rejected: usize,
    /// Until the last of those that are seen ran it.
    pub(crate) took_seconds: Option<f64>,
    pub(crate) trigger: Trigger,
    pub(crate) refresh: String,
    /// What became of a pin, where that is why, and somebody may see who decided it.
    pub(crate) pin: Option<PinStepView>,
    /// [`served_from`](Self::served_from) in milliseconds since 1970.
    #[serde(skip)]
    from: i64,
    /// The one that has the commit.
    #[serde(skip)]
    repository: String,
}

/// What the address was given from then on.
struct Given {
    repository: String,
    commit: String,
    before: Option<String>,
    authorship: Option<Authorship>,
    pin: Option<PinStepView>,
}

/// Where a key was lost.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Removal {
    pub(crate) commit: String,
    /// What was served before.
    pub(crate) before: Option<String>,
    /// Who made it, where that is known.
    pub(crate) author: Option<String>,
}

/// What is remembered of what was given, newest first, as far as somebody may see it. A move of the label under a pin of its
/// repository changed nothing.
pub(in super::super) fn history(
    records: &Records,
    filter: &HistoryFilter,
    sight: &dyn Sight,
    now: i64,
) -> Vec<HistoryEntry> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let mut pins = PinsInForce::remembered(records, filter);
    for (number, refresh) in records.refreshes.iter().enumerate() {
        pins.begin_until(served_from(refresh));
        let mut moves = refresh.labels.iter().filter(|moved| filter.is_of(moved));
        let moved =
            moves.find(|moved| sight.has_label(&moved.label) && !pins.hold(&moved.repository));
        if let Some(moved) = moved {
            let given = Given::by_move(moved);
            entries.push(filter.entry(records, refresh, given, sight, now));
        }
        for step in &refresh.pins {
            let repository = &step.pin.repository;
            if !filter.is_held_by(&step.pin) {
                continue;
            }
            let held = pins.commit(repository);
            pins.take(step);
            let named = || filter.named_at(records, number, repository);
            let Some(commit) = pins.commit(repository).or_else(named) else {
                continue;
            };
            let mut earlier = entries.iter().rev();
            let earlier = earlier.find(|entry| entry.repository == *repository);
            let given = Given {
                repository: repository.clone(),
                authorship: records.authorship_of(&commit),
                commit,
                before: earlier.map(|entry| entry.commit.clone()).or(held),
                pin: PinStepView::of(step, sight),
            };
            entries.push(filter.entry(records, refresh, given, sight, now));
        }
    }
    entries.reverse();
    let mut until = now;
    for entry in &mut entries {
        entry.lived_seconds = seconds(until - entry.from);
        until = entry.from;
    }
    entries
}

/// The newest move that is remembered to have taken a key from the applications, under some of their profiles, as far as
/// somebody may see it.
pub(in super::super) fn removal(
    records: &Records,
    filter: &HistoryFilter,
    key: &str,
    sight: &dyn Sight,
) -> Option<Removal> {
    let mut newest_first = records.refreshes.iter().rev();
    newest_first.find_map(|refresh| {
        let changes = refresh.changes.as_ref()?;
        let mut names = filter.application.split(',').map(str::trim);
        let removes = |name: &str| sight.has_application(name) && changes.removes(name, key);
        if !names.any(removes) {
            return None;
        }
        let mut moves = refresh.labels.iter();
        let moved = moves.find(|moved| filter.is_of(moved) && sight.has_label(&moved.label))?;
        Some(Removal {
            commit: moved.to.clone(),
            before: moved.from.clone(),
            author: moved.authorship.as_ref().map(|by| by.author.clone()),
        })
    })
}

impl HistoryFilter {
    fn is_of(&self, moved: &Moved) -> bool {
        self.labels.contains(&moved.label) && self.named.contains_key(&moved.repository)
    }

    /// Whether a pin decides what the address is given.
    fn is_held_by(&self, pin: &Pin) -> bool {
        let label = pin.address.label.as_ref();
        self.named.contains_key(&pin.repository)
            && pin.address.may_hold(&self.request)
            && label.is_none_or(|label| self.labels.contains(label))
    }

    /// What the label named in a repository when a refresh was: to where it moved last, or from where it moved next.
    fn named_at(&self, records: &Records, refresh: usize, repository: &str) -> Option<String> {
        let is_of = |moved: &&Moved| self.is_of(moved) && moved.repository == repository;
        let moves = |refresh: &'_ Arc<Refresh>| refresh.labels.iter().find(is_of).cloned();
        let mut before = records.refreshes.range(..=refresh).rev();
        let mut after = records.refreshes.range(refresh + 1..);
        match (before.find_map(moves), after.find_map(moves)) {
            (Some(moved), _) => Some(moved.to),
            (None, Some(moved)) => moved.from,
            (None, None) => self.named.get(repository).cloned(),
        }
    }

    fn entry(
        &self,
        records: &Records,
        refresh: &Refresh,
        given: Given,
        sight: &dyn Sight,
        now: i64,
    ) -> HistoryEntry {
        let told = refresh.told.iter();
        let told: HashMap<_, _> = told
            .filter(|(id, _)| self.is_of_instance(records, id, sight))
            .collect();
        let states: Vec<_> = told.values().map(|answer| answer.state(now).0).collect();
        let is_told = |moment: &Moment| {
            moment
                .instance
                .as_ref()
                .is_some_and(|id| told.contains_key(id))
        };
        let applied = last(refresh, |moment| {
            moment.what == What::Applied && is_told(moment)
        });
        let count = |wanted: &[State]| {
            let there = states.iter().filter(|state| wanted.contains(state));
            there.count()
        };
        let from = served_from(refresh);
        HistoryEntry {
            served_from: time(from),
            lived_seconds: 0.0,
            commit: given.commit,
            authorship: given.authorship,
            before: given.before,
            keys: refresh
                .changes
                .as_ref()
                .and_then(|changes| self.keys(changes, sight)),
            instances: states.len(),
            live: count(&[State::Live, State::Same, State::Restart]),
            rejected: count(&[State::Rejected]),
            took_seconds: applied.map(|last| seconds(last - refresh.started)),
            trigger: refresh.trigger,
            refresh: refresh.id.to_string(),
            pin: given.pin,
            from,
            repository: given.repository,
        }
    }

    fn counts(&self, coordinates: &Coordinates, sight: &dyn Sight) -> bool {
        self.instances.lets_through(coordinates) && coordinates.are_seen_by(sight)
    }

    fn is_of_instance(&self, records: &Records, id: &BusId, sight: &dyn Sight) -> bool {
        records.instances.get(id).map_or_else(
            || self.counts(&Coordinates::of_bus_id(id), sight),
            |instance| self.counts(&instance.coordinates, sight),
        )
    }

    /// Keys may be those of any profile and label.
    fn keys(&self, changes: &Changes, sight: &dyn Sight) -> Option<usize> {
        let mut names = self.application.split(',').map(str::trim);
        let keys = |name| sight.has_application(name).then(|| changes.keys_of(name));
        names.try_fold(0, |sum, name| Some(sum + keys(name)?))
    }
}

impl Given {
    fn by_move(moved: &Moved) -> Self {
        Self {
            repository: moved.repository.clone(),
            commit: moved.to.clone(),
            before: moved.from.clone(),
            authorship: moved.authorship.clone(),
            pin: None,
        }
    }
}

impl Records {
    /// Who made a commit to which a label moved, as far as that is remembered.
    fn authorship_of(&self, commit: &str) -> Option<Authorship> {
        let mut moves = self.refreshes.iter().rev().flat_map(|one| &one.labels);
        let moved = moves.find(|moved| moved.to == commit)?;
        moved.authorship.clone()
    }
}

/// When its version was put in service.
fn served_from(refresh: &Refresh) -> i64 {
    last(refresh, |moment| moment.what == What::Swapped).unwrap_or(refresh.started)
}

fn last(refresh: &Refresh, is_it: impl Fn(&Moment) -> bool) -> Option<i64> {
    let mut moments = refresh.timeline.iter().rev();
    let last = moments.find(|moment| is_it(moment));
    last.map(|moment| moment.time)
}

fn seconds(milliseconds: i64) -> f64 {
    std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()).as_secs_f64()
}

#[cfg(test)]
mod tests;
