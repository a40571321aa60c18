//! The fleet without its instances: how many of each address stand where. Tens of thousands of them cost little.

use std::collections::{
    HashMap,
    hash_map::Entry::{Occupied, Vacant},
};

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;

use super::{
    super::{
        Sight, Version,
        coordinates::Coordinates,
        instance::Instance,
        records::Records,
        sentence::{Column, Goal, Sentence, Totals},
        state::{Evidence, State, Wanted},
    },
    wanted_in, wanted_of,
};

/// How far the fleet is.
#[derive(Debug)]
pub(crate) struct FleetSummary {
    /// As in [`FleetView`](super::FleetView).
    pub(crate) sentence: String,
    pub(crate) totals: Totals,
    /// In the order of their names.
    pub(crate) parts: Vec<FleetPart>,
}

/// All who ask for the same.
#[derive(Debug)]
pub(crate) struct FleetPart {
    pub(crate) application: String,
    /// By comma.
    pub(crate) profiles: String,
    pub(crate) label: Option<String>,
    /// The version that the label names, if it is the same for all.
    pub(crate) wanted: Option<String>,
    /// How many stand where, each place once.
    pub(crate) places: Vec<(Place, usize)>,
    /// Why the first of those who refused it did.
    pub(crate) reason: Option<String>,
}

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) state: State,
    pub(crate) evidence: Evidence,
    pub(crate) counts_as: Column,
}

/// A part that is being counted.
struct Counting<'r> {
    version: Version,
    /// The number of the content that it has.
    content: Option<u64>,
    goal: Option<Goal>,
    places: Vec<(Place, usize)>,
    rejected: Option<(&'r BusId, &'r str)>,
}

/// All of it, as far as somebody may see it.
pub(in super::super) fn summary(
    records: &Records,
    sight: &dyn Sight,
    now: i64,
    wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
) -> FleetSummary {
    let mut counted: HashMap<&Coordinates, Option<Counting<'_>>> = HashMap::new();
    let shown = records.instances.values();
    for instance in shown.filter(|instance| instance.is_shown()) {
        let coordinates = &instance.coordinates;
        let ask = || Counting::of(records, instance, &wanted);
        let part = match counted.entry(coordinates) {
            Vacant(vacant) => {
                let is_seen = coordinates.are_seen_by(sight);
                vacant.insert(is_seen.then(ask))
            }
            Occupied(known) => {
                let known = known.into_mut();
                // Each is given its own.
                if let Some(part) = known.as_mut().filter(|part| !part.version.is_for_all) {
                    let own = ask();
                    (part.version, part.content) = (own.version, own.content);
                }
                known
            }
        };
        if let Some(part) = part {
            part.add(instance, now);
        }
    }
    let mut parts: Vec<_> = counted.into_iter().collect();
    parts.sort_by_cached_key(|(coordinates, _)| coordinates.names());
    let shown = parts.into_iter();
    let shown = shown.filter_map(|(coordinates, part)| Some(part?.shown(coordinates)));
    FleetSummary::of(shown.collect())
}

impl FleetSummary {
    fn of(parts: Vec<FleetPart>) -> Self {
        let mut totals = Totals::default();
        for (place, count) in parts.iter().flat_map(|part| &part.places) {
            totals.count_many(place.counts_as, *count);
        }
        let goal = Goal::of(parts.iter().map(|part| part.wanted.as_deref()));
        let sentence = Sentence {
            goal: &goal,
            totals: &totals,
        };
        Self {
            sentence: sentence.to_string(),
            totals,
            parts,
        }
    }
}

impl<'r> Counting<'r> {
    fn of(
        records: &Records,
        instance: &Instance,
        wanted: impl Fn(&EnvironmentRequest, &BusId) -> Version,
    ) -> Self {
        let coordinates = &instance.coordinates;
        let version = wanted_of(coordinates, &instance.id, wanted);
        let content = wanted_in(records, coordinates, version.current.as_ref()).content;
        Self {
            version,
            content,
            goal: None,
            places: Vec::new(),
            rejected: None,
        }
    }

    fn add(&mut self, instance: &'r Instance, now: i64) {
        let current = self.version.current.as_ref();
        let current = current.map(|current| current.version.as_str());
        let held = self.version.held.as_ref();
        let wanted = Wanted {
            version: current,
            content: self.content,
        };
        let (state, evidence) = instance.state(wanted, now);
        let place = Place {
            state,
            evidence,
            counts_as: Column::of(state, held.is_some()),
        };
        let named = held.map(|held| held.wanted.as_str()).or(current);
        let known = self.goal.as_ref();
        if known.is_none_or(|goal| goal.version() != named) {
            let first = known.is_none().then(|| Goal::of([named]));
            self.goal = Some(first.unwrap_or(Goal::Several));
        }
        match self.places.iter_mut().find(|(known, _)| *known == place) {
            Some((_, count)) => *count += 1,
            None => self.places.push((place, 1)),
        }
        let rejected = instance.rejected.as_ref();
        if let Some(rejected) = rejected.filter(|_| state == State::Rejected) {
            let this = (&instance.id, rejected.reason.as_str());
            let first = self.rejected.filter(|(id, _)| *id < this.0);
            self.rejected = Some(first.unwrap_or(this));
        }
    }

    fn shown(self, coordinates: &Coordinates) -> FleetPart {
        let (application, profiles, label) = coordinates.names();
        let wanted = self.goal.as_ref().and_then(Goal::version);
        let profiles: Vec<_> = profiles.split(',').map(str::trim).collect();
        FleetPart {
            application,
            profiles: profiles.join(","),
            label,
            wanted: wanted.map(str::to_owned),
            places: self.places,
            reason: self.rejected.map(|(_, reason)| reason.to_owned()),
        }
    }
}
