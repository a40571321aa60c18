use std::{cell::RefCell, collections::HashMap};

use confbus_protocol::{BusId, Destination};
use serde::Serialize;

use super::{
    super::{
        Sight,
        changes::ChangesView,
        coordinates::Coordinates,
        entry::Trigger,
        pin_step::PinStepView,
        records::Records,
        refresh::{Event, Moment, Moved, Refresh, What},
        state::{Evidence, State},
    },
    time,
};

/// Refreshes, newest first.
#[derive(Debug, Serialize)]
pub(crate) struct RefreshesView {
    schema: &'static str,
    pub(crate) refreshes: Vec<RefreshView>,
}

/// One refresh, with all that is known of it.
#[derive(Debug, Serialize)]
pub(crate) struct RefreshDetails {
    #[serde(flatten)]
    pub(crate) refresh: RefreshView,
    pub(crate) changes: Option<ChangesView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct RefreshView {
    pub(crate) id: String,
    pub(crate) trigger: Trigger,
    /// Left out where that is nobody who is seen.
    pub(crate) origin: Option<String>,
    pub(crate) labels: Vec<Moved>,
    /// What became of pins that are seen.
    pub(crate) pins: Vec<PinStepView>,
    pub(crate) destinations: Vec<String>,
    pub(crate) events: Vec<String>,
    pub(crate) started: String,
    pub(crate) published: Option<String>,
    pub(crate) told: Vec<ToldView>,
    pub(crate) timeline: Vec<MomentView>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ToldView {
    pub(crate) instance: BusId,
    pub(crate) state: State,
    pub(crate) evidence: Evidence,
}

#[derive(Debug, Serialize)]
pub(crate) struct MomentView {
    pub(crate) time: String,
    pub(crate) what: What,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<BusId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// What somebody sees of the refreshes.
struct Seen<'r> {
    records: &'r Records,
    sight: &'r dyn Sight,
    now: i64,
    /// Of each instance whether it is seen: the same ones are told again and again.
    instances: RefCell<HashMap<BusId, bool>>,
}

/// Refreshes that may concern somebody, newest first, and of them so many.
pub(in super::super) fn refreshes(
    records: &Records,
    most: usize,
    sight: &dyn Sight,
    now: i64,
) -> RefreshesView {
    let seen = Seen::new(records, sight, now);
    let newest_first = records.refreshes.iter().rev();
    RefreshesView {
        schema: "confbus.refreshes/1",
        refreshes: newest_first
            .filter_map(|refresh| seen.refresh(refresh))
            .take(most)
            .collect(),
    }
}

/// The refresh with this id, if it may concern somebody.
pub(in super::super) fn refresh(
    records: &Records,
    id: &str,
    sight: &dyn Sight,
    now: i64,
) -> Option<RefreshDetails> {
    let seen = Seen::new(records, sight, now);
    let mut refreshes = records.refreshes.iter();
    let refresh = refreshes.find(|refresh| refresh.is_called(id))?;
    Some(RefreshDetails {
        refresh: seen.refresh(refresh)?,
        changes: refresh
            .changes
            .as_ref()
            .map(|changes| ChangesView::of(changes, sight)),
    })
}

impl<'r> Seen<'r> {
    fn new(records: &'r Records, sight: &'r dyn Sight, now: i64) -> Self {
        Self {
            records,
            sight,
            now,
            instances: RefCell::default(),
        }
    }

    /// `None` where nobody was told who is seen.
    fn refresh(&self, refresh: &Refresh) -> Option<RefreshView> {
        let destinations = refresh.destinations.iter();
        let destinations: Vec<_> = destinations
            .filter(|destination| self.is_destination(destination))
            .cloned()
            .collect();
        if destinations.is_empty() && !self.sight.is_whole() {
            return None;
        }
        let told = refresh.told.iter().filter(|(id, _)| self.is_instance(id));
        let told = told.map(|(instance, answer)| {
            let (state, evidence) = answer.state(self.now);
            ToldView {
                instance: instance.clone(),
                state,
                evidence,
            }
        });
        let labels = refresh.labels.iter();
        let labels = labels.filter(|moved| self.sight.has_label(&moved.label));
        let pins = refresh.pins.iter();
        let pins = pins.filter_map(|step| PinStepView::of(step, self.sight));
        let events = refresh.events.iter().filter(|event| self.is_event(event));
        let timeline = refresh.timeline.iter();
        Some(RefreshView {
            id: refresh.id.to_string(),
            trigger: refresh.trigger,
            origin: self
                .is_origin(&refresh.origin)
                .then(|| refresh.origin.clone()),
            labels: labels.cloned().collect(),
            pins: pins.collect(),
            destinations,
            events: events.map(|event| event.id.clone()).collect(),
            started: time(refresh.started),
            published: refresh.published.map(time),
            told: told.collect(),
            timeline: timeline.filter_map(|moment| self.moment(moment)).collect(),
        })
    }

    fn moment(&self, moment: &Moment) -> Option<MomentView> {
        let instance = moment.instance.as_ref();
        if instance.is_some_and(|instance| !self.is_instance(instance)) {
            return None;
        }
        let detail = moment.detail.as_deref();
        let is_seen = match (moment.what, detail) {
            (What::Published, Some(destination)) => self.is_destination(destination),
            // The reason names the destination.
            (What::Failed, Some(_)) => self.sight.is_whole(),
            _ => true,
        };
        is_seen.then(|| MomentView {
            time: time(moment.time),
            what: moment.what,
            instance: instance.cloned(),
            detail: moment.detail.clone(),
        })
    }

    fn is_destination(&self, destination: &str) -> bool {
        let destination = Destination::from_wire(destination);
        self.sight.may_be_meant(&destination)
    }

    fn is_event(&self, event: &Event) -> bool {
        self.sight.is_whole()
            || event
                .destination
                .as_deref()
                .is_some_and(|destination| self.is_destination(destination))
    }

    fn is_origin(&self, origin: &str) -> bool {
        self.sight.is_whole() || BusId::new(origin).is_ok_and(|origin| self.is_instance(&origin))
    }

    fn is_instance(&self, id: &BusId) -> bool {
        if self.sight.is_whole() {
            return true;
        }
        if let Some(is_seen) = self.instances.borrow().get(id) {
            return *is_seen;
        }
        let is_seen = self.judge(id);
        self.instances.borrow_mut().insert(id.clone(), is_seen);
        is_seen
    }

    /// By what it asks for, or else by its name.
    fn judge(&self, id: &BusId) -> bool {
        match self.records.instances.get(id) {
            Some(instance) => instance.coordinates.are_seen_by(self.sight),
            None => Coordinates::of_bus_id(id).are_seen_by(self.sight),
        }
    }
}

#[cfg(test)]
mod tests;
