//! What was served, when, and how it went: the moves of a label, as one application sees them.

use serde::Serialize;

use super::{
    super::{
        Sight, Trigger,
        changes::Changes,
        coordinates::Coordinates,
        records::Records,
        refresh::{Moment, Moved, Refresh, What},
        state::State,
    },
    fleet::FleetFilter,
    time,
};

/// Which moves are meant.
#[derive(Debug)]
pub(crate) struct HistoryFilter {
    /// Applications by comma.
    pub(crate) application: String,
    /// The labels that answer, of which one moves.
    pub(crate) labels: Vec<String>,
    /// The repositories that answer, without credentials.
    pub(crate) repositories: Vec<String>,
    /// The instances that count.
    pub(crate) instances: FleetFilter,
}

/// A move of the label.
#[derive(Debug, Serialize)]
pub(crate) struct HistoryEntry {
    /// From when it was answered here, in RFC 3339.
    pub(crate) served_from: String,
    /// Until the next move, or until now.
    pub(crate) lived_seconds: f64,
    pub(crate) commit: String,
    /// What was served before.
    pub(crate) before: Option<String>,
    /// How many keys of the application it changed, under any of its profiles; `None` when that is not known any more.
    pub(crate) keys: Option<usize>,
    /// Instances that were told of it.
    pub(crate) instances: usize,
    /// Those of them that run it, or what is the same.
    pub(crate) live: usize,
    pub(crate) rejected: usize,
    /// Until the last of them ran it.
    pub(crate) took_seconds: Option<f64>,
    pub(crate) trigger: Trigger,
    pub(crate) refresh: String,
}

/// The moves that are remembered, newest first, as far as somebody may see them.
pub(in super::super) fn history(
    records: &Records,
    filter: &HistoryFilter,
    sight: &dyn Sight,
    now: i64,
) -> Vec<HistoryEntry> {
    let mut until = now;
    let newest_first = records.refreshes.iter().rev();
    let entries = newest_first.filter_map(|refresh| {
        let mut moves = refresh.labels.iter();
        let moved = moves.find(|moved| filter.is_of(moved) && sight.has_label(&moved.label))?;
        let entry = filter.entry(records, refresh, moved, sight, now, until);
        until = served_from(refresh);
        Some(entry)
    });
    entries.collect()
}

impl HistoryFilter {
    fn is_of(&self, moved: &Moved) -> bool {
        self.labels.contains(&moved.label) && self.repositories.contains(&moved.repository)
    }

    fn entry(
        &self,
        records: &Records,
        refresh: &Refresh,
        moved: &Moved,
        sight: &dyn Sight,
        now: i64,
        until: i64,
    ) -> HistoryEntry {
        let told = refresh.told.iter().filter(|(id, _)| {
            let coordinates = records.instances.get(*id);
            coordinates.map_or_else(
                || self.counts(&Coordinates::of_bus_id(id), sight),
                |instance| self.counts(&instance.coordinates, sight),
            )
        });
        let states: Vec<_> = told.map(|(_, answer)| answer.state(now).0).collect();
        let count = |wanted: &[State]| {
            let there = states.iter().filter(|state| wanted.contains(state));
            there.count()
        };
        let from = served_from(refresh);
        HistoryEntry {
            served_from: time(from),
            lived_seconds: seconds(until - from),
            commit: moved.to.clone(),
            before: moved.from.clone(),
            keys: refresh.changes.as_ref().map(|changes| self.keys(changes)),
            instances: states.len(),
            live: count(&[State::Live, State::Same, State::Restart]),
            rejected: count(&[State::Rejected]),
            took_seconds: last(refresh, What::Applied).map(|last| seconds(last - refresh.started)),
            trigger: refresh.trigger,
            refresh: refresh.id.to_string(),
        }
    }

    fn counts(&self, coordinates: &Coordinates, sight: &dyn Sight) -> bool {
        self.instances.lets_through(coordinates) && coordinates.are_seen_by(sight)
    }

    fn keys(&self, changes: &Changes) -> usize {
        let names = self.application.split(',').map(str::trim);
        names.map(|name| changes.keys_of(name)).sum()
    }
}

/// When its version was put in service.
fn served_from(refresh: &Refresh) -> i64 {
    last(refresh, What::Swapped).unwrap_or(refresh.started)
}

fn last(refresh: &Refresh, what: What) -> Option<i64> {
    let mut moments = refresh.timeline.iter().rev();
    let last = moments.find(|moment: &&Moment| moment.what == what);
    last.map(|moment| moment.time)
}

fn seconds(milliseconds: i64) -> f64 {
    std::time::Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default()).as_secs_f64()
}
