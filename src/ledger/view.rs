//! What the records say, as JSON for strangers.

use std::{collections::HashMap, net::IpAddr};

use confbus_protocol::{BusId, Timestamp};
use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use super::{
    Version,
    changes::ChangesView,
    coordinates::Coordinates,
    entry::{Current, Trigger},
    instance::Instance,
    records::{Reader, ReaderKey, Records},
    refresh::{Moment, Moved, Refresh, What},
    state::{Evidence, State, Wanted},
};

/// Which instances are wanted.
#[derive(Debug, Default)]
pub(crate) struct InstanceFilter {
    /// Of this application.
    pub(crate) application: Option<String>,
    /// In this state; readers, which have none, are left out.
    pub(crate) state: Option<State>,
}

/// Instances and readers, each in the order of their names.
#[derive(Debug, Serialize)]
pub(crate) struct InstancesView {
    schema: &'static str,
    time: String,
    instances: Vec<InstanceView>,
    readers: Vec<ReaderView>,
}

#[derive(Debug, Serialize)]
struct InstanceView {
    instance: BusId,
    application: String,
    profiles: String,
    label: Option<String>,
    state: State,
    evidence: Evidence,
    wanted: Option<String>,
    /// How often the label of what is wanted has moved.
    generation: Option<u64>,
    fetched: Option<String>,
    applied: Option<String>,
    reason: Option<String>,
    restart: Vec<String>,
    transport: Option<String>,
    refresh: Option<String>,
    last_sign: String,
}

#[derive(Debug, Serialize)]
struct ReaderView {
    application: String,
    profiles: String,
    label: Option<String>,
    peer: IpAddr,
    served: Option<String>,
    last_read: String,
}

/// Refreshes, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct RefreshesView {
    schema: &'static str,
    refreshes: Vec<RefreshView>,
}

/// One refresh, with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct RefreshDetails {
    #[serde(flatten)]
    refresh: RefreshView,
    changes: Option<ChangesView>,
}

#[derive(Debug, Serialize)]
struct RefreshView {
    id: String,
    trigger: Trigger,
    origin: String,
    labels: Vec<Moved>,
    destinations: Vec<String>,
    events: Vec<String>,
    started: String,
    published: Option<String>,
    told: Vec<ToldView>,
    timeline: Vec<MomentView>,
}

#[derive(Debug, Serialize)]
struct ToldView {
    instance: BusId,
    state: State,
    evidence: Evidence,
}

#[derive(Debug, Serialize)]
struct MomentView {
    time: String,
    what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<BusId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// Instances that the filter lets through, and readers.
pub(super) fn instances(
    records: &Records,
    filter: &InstanceFilter,
    now: i64,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> InstancesView {
    let is_meant = |coordinates: &Coordinates| {
        let names = || coordinates.application.split(',').map(str::trim);
        filter.application.as_deref().is_none_or(|wanted| {
            coordinates.application == wanted || names().any(|name| name == wanted)
        })
    };
    let mut versions: HashMap<&Coordinates, Option<Current>> = HashMap::new();
    let mut instances = Vec::new();
    for instance in records.instances.values() {
        if !is_meant(&instance.coordinates) {
            continue;
        }
        let coordinates = &instance.coordinates;
        let version = versions.get(coordinates).cloned().unwrap_or_else(|| {
            let request = coordinates.request();
            let version = request.map(|request| wanted(&request, &instance.id));
            let (current, is_for_all) = version.map_or((None, true), |version| {
                (version.current, version.is_for_all)
            });
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
    let has_readers = filter.state.is_none();
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

/// All refreshes, newest first.
pub(super) fn refreshes(records: &Records, now: i64) -> RefreshesView {
    let newest_first = records.refreshes.iter().rev();
    RefreshesView {
        schema: "confbus.refreshes/1",
        refreshes: newest_first
            .map(|refresh| refresh_view(refresh, now))
            .collect(),
    }
}

/// The refresh with this id.
pub(super) fn refresh(records: &Records, id: &str, now: i64) -> Option<RefreshDetails> {
    let mut refreshes = records.refreshes.iter();
    let refresh = refreshes.find(|refresh| refresh.id.as_str() == id)?;
    Some(RefreshDetails {
        refresh: refresh_view(refresh, now),
        changes: refresh.changes.as_ref().map(ChangesView::from),
    })
}

fn instance_view(
    records: &Records,
    instance: &Instance,
    current: Option<&Current>,
    now: i64,
) -> InstanceView {
    let version = current.map(|current| current.version.as_str());
    let contents = records.coordinates.get(&instance.coordinates);
    let wanted = Wanted {
        version,
        content: version
            .zip(contents)
            .and_then(|(version, contents)| contents.known(version)),
    };
    let (state, evidence) = instance.state(wanted, now);
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

fn refresh_view(refresh: &Refresh, now: i64) -> RefreshView {
    let told = refresh.told.iter().map(|(instance, answer)| {
        let (state, evidence) = answer.state(now);
        ToldView {
            instance: instance.clone(),
            state,
            evidence,
        }
    });
    let events = refresh.events.iter();
    RefreshView {
        id: refresh.id.to_string(),
        trigger: refresh.trigger,
        origin: refresh.origin.clone(),
        labels: refresh.labels.clone(),
        destinations: refresh.destinations.clone(),
        events: events.map(|event| event.id.clone()).collect(),
        started: time(refresh.started),
        published: refresh.published.map(time),
        told: told.collect(),
        timeline: refresh.timeline.iter().map(moment_view).collect(),
    }
}

fn moment_view(moment: &Moment) -> MomentView {
    MomentView {
        time: time(moment.time),
        what: moment.what,
        instance: moment.instance.clone(),
        detail: moment.detail.clone(),
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

/// RFC 3339, in UTC.
fn time(milliseconds: i64) -> String {
    Timestamp::from_millis(milliseconds).to_iso()
}
