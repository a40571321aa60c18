use std::sync::Arc;

use confbus_protocol::{BusEvent, BusId};

use super::{Book, Changes};
use crate::ledger::{
    coordinates::shortened,
    entry::{Noted, RefreshId, Started, Trigger},
    records::MAX_REFRESHES,
    refresh::{Event, Refresh, What},
};

impl Book {
    pub(super) fn started(&mut self, id: RefreshId, started: Started, now: i64) {
        self.changes = Changes::Facts;
        if self.records.refreshes.len() >= MAX_REFRESHES {
            self.records.refreshes.pop_front();
        }
        let refresh = Refresh::new(id, started, now);
        self.records.refreshes.push_back(Arc::new(refresh));
    }

    pub(super) fn noted(&mut self, id: &RefreshId, noted: Noted, now: i64) {
        self.changes = Changes::Facts;
        let happened = match noted {
            Noted::Owed(destinations) => {
                let refresh = self.records.refresh_mut(id);
                return refresh.map_or((), |refresh| refresh.owes(&destinations));
            }
            Noted::Changes(changes) => return self.records.note_changes(id, changes),
            Noted::Published(event) => return self.published(id, &event, now),
            Noted::Taken(destination) => return self.records.taken(&destination),
            Noted::Looked => (What::Looked, None),
            Noted::Swapped => (What::Swapped, None),
            Noted::Failed(event, reason) => {
                self.take_back(id, &event);
                (What::Failed, Some(reason))
            }
        };
        if let Some(refresh) = self.records.refresh_mut(id) {
            refresh.happened(happened.0, None, happened.1, now);
        }
    }

    /// An event did not go out: those for whom it was are told nothing, unless they answered.
    fn take_back(&mut self, id: &RefreshId, event: &BusEvent) {
        let Some(refresh) = self.records.refresh_mut(id) else {
            return;
        };
        refresh.take_back(&shortened(event.id.clone()), event.destination().as_str());
        let meant = self.records.meant_by(event);
        let mut meant: Vec<_> = meant.map(|instance| instance.id.clone()).collect();
        meant.retain(|instance| {
            let refresh = self.records.refresh(id);
            refresh.is_some_and(|refresh| !refresh.has_answer_of(instance))
        });
        for instance in meant {
            let Some(known) = self.records.instances.get_mut(&instance) else {
                continue;
            };
            let known = Arc::make_mut(known);
            known.is_not_told(id);
            // Another event of the same refresh may have told it.
            let is_told = known.told.as_ref().is_some_and(|told| told.refresh == *id);
            if let Some(refresh) = self.records.refresh_mut(id).filter(|_| !is_told) {
                refresh.told.shift_remove(&instance);
            }
        }
    }

    /// An event goes out: those for whom it is are told. Nobody waits for who is gone; should it come back, it looks again by
    /// itself.
    fn published(&mut self, id: &RefreshId, event: &BusEvent, now: i64) {
        let order = self.records.order;
        let Some(refresh) = self.records.refresh_mut(id) else {
            return;
        };
        self.published = Some(now);
        let destination = shortened(event.destination().to_string());
        let sent = Event {
            id: shortened(event.id.clone()),
            order,
            destination: Some(destination.clone()),
        };
        refresh.publish(sent, destination, now);
        self.counts.published(id, now);
        let meant = self.records.meant_by(event);
        let there = meant.filter(|instance| !instance.is_silent(now));
        for instance in there.cloned().collect::<Vec<_>>() {
            if let Some(refresh) = self.records.refresh_mut(id) {
                refresh.tell(&instance.id);
                refresh.answered_before(&instance, now);
            }
            if let Some(instance) = self.records.instances.get_mut(&instance.id) {
                Arc::make_mut(instance).is_told(id, now);
            }
        }
    }

    /// An instance ends: nobody waits for it any more. Who said what became of a version stays on record, since a wave counts
    /// that.
    pub(super) fn left(&mut self, id: &BusId, at: i64) {
        self.departures.note(id, at);
        for refresh in self.records.waiting_for(id) {
            refresh.left(id);
        }
        let instance = self.records.instances.get_mut(id);
        match instance.filter(|instance| instance.has_answered()) {
            Some(instance) => Arc::make_mut(instance).leaves(at),
            None => _ = self.records.instances.remove(id),
        }
    }

    /// Our own come back, too.
    pub(super) fn others_refresh(&mut self, event: &BusEvent, now: i64) {
        let is_ours = event.origin_service == self.own.as_str();
        if is_ours || self.records.event(&event.id).is_some() {
            return;
        }
        let started = Started {
            trigger: Trigger::Bus,
            labels: Vec::new(),
            pins: Vec::new(),
            origin: event.origin_service.clone(),
        };
        let id = RefreshId::random();
        self.started(id.clone(), started, now);
        self.published(&id, event, now);
    }
}
