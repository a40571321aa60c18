mod learn;

use confbus_protocol::{BusId, Destination};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    changes::Changes,
    coordinates::shortened,
    entry::{LabelMoved, RefreshId, Started, Trigger},
    instance::{Ack, Instance},
    pin_step::PinStep,
    state::{Evidence, State},
};
use crate::look::Authorship;

/// Instances that one refresh remembers to have told.
const MAX_TOLD: usize = 1000;
/// Entries of a timeline.
const MAX_TIMELINE: usize = 500;
/// Events, destinations, labels and pins of one refresh.
pub(super) const MAX_PARTS: usize = 100;

/// One movement of labels, or one wish that everyone look again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Refresh {
    pub(super) id: RefreshId,
    /// By what it was known here before its own server told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) known_as: Option<RefreshId>,
    pub(super) trigger: Trigger,
    pub(super) origin: String,
    pub(super) labels: Vec<Moved>,
    /// What became of pins; not noted by earlier versions.
    #[serde(default)]
    pub(super) pins: Vec<PinStep>,
    pub(super) destinations: Vec<String>,
    /// Destinations that are still to be told.
    #[serde(default)]
    pub(super) owed: Vec<String>,
    /// Which keys are different; `None` when nobody compared, or that was long ago.
    #[serde(default)]
    pub(super) changes: Option<Changes>,
    pub(super) events: Vec<Event>,
    pub(super) started: i64,
    pub(super) published: Option<i64>,
    pub(super) told: IndexMap<BusId, Answer>,
    pub(super) timeline: Vec<Moment>,
}

/// A label that moved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Moved {
    pub(crate) repository: String,
    pub(crate) label: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    /// Not known of moves that were noted before there were generations.
    #[serde(default)]
    pub(crate) generation: Option<u64>,
    /// That of the commit to which it moved, as far as it is known.
    #[serde(flatten)]
    pub(crate) authorship: Option<Authorship>,
}

/// An event that went out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Event {
    pub(super) id: String,
    /// Where in the order of all entries.
    pub(super) order: u64,
    /// Not known of events that were noted before it was.
    #[serde(default)]
    pub(super) destination: Option<String>,
}

/// What came back from one who was told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Answer {
    state: State,
    evidence: Evidence,
    pub(super) ack: Option<Ack>,
}

/// Something that happened in a refresh.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Moment {
    pub(super) time: i64,
    pub(super) what: What,
    pub(super) instance: Option<BusId>,
    pub(super) detail: Option<String>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    Looked,
    Swapped,
    Published,
    Acked,
    Fetched,
    Applied,
    Rejected,
    Failed,
}

impl Refresh {
    pub(super) fn new(id: RefreshId, started: Started, now: i64) -> Self {
        let labels = started.labels.into_iter().take(MAX_PARTS);
        Self {
            id,
            known_as: None,
            trigger: started.trigger,
            origin: shortened(started.origin),
            labels: labels.map(Moved::from).collect(),
            pins: started.pins.into_iter().take(MAX_PARTS).collect(),
            destinations: Vec::new(),
            owed: Vec::new(),
            changes: None,
            events: Vec::new(),
            started: now,
            published: None,
            told: IndexMap::new(),
            timeline: Vec::new(),
        }
    }

    pub(super) fn is_called(&self, id: &str) -> bool {
        let before = self.known_as.as_ref().map(RefreshId::as_str);
        self.id.as_str() == id || before == Some(id)
    }

    /// Notes who is to be told; of too many, everyone.
    pub(super) fn owes(&mut self, destinations: &[Destination]) {
        let everyone = [Destination::everyone()];
        let are_many = destinations.len() > MAX_PARTS;
        let owed = if are_many { &everyone } else { destinations };
        self.owed = owed.iter().map(ToString::to_string).collect();
    }

    /// Notes an event that goes out.
    pub(super) fn publish(&mut self, event: Event, destination: String, now: i64) {
        if self.events.len() < MAX_PARTS && !event.id.is_empty() {
            self.events.push(event);
        }
        if self.destinations.len() < MAX_PARTS && !self.destinations.contains(&destination) {
            self.destinations.push(destination.clone());
        }
        self.published.get_or_insert(now);
        self.happened(What::Published, None, Some(destination), now);
    }

    /// An event did not go out after all.
    pub(super) fn take_back(&mut self, event: &str, destination: &str) {
        let destination = shortened(destination.to_owned());
        self.events.retain(|known| known.id != event);
        self.destinations.retain(|known| *known != destination);
        let is_it = |moment: &Moment| {
            moment.what == What::Published && moment.detail.as_deref() == Some(&destination)
        };
        if let Some(at) = self.timeline.iter().rposition(is_it) {
            self.timeline.remove(at);
        }
        let published = |moment: &&Moment| moment.what == What::Published;
        let first = self.timeline.iter().find(published);
        self.published = first.map(|moment| moment.time);
    }

    /// Whether one who was told showed that it heard of it.
    pub(super) fn has_answer_of(&self, instance: &BusId) -> bool {
        let answer = self.told.get(instance);
        answer.is_some_and(|answer| answer.state != State::Told || answer.ack.is_some())
    }

    /// Notes that an event was for this one.
    pub(super) fn tell(&mut self, instance: &BusId) {
        if self.told.len() < MAX_TOLD {
            self.told.entry(instance.clone()).or_insert(Answer {
                state: State::Told,
                evidence: Evidence::Nothing,
                ack: None,
            });
        }
    }

    /// Who runs or refuses what this refresh is about when it is told has answered: it need not say so again.
    pub(super) fn answered_before(&mut self, instance: &Instance, now: i64) {
        if !self.waits_for(&instance.id) {
            return;
        }
        let applied = instance.applied.as_ref().filter(|applied| {
            applied.evidence == Evidence::Report && self.is_of(applied.version.as_deref())
        });
        let rejected = instance.rejected.as_ref();
        let rejected = rejected.filter(|rejected| self.is_of(rejected.version.as_deref()));
        let (state, what, detail) = match (applied, rejected) {
            (Some(applied), _) => {
                let is_whole = applied.restart.is_empty();
                let state = if is_whole {
                    State::Live
                } else {
                    State::Restart
                };
                (state, What::Applied, applied.version.clone())
            }
            (None, Some(rejected)) => {
                let reason = Some(rejected.reason.clone());
                (State::Rejected, What::Rejected, reason)
            }
            (None, None) => return,
        };
        self.answered(&instance.id, state, Evidence::Report);
        self.happened(what, Some(&instance.id), detail, now);
    }

    /// Nobody waits for this one any more; what it answered stays.
    pub(super) fn left(&mut self, instance: &BusId) {
        if self.waits_for(instance) {
            self.told.shift_remove(instance);
        }
    }

    pub(super) fn happened(
        &mut self,
        what: What,
        instance: Option<&BusId>,
        detail: Option<String>,
        now: i64,
    ) {
        if self.timeline.len() < MAX_TIMELINE {
            self.timeline.push(Moment {
                time: now,
                what,
                instance: instance.cloned(),
                detail: detail.map(shortened),
            });
        }
    }

    /// Whether this refresh waits for what becomes of it in this instance.
    pub(super) fn waits_for(&self, instance: &BusId) -> bool {
        self.told
            .get(instance)
            .is_some_and(|answer| !answer.is_final())
    }

    /// Whether a version has a commit to which a label moved here, and none that was left behind.
    fn is_of(&self, version: Option<&str>) -> bool {
        let mut commits = version.into_iter().flat_map(|version| version.split(','));
        let is_new = commits.any(|commit| self.labels.iter().any(|moved| moved.to == commit));
        is_new && self.is_served_by(version)
    }

    /// Whether whoever read this version has what this refresh is about: it does not stand before it.
    pub(super) fn is_served_by(&self, version: Option<&str>) -> bool {
        let mut outdated = self.outdated();
        let commits = || version.into_iter().flat_map(|version| version.split(','));
        !outdated.any(|old| commits().any(|commit| commit == old))
    }

    /// The versions from which labels moved. One that changed under its commit, as a work tree does, is not among them.
    pub(super) fn outdated(&self) -> impl Iterator<Item = &str> {
        let moved = self.labels.iter();
        moved
            .filter(|moved| moved.from.as_ref() != Some(&moved.to))
            .filter_map(|moved| moved.from.as_deref())
    }

    /// One who was told acked.
    pub(super) fn acked(&mut self, instance: &BusId, ack: Ack) {
        if let Some(answer) = self.told.get_mut(instance) {
            answer.ack = Some(ack);
        }
    }

    pub(super) fn ack_mut(&mut self, instance: &BusId) -> Option<&mut Ack> {
        self.told.get_mut(instance)?.ack.as_mut()
    }

    /// Those who were told and have not acked.
    pub(super) fn without_ack(&self) -> impl Iterator<Item = &BusId> {
        let told = self.told.iter();
        told.filter(|(_, answer)| answer.ack.is_none())
            .map(|(id, _)| id)
    }

    /// Notes where one who was told stands.
    pub(super) fn answered(&mut self, instance: &BusId, state: State, evidence: Evidence) {
        if let Some(answer) = self.told.get_mut(instance) {
            (answer.state, answer.evidence) = (state, evidence);
        }
    }
}

impl Answer {
    /// Where it stands, and how we know.
    pub(super) fn state(&self, now: i64) -> (State, Evidence) {
        match &self.ack {
            Some(ack) if !self.is_final() => {
                let is_proven = |proof: &super::instance::Proof| proof.settles_at <= now;
                if ack.proof.as_ref().is_some_and(is_proven) {
                    (State::Live, Evidence::AckAndRead)
                } else {
                    (State::Told, Evidence::Ack)
                }
            }
            _ => (self.state, self.evidence),
        }
    }

    /// Nothing more is to be said.
    fn is_final(&self) -> bool {
        self.evidence == Evidence::Report
    }
}

impl From<LabelMoved> for Moved {
    fn from(moved: LabelMoved) -> Self {
        Self {
            repository: shortened(moved.repository.to_string()),
            label: shortened(moved.label.to_string()),
            from: moved.from.map(|commit| commit.to_string()),
            to: moved.to.to_string(),
            generation: Some(moved.generation),
            authorship: moved.authorship.as_deref().cloned(),
        }
    }
}
