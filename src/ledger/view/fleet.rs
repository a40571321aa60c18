//! How far the fleet is: each address with its instances, and all of them together.

use std::collections::{BTreeMap, HashMap};

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;
use serde::Serialize;

use super::{
    super::{
        Sight, Version,
        coordinates::Coordinates,
        instance::Instance,
        records::Records,
        sentence::{Column, Goal, Sentence, Totals},
        state::{Evidence, State},
    },
    time, wanted_of,
};

/// Which part of the fleet is wanted; what is left out is all.
#[derive(Debug, Default)]
pub(crate) struct FleetFilter {
    pub(crate) application: Option<String>,
    /// One of the profiles, or all of them by comma.
    pub(crate) profile: Option<String>,
    /// The label, and where an instance names none, whether that is what it reads.
    pub(crate) label: Option<(String, bool)>,
}

/// The fleet, or a part of it.
#[derive(Debug, Serialize)]
pub(crate) struct FleetView {
    pub(crate) schema: &'static str,
    /// RFC 3339, as all times here.
    pub(crate) as_of: String,
    /// `9f2c1ab is live on 47 of 50 instances; 3 rejected it`.
    pub(crate) sentence: String,
    /// The version that all labels name, if it is one.
    pub(crate) wanted: Option<String>,
    pub(crate) totals: Totals,
    /// In the order of their names.
    pub(crate) applications: Vec<FleetApplication>,
}

/// What some instances ask for.
#[derive(Debug, Serialize)]
pub(crate) struct FleetApplication {
    pub(crate) application: String,
    pub(crate) profiles: Vec<String>,
    pub(crate) label: Option<String>,
    pub(crate) sentence: String,
    /// The version that the label names.
    pub(crate) wanted: Option<String>,
    /// Why not all of them are given that.
    pub(crate) held: Option<String>,
    pub(crate) totals: Totals,
    pub(crate) instances: Vec<FleetInstance>,
}

/// One instance.
#[derive(Debug, Serialize)]
pub(crate) struct FleetInstance {
    pub(crate) id: BusId,
    pub(crate) state: State,
    /// Where it counts: as its state, unless it is held.
    pub(crate) counts_as: Column,
    pub(crate) evidence: Evidence,
    /// The version that it runs, as far as that is known.
    pub(crate) runs: Option<String>,
    /// Its last sign of life.
    pub(crate) last_sign: String,
    pub(crate) rejection: Option<Rejection>,
    /// Keys that need a new start.
    pub(crate) restart: Vec<String>,
}

/// Why an instance refused a version.
#[derive(Debug, Serialize)]
pub(crate) struct Rejection {
    pub(crate) message: String,
    pub(crate) version: Option<String>,
}

/// Instances that ask for the same.
#[derive(Default)]
struct Group {
    instances: Vec<FleetInstance>,
    /// What the label names, once for each instance.
    goals: Vec<Option<String>>,
    held: Option<String>,
    totals: Totals,
}

impl FleetApplication {
    /// What they ask for, if it can be asked for.
    pub(crate) fn request(&self) -> Option<EnvironmentRequest> {
        let coordinates = Coordinates {
            application: self.application.clone(),
            profiles: self.profiles.join(","),
            label: self.label.clone(),
        };
        coordinates.request()
    }
}

impl FleetFilter {
    pub(super) fn lets_through(&self, coordinates: &Coordinates) -> bool {
        let is_in = |wanted: &str, list: &str| {
            wanted == list || list.split(',').any(|name| name.trim() == wanted)
        };
        let application = self.application.as_deref();
        let profile = self.profile.as_deref();
        application.is_none_or(|wanted| is_in(wanted, &coordinates.application))
            && profile.is_none_or(|wanted| is_in(wanted, &coordinates.profiles))
            && self.label.as_ref().is_none_or(|(wanted, is_default)| {
                let label = coordinates.label.as_ref();
                label.map_or(*is_default, |label| label == wanted)
            })
    }
}

/// What the filter lets through, as far as somebody may see it.
pub(in super::super) fn fleet(
    records: &Records,
    filter: &FleetFilter,
    sight: &dyn Sight,
    now: i64,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> FleetView {
    let mut versions = HashMap::new();
    let mut groups: BTreeMap<_, Group> = BTreeMap::new();
    let shown = records.instances.values();
    for instance in shown.filter(|instance| instance.is_shown()) {
        let coordinates = &instance.coordinates;
        if !filter.lets_through(coordinates) || !coordinates.are_seen_by(sight) {
            continue;
        }
        let version = given(&mut versions, instance, &wanted);
        let group = groups.entry(coordinates.names()).or_default();
        group.add(records, instance, version, now);
    }
    let mut totals = Totals::default();
    let goals = groups.values().flat_map(|group| &group.goals);
    let goal = Goal::of(goals.map(Option::as_deref));
    let counted = groups.values().flat_map(|group| &group.instances);
    counted.for_each(|instance| totals.count(instance.counts_as));
    FleetView {
        schema: "confbus.fleet/1",
        as_of: time(now),
        sentence: said(&goal, &totals),
        wanted: goal.version().map(str::to_owned),
        totals,
        applications: groups
            .into_iter()
            .map(|(names, group)| group.shown(names))
            .collect(),
    }
}

fn said(goal: &Goal, totals: &Totals) -> String {
    Sentence { goal, totals }.to_string()
}

/// What an instance would be given; asked for once where all are given the same.
fn given<'v>(
    versions: &'v mut HashMap<Coordinates, Version>,
    instance: &Instance,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> &'v Version {
    let coordinates = &instance.coordinates;
    let known = versions.get(coordinates);
    if known.is_none_or(|version| !version.is_for_all) {
        let version = wanted_of(coordinates, &instance.id, wanted);
        versions.insert(coordinates.clone(), version);
    }
    &versions[coordinates]
}

impl Group {
    fn add(&mut self, records: &Records, instance: &Instance, version: &Version, now: i64) {
        let current = version.current.as_ref();
        let (state, evidence) = super::state_of(records, instance, current, now);
        let held = version.held.as_ref();
        let counts_as = Column::of(state, held.is_some());
        let applied = instance.applied(now);
        let rejected = instance.rejected.as_ref();
        let rejected = rejected.filter(|_| state == State::Rejected);
        self.totals.count(counts_as);
        let named = held.map(|held| &held.wanted);
        let named = named.or_else(|| current.map(|current| &current.version));
        self.goals.push(named.cloned());
        self.held = self
            .held
            .take()
            .or_else(|| held.map(|held| held.because.clone()));
        self.instances.push(FleetInstance {
            id: instance.id.clone(),
            state,
            counts_as,
            evidence,
            restart: applied
                .as_ref()
                .map(|applied| applied.restart.clone())
                .unwrap_or_default(),
            runs: applied.and_then(|applied| applied.version),
            last_sign: time(instance.last_sign),
            rejection: rejected.map(|rejected| Rejection {
                message: rejected.reason.clone(),
                version: rejected.version.clone(),
            }),
        });
    }

    fn shown(mut self, names: (String, String, Option<String>)) -> FleetApplication {
        let (application, profiles, label) = names;
        self.instances.sort_by(|one, other| one.id.cmp(&other.id));
        let goal = Goal::of(self.goals.iter().map(Option::as_deref));
        FleetApplication {
            application,
            profiles: profiles
                .split(',')
                .map(|name| name.trim().to_owned())
                .collect(),
            label,
            sentence: said(&goal, &self.totals),
            wanted: goal.version().map(str::to_owned),
            held: self.held,
            totals: self.totals,
            instances: self.instances,
        }
    }
}
