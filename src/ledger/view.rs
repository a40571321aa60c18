//! What the records say, as JSON for strangers.

mod fleet;
mod history;
mod refreshes;
mod summary;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    net::IpAddr,
};

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use super::{
    Sight, Version,
    coordinates::Coordinates,
    entry::Current,
    instance::Instance,
    records::{Reader, ReaderKey, Records},
    state::{Evidence, State, Wanted},
    time,
};
pub(super) use fleet::fleet;
pub(crate) use fleet::{FleetApplication, FleetFilter, FleetInstance, FleetView};
pub(crate) use history::{HistoryEntry, HistoryFilter, Removal};
pub(super) use history::{history, removal};
pub(crate) use refreshes::{RefreshDetails, RefreshView, RefreshesView, ToldView};
pub(super) use refreshes::{refresh, refreshes};
pub(super) use summary::summary;
pub(crate) use summary::{FleetPart, FleetSummary};

/// Which instances are wanted.
#[derive(Debug, Default)]
pub(crate) struct InstanceFilter {
    /// Of this application.
    pub(crate) application: Option<String>,
    /// In this state; readers, which have none, are left out.
    pub(crate) state: Option<State>,
    /// Of this name; readers, which have none, are left out.
    pub(crate) instance: Option<String>,
}

/// Instances and readers, each in the order of their names.
#[derive(Debug, Serialize)]
pub(crate) struct InstancesView {
    schema: &'static str,
    pub(crate) time: String,
    pub(crate) instances: Vec<InstanceView>,
    pub(crate) readers: Vec<ReaderView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct InstanceView {
    pub(crate) instance: BusId,
    pub(crate) application: String,
    pub(crate) profiles: String,
    pub(crate) label: Option<String>,
    pub(crate) state: State,
    pub(crate) evidence: Evidence,
    pub(crate) wanted: Option<String>,
    /// How often the label of what is wanted has moved.
    pub(crate) generation: Option<u64>,
    pub(crate) fetched: Option<String>,
    pub(crate) applied: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) restart: Vec<String>,
    pub(crate) transport: Option<String>,
    pub(crate) refresh: Option<String>,
    pub(crate) last_sign: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct ReaderView {
    pub(crate) application: String,
    pub(crate) profiles: String,
    pub(crate) label: Option<String>,
    pub(crate) peer: IpAddr,
    pub(crate) served: Option<String>,
    pub(crate) last_read: String,
}

/// Instances that the filter lets through, and readers, as far as somebody may see them.
pub(super) fn instances(
    records: &Records,
    filter: &InstanceFilter,
    sight: &dyn Sight,
    now: i64,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> InstancesView {
    let is_meant = |coordinates: &Coordinates| {
        let names = || coordinates.application.split(',').map(str::trim);
        let is_asked_for = filter.application.as_deref().is_none_or(|wanted| {
            coordinates.application == wanted || names().any(|name| name == wanted)
        });
        is_asked_for && coordinates.are_seen_by(sight)
    };
    let mut versions: HashMap<&Coordinates, Option<Current>> = HashMap::new();
    let mut instances = Vec::new();
    for instance in records.instances.values() {
        let named = filter.instance.as_deref();
        let is_named = named.is_none_or(|name| instance.id.as_str() == name);
        // To know what one would be given means to resolve that.
        if !is_named || !instance.is_shown() || !is_meant(&instance.coordinates) {
            continue;
        }
        let coordinates = &instance.coordinates;
        let version = versions.get(coordinates).cloned().unwrap_or_else(|| {
            let Version {
                current,
                is_for_all,
                held: _,
            } = wanted_of(coordinates, &instance.id, &wanted);
            if is_for_all {
                versions.insert(coordinates, current.clone());
            }
            current
        });
        let seen = instance_view(records, instance, version.as_ref(), now);
        if filter.state.is_none_or(|state| seen.state == state) {
            instances.push(seen);
        }
    }
    instances.sort_by(|one, other| one.instance.cmp(&other.instance));
    let has_readers = filter.state.is_none() && filter.instance.is_none();
    let readers = records
        .readers
        .iter()
        .filter(|(key, _)| has_readers && is_meant(&key.coordinates));
    let mut readers: Vec<_> = readers
        .map(|(key, reader)| reader_view(key, reader))
        .collect();
    readers.sort_by(|one, other| one.name().cmp(&other.name()));
    InstancesView {
        schema: "confbus.instances/1",
        time: time(now),
        instances,
        readers,
    }
}

/// What an instance would be given; nothing where nobody can ask for it.
fn wanted_of(
    coordinates: &Coordinates,
    instance: &BusId,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> Version {
    let request = coordinates.request();
    let version = request.map(|request| wanted(&request, instance));
    version.unwrap_or(Version {
        current: None,
        held: None,
        is_for_all: true,
    })
}

/// Where an instance stands with respect to what it would be given.
fn state_of(
    records: &Records,
    instance: &Instance,
    current: Option<&Current>,
    now: i64,
) -> (State, Evidence) {
    let wanted = wanted_in(records, &instance.coordinates, current);
    instance.state(wanted, now)
}

/// What would be given, with what is known of its content.
fn wanted_in<'c>(
    records: &Records,
    coordinates: &Coordinates,
    current: Option<&'c Current>,
) -> Wanted<'c> {
    let version = current.map(|current| current.version.as_str());
    let contents = records.coordinates.get(coordinates);
    Wanted {
        version,
        content: version
            .zip(contents)
            .and_then(|(version, contents)| contents.known(version)),
    }
}

fn instance_view(
    records: &Records,
    instance: &Instance,
    current: Option<&Current>,
    now: i64,
) -> InstanceView {
    let version = current.map(|current| current.version.as_str());
    let (state, evidence) = state_of(records, instance, current, now);
    let applied = instance.applied(now);
    let rejected = instance
        .rejected
        .as_ref()
        .filter(|_| state == State::Rejected);
    let coordinates = instance.coordinates.clone();
    InstanceView {
        instance: instance.id.clone(),
        application: coordinates.application,
        profiles: coordinates.profiles,
        label: coordinates.label,
        state,
        evidence,
        wanted: version.map(str::to_owned),
        generation: current.and_then(|current| current.generation),
        fetched: instance.fetched(now),
        reason: rejected.map(|rejected| rejected.reason.clone()),
        restart: applied
            .as_ref()
            .map(|applied| applied.restart.clone())
            .unwrap_or_default(),
        applied: applied.and_then(|applied| applied.version),
        transport: instance.transport.clone(),
        refresh: instance.told.as_ref().map(|told| told.refresh.to_string()),
        last_sign: time(instance.last_sign),
    }
}

fn reader_view(key: &ReaderKey, reader: &Reader) -> ReaderView {
    let coordinates = key.coordinates.clone();
    ReaderView {
        application: coordinates.application,
        profiles: coordinates.profiles,
        label: coordinates.label,
        peer: key.peer,
        served: reader.served.clone(),
        last_read: time(reader.last_read),
    }
}

impl InstancesView {
    /// How many instances of which application, with which profiles, are in which state. So many applications with their
    /// profiles are told apart; all others are `other`.
    pub(crate) fn by_state<'v>(
        &'v self,
        most: usize,
        other: &'v str,
    ) -> BTreeMap<(&'v str, &'v str, &'static str), usize> {
        let mut known = HashSet::new();
        let mut counts = BTreeMap::new();
        for instance in &self.instances {
            let address = (instance.application.as_str(), instance.profiles.as_str());
            let is_named = known.contains(&address) || known.len() < most;
            let (application, profile) = if is_named {
                known.insert(address);
                address
            } else {
                (other, other)
            };
            let key = (application, profile, instance.state.name());
            *counts.entry(key).or_default() += 1;
        }
        counts
    }
}

impl ReaderView {
    fn name(&self) -> (&str, &str, Option<&str>, IpAddr) {
        (
            &self.application,
            &self.profiles,
            self.label.as_deref(),
            self.peer,
        )
    }
}
