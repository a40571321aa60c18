//! What other servers are told, and what they tell: of each part the latest counts, whoever has noted it and in whichever order
//! it is heard.

use std::sync::Arc;

use confbus_protocol::{BusEvent, BusId, Destination, EventKind, Outcome};

use super::{Book, Changes, DAY};
use crate::ledger::{
    entry::{Entry, Noted, Read},
    instance::Instance,
    news::{News, Tell, Told},
    records::MAX_REFRESHES,
    refresh::Refresh,
};

impl Book {
    /// Keeps in mind what others do not hear by themselves. Acks and refreshes come to all of them over the bus.
    pub(super) fn note_untold(&mut self, entry: &Entry, now: i64) {
        let Some(untold) = &mut self.untold else {
            return;
        };
        match entry {
            Entry::Read(Read {
                instance: Some(id), ..
            }) => untold.instance(id),
            Entry::Reported(report) => {
                let id = &report.instance;
                if report.outcome == Outcome::Leaving {
                    let known = self.records.instances.get(id);
                    // Who is not known here may be elsewhere.
                    let mut left = known.map_or_else(
                        || Instance::departed(id.clone(), now),
                        |known| Instance::clone(known),
                    );
                    left.leaves(now);
                    untold.left(left);
                } else {
                    untold.instance(id);
                }
            }
            Entry::Started(id, _) | Entry::Noted(id, Noted::Swapped | Noted::Published(_)) => {
                untold.refresh(id);
            }
            // With its ack, one may be shown to run what it has read here.
            Entry::Heard(BusEvent {
                kind: EventKind::Ack { .. },
                origin_service,
                ..
            }) => {
                let id = BusId::new(origin_service.as_str()).ok();
                let known = id.filter(|id| self.records.instances.contains_key(id));
                known.iter().for_each(|id| untold.instance(id));
            }
            _ => {}
        }
    }

    /// What others are to be told now.
    pub(super) fn tell(&mut self, what: Tell, now: i64) -> Told {
        let mut told = Told::default();
        let Some(untold) = &mut self.untold else {
            return told;
        };
        let records = &self.records;
        if what == Tell::All {
            let own = self.own.as_str();
            let own = records
                .refreshes
                .iter()
                .filter(|refresh| refresh.origin == own);
            own.for_each(|refresh| untold.refresh(&refresh.id));
            records.instances.keys().for_each(|id| untold.instance(id));
            let departed = self.departures.instances();
            departed
                .filter(|departed| !records.instances.contains_key(&departed.id))
                .for_each(|departed| untold.left(departed));
        }
        let refreshes = untold.refreshes.drain(..);
        told.refreshes = refreshes
            .filter_map(|id| records.shared_refresh(&id))
            .collect();
        let mut unsettled = Vec::new();
        while !told.is_full() {
            let Some(id) = untold.instances.pop() else {
                break;
            };
            let known = || records.instances.get(&id).cloned();
            match untold.left.remove(&id).or_else(known) {
                // That it is there, others know from its ack.
                Some(instance) if instance.settles_after(now) => unsettled.push(id),
                Some(instance) => told.instances.push(instance),
                None => {}
            }
        }
        untold.instances.extend(unsettled);
        told
    }

    /// Takes over what another server has noted.
    pub(super) fn learn(&mut self, news: News, now: i64) {
        for refresh in news.refreshes {
            self.learn_refresh(refresh, now);
        }
        for instance in news.instances {
            self.learn_instance(instance, now);
        }
    }

    fn learn_instance(&mut self, told: Instance, now: i64) {
        if told.id == self.own {
            return;
        }
        let told = told.not_after(now);
        if told.has_left {
            self.departures.note(&told.id, told.last_sign);
        }
        let told = self.departures.unless_left(told);
        let known = self.records.instances.get(&told.id);
        let is_nothing_new = match known {
            Some(known) => told.has_left && known.last_sign > told.last_sign,
            None => told.is_silent_for(DAY, now) || (told.has_left && !told.has_answered()),
        };
        if is_nothing_new {
            return;
        }
        self.changes = self.changes.max(Changes::Signs);
        if told.has_left && known.is_none_or(|known| !known.has_left) {
            self.changes = Changes::Facts;
        }
        let left = told.has_left.then_some((told.id.clone(), told.last_sign));
        if !told.has_left || told.has_answered() {
            self.take_over(told, now);
        }
        if let Some((id, at)) = left {
            self.left(&id, at);
        }
    }

    fn take_over(&mut self, told: Instance, now: i64) {
        let (id, order) = (told.id.clone(), self.records.order);
        let told = self.with_own_contents(told, now);
        let before = known_decision(self.records.instances.get(&id).map(Arc::as_ref));
        let coordinates = told.coordinates.clone();
        let first_sign = told.last_sign - 1;
        let instance = self.records.instance_mut(&id, first_sign, || coordinates);
        instance.learn(told, order);
        let instance = instance.clone();
        if before != known_decision(Some(&instance)) {
            self.changes = Changes::Facts;
        }
        for refresh in self.records.waiting_for(&id) {
            refresh.learn_answer(&instance);
        }
    }

    /// Contents are numbered by each server for itself.
    fn with_own_contents(&mut self, mut told: Instance, now: i64) -> Instance {
        let (contents, is_new) = self.records.asked_for(&told.coordinates, now);
        let applied = told
            .applied
            .iter_mut()
            .map(|applied| (&applied.version, &mut applied.content));
        let rejected = told
            .rejected
            .iter_mut()
            .map(|rejected| (&rejected.version, &mut rejected.content));
        for (version, content) in applied.chain(rejected) {
            *content = version.as_deref().map(|version| contents.of(version));
        }
        self.has_new_coordinates |= is_new;
        told
    }

    fn learn_refresh(&mut self, told: Refresh, now: i64) {
        if told.origin == self.own.as_str() {
            return;
        }
        self.changes = Changes::Facts;
        let order = self.records.order;
        let is_known = |known: &Arc<Refresh>| {
            let mut events = told.events.iter();
            known.is_called(told.id.as_str())
                || events.any(|event| known.events.iter().any(|own| own.id == event.id))
        };
        let place = self.records.refreshes.iter().rposition(is_known);
        let at = place.unwrap_or_else(|| self.place_of(&told, now));
        let refresh = Arc::make_mut(&mut self.records.refreshes[at]);
        let before = refresh.id.clone();
        refresh.learn(told, order);
        let after = refresh.id.clone();
        let told: Vec<_> = refresh.told.keys().cloned().collect();
        for id in told {
            let Some(instance) = self.records.instances.get_mut(&id) else {
                continue;
            };
            let instance = Arc::make_mut(instance);
            if let Some(told) = instance.told.as_mut().filter(|told| told.refresh == before) {
                told.refresh = after.clone();
            }
            Arc::make_mut(&mut self.records.refreshes[at]).learn_answer(instance);
        }
    }

    /// Where one is put that was not heard of: it told those who are known now.
    fn place_of(&mut self, told: &Refresh, now: i64) -> usize {
        let mut refresh = told.clone();
        refresh.events.clear();
        for destination in &told.destinations {
            let destination = Destination::from_wire(destination.clone());
            let event = BusEvent::refresh(String::new(), now, &self.own, &destination);
            for instance in self.records.meant_by(&event) {
                if !instance.is_silent(now) {
                    refresh.tell(&instance.id);
                }
            }
        }
        if self.records.refreshes.len() >= MAX_REFRESHES {
            self.records.refreshes.pop_front();
        }
        let refreshes = &mut self.records.refreshes;
        let at = refreshes.partition_point(|known| known.started <= refresh.started);
        refreshes.insert(at, Arc::new(refresh));
        at
    }
}

fn known_decision(instance: Option<&Instance>) -> Option<(i64, Option<String>)> {
    let (at, version, _) = instance?.decision()?;
    Some((at, version.map(str::to_owned)))
}
