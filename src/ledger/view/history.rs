//! What was served, when, and how it went: the moves of a label, as one application sees them.

use std::collections::HashMap;

use confbus_protocol::BusId;
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
use crate::look::Authorship;

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
            lived_seconds: seconds(until - from),
            commit: moved.to.clone(),
            authorship: moved.authorship.clone(),
            before: moved.from.clone(),
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
mod tests {
    use std::sync::Arc;

    use confbus_protocol::Destination;
    use confbus_resolution::KeyChange;

    use super::*;
    use crate::ledger::{
        entry::{RefreshId, Started},
        sight::Everything,
    };

    /// That of somebody who may see one profile of `shop`.
    struct Prod;

    impl Sight for Prod {
        fn is_whole(&self) -> bool {
            false
        }

        fn has_environment(&self, application: &str, profiles: &str, _: Option<&str>) -> bool {
            (application, profiles) == ("shop", "prod")
        }

        fn has_application(&self, _: &str) -> bool {
            false
        }

        fn has_label(&self, _: &str) -> bool {
            true
        }

        fn may_be_meant(&self, _: &Destination) -> bool {
            false
        }
    }

    /// A move that instances of several addresses applied, one second after another.
    fn moved() -> Records {
        let started = Started {
            trigger: Trigger::Bus,
            labels: Vec::new(),
            origin: "config-server:8888:5f2b".to_owned(),
        };
        let mut refresh = Refresh::new(RefreshId::random(), started, 0);
        refresh.labels.push(Moved {
            repository: "repo".to_owned(),
            label: "main".to_owned(),
            from: None,
            to: "9f2c1ab".to_owned(),
            generation: None,
            authorship: None,
        });
        for (second, id) in (1..).zip(["shop:prod:1:a", "shop:dev:1:b", "orders:dev:1:c"]) {
            let id = BusId::new(id).unwrap();
            refresh.tell(&id);
            refresh.happened(What::Applied, Some(&id), None, second * 1000);
        }
        let mut changes = Changes::default();
        changes.note("shop", &[("pool".to_owned(), KeyChange::Changed)].into());
        refresh.changes = Some(changes);
        let mut records = Records::default();
        records.refreshes.push_back(Arc::new(refresh));
        records
    }

    fn filter(profile: Option<&str>) -> HistoryFilter {
        HistoryFilter {
            application: "shop".to_owned(),
            labels: vec!["main".to_owned()],
            repositories: vec!["repo".to_owned()],
            instances: FleetFilter {
                application: Some("shop".to_owned()),
                profile: profile.map(str::to_owned),
                label: None,
            },
        }
    }

    fn entry(profile: Option<&str>, sight: &dyn Sight) -> HistoryEntry {
        history(&moved(), &filter(profile), sight, 9000).remove(0)
    }

    #[test]
    fn a_key_is_lost_where_it_was_removed_last() {
        let records = moved();
        let mut refresh = Refresh::clone(&records.refreshes[0]);
        let mut changes = Changes::default();
        changes.note("shop", &[("gone".to_owned(), KeyChange::Removed)].into());
        refresh.changes = Some(changes);
        let mut records = records;
        records.refreshes.push_front(Arc::new(refresh));
        let lost = |key: &str, sight: &dyn Sight| removal(&records, &filter(None), key, sight);
        let commit = lost("gone", &Everything).map(|removal| removal.commit);
        assert_eq!(commit.as_deref(), Some("9f2c1ab"));
        assert_eq!(lost("pool", &Everything), None);
        assert_eq!(lost("gone", &Prod), None);
    }

    #[test]
    fn an_entry_tells_only_of_what_is_asked_for_and_seen() {
        for (profile, sight, keys, took) in [
            (Some("prod"), &Everything as &dyn Sight, Some(1), 1.0),
            (None, &Everything, Some(1), 2.0),
            (None, &Prod, None, 1.0),
        ] {
            let entry = entry(profile, sight);
            assert_eq!((entry.keys, entry.took_seconds), (keys, Some(took)));
        }
    }
}
