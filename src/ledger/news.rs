//! What servers of one bus tell each other of what each has noted. It holds keys, places, reasons and versions, as the file of the
//! ledger does, and never a value of a configuration.

use std::{collections::HashMap, sync::Arc};

use confbus_protocol::BusId;
use indexmap::IndexSet;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    coordinates::LONGEST_TEXT,
    entry::RefreshId,
    instance::Instance,
    now,
    records::{MAX_KEPT, MAX_REFRESHES},
    refresh::{MAX_PARTS, Refresh},
};

/// Bytes of one message; the bus takes messages of no more than 64 KiB.
pub(super) const LONGEST_PART: usize = 48 << 10;
/// Bytes that are told of one instance, and of one refresh.
const LONGEST_INSTANCE: usize = 4 << 10;
const LONGEST_REFRESH: usize = 32 << 10;
/// By how much the clocks of servers may differ, in milliseconds: a day.
const SKEW: i64 = 24 * 60 * 60 * 1000;
/// Instances at once; the rest waits for the next time.
const MOST_AT_ONCE: usize = 5_000;
/// The names under which they are told.
const INSTANCES: &str = "instances";
const REFRESHES: &str = "refreshes";

/// What others are to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tell {
    /// What was noted since the last time.
    Changes,
    /// All that is known: somebody was away.
    All,
}

/// What another server has noted.
#[derive(Debug)]
pub(crate) struct News {
    pub(super) instances: Vec<Instance>,
    pub(super) refreshes: Vec<Refresh>,
}

/// Another server's words make no sense.
#[derive(Debug, thiserror::Error)]
#[error("what another server says cannot be read")]
pub(crate) struct NoNews;

/// What was noted here, and nobody was told yet. There are no more of them than are kept in all: whoever is not in it any more
/// is told of when everything is.
#[derive(Debug, Default)]
pub(super) struct Untold {
    pub(super) refreshes: IndexSet<RefreshId>,
    pub(super) instances: IndexSet<BusId>,
    /// Those of them that have left, and may be forgotten here.
    pub(super) left: HashMap<BusId, Arc<Instance>>,
}

/// What is told at once.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) refreshes: Vec<Arc<Refresh>>,
    pub(super) instances: Vec<Arc<Instance>>,
}

/// Messages that are being written.
#[derive(Debug, Default)]
struct Parts {
    written: Vec<Value>,
    open: [Vec<Value>; 2],
    bytes: usize,
}

impl Untold {
    pub(super) fn instance(&mut self, id: &BusId) {
        // Who is there has not left, or is another of this name.
        self.left.remove(id);
        if self.instances.len() < MAX_KEPT && id.as_str().len() <= LONGEST_TEXT {
            self.instances.insert(id.clone());
        }
    }

    pub(super) fn left(&mut self, instance: Instance) {
        self.instance(&instance.id);
        // Nobody takes out of here who is not to be told.
        if self.left.len() < MAX_KEPT && self.instances.contains(&instance.id) {
            self.left.insert(instance.id.clone(), Arc::new(instance));
        }
    }

    pub(super) fn refresh(&mut self, id: &RefreshId) {
        if self.refreshes.len() < MAX_REFRESHES {
            self.refreshes.insert(id.clone());
        }
    }
}

impl Told {
    pub(super) fn is_full(&self) -> bool {
        self.instances.len() >= MOST_AT_ONCE
    }

    /// In parts that are messages each. With thousands of instances it takes a while.
    pub(super) fn parts(&self, now: i64) -> Vec<Value> {
        let mut parts = Parts::default();
        self.refreshes
            .iter()
            .for_each(|refresh| parts.refresh(refresh));
        self.instances
            .iter()
            .for_each(|instance| parts.instance(instance, now));
        parts.close();
        parts.written
    }
}

impl News {
    /// Reads what another server told.
    ///
    /// # Errors
    /// [`NoNews`] where any of it is not as servers write it, or larger.
    pub(crate) fn of(told: &Value) -> Result<Self, NoNews> {
        let news = Self {
            instances: all(told, INSTANCES, LONGEST_INSTANCE)?,
            refreshes: all(told, REFRESHES, LONGEST_REFRESH)?,
        };
        let latest = now() + SKEW;
        // Sums are made of them.
        let is_time = |at: i64| (0..=latest).contains(&at);
        let are_instances = news
            .instances
            .iter()
            .all(|instance| is_instance(instance) && instance.times().all(is_time));
        let is_sound = are_instances
            && news
                .refreshes
                .iter()
                .all(|refresh| is_refresh(refresh) && refresh.times().all(is_time));
        is_sound.then_some(news).ok_or(NoNews)
    }
}

fn all<T: DeserializeOwned>(told: &Value, name: &str, longest: usize) -> Result<Vec<T>, NoNews> {
    let Some(all) = told.get(name) else {
        return Ok(Vec::new());
    };
    let read = |one: &Value| {
        let is_short = one.to_string().len() <= longest;
        let read = is_short.then(|| T::deserialize(one).ok()).flatten();
        read.ok_or(NoNews)
    };
    all.as_array().ok_or(NoNews)?.iter().map(read).collect()
}

fn is_instance(instance: &Instance) -> bool {
    instance.id.as_str().len() <= LONGEST_TEXT && instance.told.is_none() && instance.ack.is_none()
}

fn is_refresh(refresh: &Refresh) -> bool {
    let parts = [
        refresh.labels.len(),
        refresh.pins.len(),
        refresh.events.len(),
        refresh.destinations.len(),
    ];
    let is_bare = refresh.told.is_empty() && refresh.timeline.is_empty() && refresh.owed.is_empty();
    refresh.id.is_made()
        && is_bare
        && refresh.changes.is_none()
        && parts.iter().all(|parts| *parts <= MAX_PARTS)
}

impl Parts {
    fn refresh(&mut self, refresh: &Refresh) {
        self.add(1, &refresh.told_to_others(), LONGEST_REFRESH);
    }

    fn instance(&mut self, instance: &Instance, now: i64) {
        let mut applied = instance.applied(now);
        if let Some(applied) = &mut applied {
            applied.content = None;
        }
        let mut rejected = instance.rejected.clone();
        if let Some(rejected) = &mut rejected {
            rejected.content = None;
        }
        let told = Instance {
            applied,
            rejected,
            told: None,
            ack: None,
            ..instance.clone()
        };
        self.add(0, &told, LONGEST_INSTANCE);
    }

    /// What is longer than others read is left out.
    fn add(&mut self, kind: usize, what: &impl Serialize, longest: usize) {
        let Ok(value) = serde_json::to_value(what) else {
            return;
        };
        let bytes = value.to_string().len();
        if bytes > longest {
            return;
        }
        if self.bytes + bytes > LONGEST_PART {
            self.close();
        }
        self.bytes += bytes + 1;
        self.open[kind].push(value);
    }

    fn close(&mut self) {
        let [instances, refreshes] = std::mem::take(&mut self.open);
        self.bytes = 0;
        if !instances.is_empty() || !refreshes.is_empty() {
            self.written
                .push(json!({ INSTANCES: instances, REFRESHES: refreshes }));
        }
    }
}
