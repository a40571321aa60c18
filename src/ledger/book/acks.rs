use std::{collections::HashMap, sync::Arc};

use confbus_protocol::{BusEvent, BusId};

use super::{Book, Changes, is_short};
use crate::ledger::{
    coordinates::Coordinates,
    entry::RefreshId,
    instance::{Ack, Instance, Proof},
    proof::{Finding, SeenAck},
    refresh::What,
    state::State,
};

/// How long a sibling's ack may still come and show that a read was not that of another.
const SETTLE: i64 = 10 * 1000;

impl Book {
    /// Notes that somebody handled an event, and what that is worth.
    pub(super) fn acked(&mut self, event: &BusEvent, ack_id: Option<&str>, now: i64) {
        let Ok(id) = BusId::new(event.origin_service.as_str()) else {
            return;
        };
        if id == self.own || !is_short(&id) {
            return;
        }
        self.changes = Changes::Facts;
        let instance = self
            .records
            .instance_mut(&id, now, || Coordinates::of_bus_id(&id));
        instance.gives_sign(now);
        let instance = instance.clone();
        let Some((refresh, published)) = ack_id.and_then(|ack_id| self.records.event(ack_id))
        else {
            return;
        };
        // A sender acks when its own event comes back, before its own refresh is over.
        if refresh.origin == id.as_str() {
            return;
        }
        let refresh_id = refresh.id.clone();
        let outdated: Vec<_> = refresh.outdated().map(str::to_owned).collect();
        let is_served_by = |version: Option<&str>| refresh.is_served_by(version);
        let own_read = instance
            .fetched
            .as_ref()
            .filter(|fetched| fetched.order > published && is_served_by(fetched.version.as_deref()))
            .map(|fetched| fetched.version.clone());
        self.note_ack(&id, &refresh_id, now);
        if instance.reports {
            return;
        }
        if instance.names_itself {
            if let Some(version) = own_read {
                self.prove(&id, &refresh_id, version, now);
            }
            return;
        }
        let ack = SeenAck {
            profiles: self.profiles_of(&instance, published),
            instance: id,
            refresh: refresh_id,
            published,
            order: self.records.order,
            outdated,
        };
        let application = &instance.coordinates.application;
        let findings = self.witnesses.acked(application, ack);
        self.conclude(findings, now);
    }

    /// As its id says. Older members of the bus leave their profiles out of it: those under which the application is read.
    fn profiles_of(&self, instance: &Instance, published: u64) -> String {
        let Coordinates {
            application,
            profiles,
            ..
        } = &instance.coordinates;
        let says_profiles = instance.id.as_str().split(':').count() == 4;
        let only = self.witnesses.only_profiles(application, published);
        let read = only.filter(|_| !says_profiles);
        read.unwrap_or(profiles).to_owned()
    }

    fn note_ack(&mut self, id: &BusId, refresh: &RefreshId, now: i64) {
        let ack = Ack {
            refresh: refresh.clone(),
            at: now,
            proof: None,
        };
        if let Some(refresh) = self.records.refresh_mut(refresh) {
            refresh.tell(id);
            refresh.happened(What::Acked, Some(id), None, now);
            refresh.acked(id, ack.clone());
        }
        if let Some(instance) = self.records.instances.get_mut(id) {
            Arc::make_mut(instance).acked(ack, now);
        }
    }

    /// Carries over to instances and refreshes what is known of their acks.
    fn conclude(&mut self, findings: Vec<Finding>, now: i64) {
        let mut settled: HashMap<RefreshId, Option<i64>> = HashMap::new();
        for Finding {
            instance,
            refresh,
            read,
        } in findings
        {
            let Some(read) = read else {
                self.set_proof(&instance, &refresh, None);
                continue;
            };
            self.records.readers.remove(&read.key);
            if let Some(instance) = self.records.instances.get_mut(&instance) {
                Arc::make_mut(instance).asks_for(read.key.coordinates);
            }
            let settles_at = *settled
                .entry(refresh.clone())
                .or_insert_with(|| self.settles_at(&instance, &refresh, read.has_spare, now));
            match settles_at {
                Some(at) => self.prove(&instance, &refresh, read.version, at),
                None => self.set_proof(&instance, &refresh, None),
            }
        }
    }

    /// When nobody can show any more that this one's read was a sibling's: at once when all that were told have acked,
    /// never while there are more reads than acks.
    fn settles_at(
        &self,
        id: &BusId,
        refresh: &RefreshId,
        has_spare: bool,
        now: i64,
    ) -> Option<i64> {
        let instances = &self.records.instances;
        let (Some(refresh), Some(instance)) = (self.records.refresh(refresh), instances.get(id))
        else {
            return Some(now);
        };
        let may_still_ack = |sibling: &Arc<Instance>| {
            sibling.is_sibling_of(instance)
                && !sibling.names_itself
                && !sibling.reports
                && !sibling.is_silent(now)
        };
        let mut others = refresh.without_ack().filter_map(|id| instances.get(id));
        match others.any(may_still_ack) {
            false => Some(now),
            true => (!has_spare).then_some(now + SETTLE),
        }
    }

    fn prove(&mut self, id: &BusId, refresh: &RefreshId, version: Option<String>, settles_at: i64) {
        let Some(instance) = self.records.instances.get(id) else {
            return;
        };
        let coordinates = instance.coordinates.clone();
        let contents = self.records.contents_mut(&coordinates);
        let content = version
            .as_deref()
            .zip(contents)
            .map(|(version, contents)| contents.of(version));
        let proof = Proof {
            version,
            content,
            settles_at,
        };
        self.set_proof(id, refresh, Some(proof));
    }

    fn set_proof(&mut self, id: &BusId, refresh: &RefreshId, proof: Option<Proof>) {
        if let Some(instance) = self.records.instances.get_mut(id) {
            let ack = Arc::make_mut(instance).ack.as_mut();
            if let Some(ack) = ack.filter(|ack| ack.refresh == *refresh) {
                ack.set_proof(proof.clone());
            }
        }
        let instance = self.records.instances.get(id).cloned();
        let Some(refresh) = self.records.refresh_mut(refresh) else {
            return;
        };
        let Some(ack) = refresh.ack_mut(id) else {
            return;
        };
        let (is_new, at) = (ack.proof.is_none() && proof.is_some(), ack.at);
        ack.set_proof(proof);
        if let Some(instance) = instance.filter(|_| is_new) {
            let application = &instance.coordinates.application;
            self.counts
                .answered(refresh, application, State::Live, "ack+read", at);
        }
    }
}
