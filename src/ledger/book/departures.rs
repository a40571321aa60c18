use std::collections::HashMap;

use confbus_protocol::BusId;

use super::is_short;
use crate::ledger::{instance::Instance, records::make_room};

/// How long it is remembered, in milliseconds. What was noted of an instance before comes within seconds, or when somebody is
/// back who was away.
const KEPT: i64 = 60 * 60 * 1000;

/// Who has left lately, and when, in milliseconds since 1970: what others noted before that may be heard later.
#[derive(Debug, Default)]
pub(super) struct Departures(HashMap<BusId, i64>);

impl Departures {
    pub(super) fn note(&mut self, id: &BusId, at: i64) {
        if !is_short(id) {
            return;
        }
        if !self.0.contains_key(id) {
            make_room(&mut self.0, |at| *at);
        }
        let last = self.0.entry(id.clone()).or_insert(at);
        *last = at.max(*last);
    }

    /// The same, unless it was noted before it left: then it is not there any more.
    pub(super) fn unless_left(&self, told: Instance) -> Instance {
        let left = self.0.get(&told.id).copied();
        match left.filter(|left| told.last_sign <= *left) {
            Some(left) => Instance {
                has_left: true,
                last_sign: left,
                ..told
            },
            None => told,
        }
    }

    /// As others are told of them.
    pub(super) fn instances(&self) -> impl Iterator<Item = Instance> {
        let all = self.0.iter();
        all.map(|(id, at)| Instance::departed(id.clone(), *at))
    }

    pub(super) fn forget(&mut self, now: i64) {
        self.0.retain(|_, at| now - *at <= KEPT);
    }
}
