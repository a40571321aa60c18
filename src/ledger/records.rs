use std::{
    collections::{HashMap, VecDeque},
    hash::Hash,
    net::IpAddr,
    sync::Arc,
};

use confbus_protocol::{BusEvent, BusId, Destination};
use serde::{Deserialize, Serialize};

use super::{
    changes::Changes, coordinates::Coordinates, entry::RefreshId, instance::Instance,
    refresh::Refresh,
};

/// Instances, readers and coordinates that are kept, of each so many.
pub(super) const MAX_KEPT: usize = 10_000;
/// Refreshes that are kept.
pub(super) const MAX_REFRESHES: usize = 200;
/// Changed keys of all refreshes, and the applications to which they belong.
pub(super) const MAX_CHANGES: usize = 10_000;
/// Recent versions of the same coordinates whose content is told apart.
const MAX_CONTENTS: usize = 16;

/// All that is known. A clone shares what did not change.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    pub(super) instances: HashMap<BusId, Arc<Instance>>,
    pub(super) readers: HashMap<ReaderKey, Reader>,
    pub(super) coordinates: HashMap<Coordinates, Arc<Contents>>,
    /// The oldest first.
    pub(super) refreshes: VecDeque<Arc<Refresh>>,
    /// Entries so far.
    pub(super) order: u64,
}

/// Somebody who reads and does not say who it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct ReaderKey {
    pub(super) coordinates: Coordinates,
    pub(super) peer: IpAddr,
}

/// What it read last.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Reader {
    pub(super) served: Option<String>,
    pub(super) last_read: i64,
}

/// Which versions of some coordinates have the same content.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Contents {
    pub(super) last_asked: i64,
    /// Versions and numbers of their contents, the newest last.
    versions: VecDeque<(String, u64)>,
    next: u64,
}

impl Contents {
    /// The number of a version's content, if it is known.
    pub(super) fn known(&self, version: &str) -> Option<u64> {
        let mut versions = self.versions.iter();
        versions
            .find(|(known, _)| known == version)
            .map(|(_, content)| *content)
    }

    /// The number of a version's content; a new one when nothing is known of it.
    pub(super) fn of(&mut self, version: &str) -> u64 {
        self.known(version).unwrap_or_else(|| {
            self.next += 1;
            self.push(version, self.next);
            self.next
        })
    }

    /// The content of `to` is that of `from`.
    pub(super) fn unchanged(&mut self, from: &str, to: &str) {
        let content = self.of(from);
        self.versions.retain(|(known, _)| known != to);
        self.push(to, content);
    }

    fn push(&mut self, version: &str, content: u64) {
        if self.versions.len() >= MAX_CONTENTS {
            self.versions.pop_front();
        }
        self.versions.push_back((version.to_owned(), content));
    }
}

impl Records {
    pub(super) fn refresh(&self, id: &RefreshId) -> Option<&Refresh> {
        let mut newest_first = self.refreshes.iter().rev();
        newest_first
            .find(|refresh| refresh.is_called(id.as_str()))
            .map(Arc::as_ref)
    }

    pub(super) fn shared_refresh(&self, id: &RefreshId) -> Option<Arc<Refresh>> {
        let mut newest_first = self.refreshes.iter().rev();
        newest_first
            .find(|refresh| refresh.is_called(id.as_str()))
            .cloned()
    }

    /// The refresh to which an event belongs, and when that went out, in the order of all entries.
    pub(super) fn event(&self, id: &str) -> Option<(&Refresh, u64)> {
        self.refreshes.iter().rev().find_map(|refresh| {
            let event = refresh.events.iter().find(|event| event.id == id)?;
            Some((refresh.as_ref(), event.order))
        })
    }

    /// Notes which keys a refresh changes; the oldest ones make room.
    pub(super) fn note_changes(&mut self, id: &RefreshId, changes: Changes) {
        let Some(refresh) = self.refresh_mut(id) else {
            return;
        };
        refresh.changes = Some(changes);
        let mut size = 0;
        for refresh in self.refreshes.iter_mut().rev() {
            size += refresh.changes.as_ref().map_or(0, Changes::size);
            if size > MAX_CHANGES && refresh.changes.is_some() {
                Arc::make_mut(refresh).changes = None;
            }
        }
    }

    /// Who is still to be told of a refresh.
    pub(super) fn owed(&self) -> Vec<Destination> {
        let owed = self.refreshes.iter().flat_map(|refresh| &refresh.owed);
        owed.map(Destination::from_wire).collect()
    }

    /// The bus took an event for this destination, which makes up for earlier ones, too.
    pub(super) fn taken(&mut self, destination: &Destination) {
        let is_everyone = *destination == Destination::everyone();
        let settles = |owed: &String| is_everyone || owed == destination.as_str();
        for refresh in &mut self.refreshes {
            if refresh.owed.iter().any(settles) {
                Arc::make_mut(refresh).owed.retain(|owed| !settles(owed));
            }
        }
    }

    /// The refreshes that wait for what becomes of them in this instance.
    pub(super) fn waiting_for(&mut self, instance: &BusId) -> impl Iterator<Item = &mut Refresh> {
        let refreshes = self.refreshes.iter_mut();
        refreshes
            .filter(|refresh| refresh.waits_for(instance))
            .map(Arc::make_mut)
    }

    pub(super) fn refresh_mut(&mut self, id: &RefreshId) -> Option<&mut Refresh> {
        // Those that still change are the newest.
        let mut newest_first = self.refreshes.iter_mut().rev();
        newest_first
            .find(|refresh| refresh.is_called(id.as_str()))
            .map(Arc::make_mut)
    }

    /// The instances for whom an event is.
    pub(super) fn meant_by(&self, event: &BusEvent) -> impl Iterator<Item = &Arc<Instance>> {
        let instances = self.instances.values();
        instances.filter(|instance| instance.is_meant_by(event))
    }

    /// The instance, noted now if it was not known.
    pub(super) fn instance_mut(
        &mut self,
        id: &BusId,
        now: i64,
        coordinates: impl FnOnce() -> Coordinates,
    ) -> &mut Instance {
        if !self.instances.contains_key(id) {
            make_room(&mut self.instances, |instance| instance.last_sign);
        }
        let instance = self
            .instances
            .entry(id.clone())
            .or_insert_with(|| Arc::new(Instance::new(id.clone(), coordinates(), now)));
        Arc::make_mut(instance)
    }

    /// What is known of the contents of some coordinates; whether somebody asked for them the first time.
    pub(super) fn asked_for(
        &mut self,
        coordinates: &Coordinates,
        now: i64,
    ) -> (&mut Contents, bool) {
        let is_new = !self.coordinates.contains_key(coordinates);
        if is_new {
            make_room(&mut self.coordinates, |contents| contents.last_asked);
            self.coordinates.insert(coordinates.clone(), Arc::default());
        }
        let contents = self.contents_mut(coordinates);
        let contents = contents.expect("it was there or has been put there");
        contents.last_asked = now;
        (contents, is_new)
    }

    /// What is known of the contents of coordinates that somebody asked for.
    pub(super) fn contents_mut(&mut self, coordinates: &Coordinates) -> Option<&mut Contents> {
        self.coordinates.get_mut(coordinates).map(Arc::make_mut)
    }
}

/// When a map is full, its oldest tenth goes, so that this need not be done for each newcomer.
pub(super) fn make_room<K: Eq + Hash, V>(map: &mut HashMap<K, V>, time: impl Fn(&V) -> i64) {
    if map.len() < MAX_KEPT {
        return;
    }
    let mut times: Vec<_> = map.values().map(&time).collect();
    let (_, newest_to_go, _) = times.select_nth_unstable(MAX_KEPT / 10);
    let newest_to_go = *newest_to_go;
    // Many may have the same time.
    let mut may_go = MAX_KEPT / 10 + 1;
    map.retain(|_, value| {
        let goes = may_go > 0 && time(value) <= newest_to_go;
        may_go -= usize::from(goes);
        !goes
    });
}
