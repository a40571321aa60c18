//! Which events may still be answered, so that an answer becomes part of the same story.

use std::{
    collections::{HashSet, VecDeque},
    time::{Duration, SystemTime},
};

use confbus_protocol::{BusId, Destination};

use super::TraceContext;

/// Events that are kept in mind, the newest.
const MOST: usize = 64;
/// Nobody is waited for longer; the same as the ledger does.
const LONGEST: Duration = Duration::from_secs(600);
/// Answers that are nested in the trace of an event; those beyond it are traces of their own that link to it, because no page
/// shows thousands.
const NESTED: usize = 20;
/// Answers to one event that are told at all.
const ANSWERS: usize = 1000;
/// A longer name, in bytes, is nobody's.
const LONGEST_NAME: usize = 512;

/// An event that went out.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) event: String,
    pub(super) destination: Destination,
    /// The one commit that it speaks of.
    pub(super) commit: Option<String>,
    pub(super) at: SystemTime,
    pub(super) context: TraceContext,
    answered: HashSet<String>,
}

/// Where an answer belongs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) context: TraceContext,
    /// Else it links to it.
    pub(super) is_nested: bool,
    /// When the event went out.
    pub(super) at: SystemTime,
}

impl Publication {
    pub(super) fn new(
        event: &str,
        destination: &Destination,
        commit: Option<&str>,
        context: TraceContext,
    ) -> Self {
        Self {
            event: event.to_owned(),
            destination: destination.clone(),
            commit: commit.map(str::to_owned),
            at: SystemTime::now(),
            context,
            answered: HashSet::new(),
        }
    }

    fn answered_by(&mut self, instance: &str) -> Option<Place> {
        let is_old = self.at.elapsed().is_ok_and(|ago| ago > LONGEST);
        let is_strange = instance.len() > LONGEST_NAME;
        if is_old || is_strange || self.answered.len() >= ANSWERS {
            return None;
        }
        if !self.answered.insert(instance.to_owned()) {
            return None;
        }
        Some(Place {
            context: self.context.clone(),
            is_nested: self.answered.len() <= NESTED,
            at: self.at,
        })
    }
}

/// The newest of them, oldest first.
#[derive(Debug, Default)]
pub(super) struct Publications(VecDeque<Publication>);

impl Publications {
    pub(super) fn add(&mut self, publication: Publication) {
        if self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(publication);
    }

    /// The first answer of an instance to the newest event that told it to look for a commit, which may be one of several by
    /// comma that make a version.
    pub(super) fn applied(&mut self, instance: &BusId, version: &str) -> Option<Place> {
        let is_part = |commit: &str| version.split(',').any(|part| part == commit);
        let mut newest_first = self.0.iter_mut().rev();
        let told = newest_first.find(|one| {
            let speaks_of = one.commit.as_deref();
            speaks_of.is_none_or(is_part) && one.destination.matches(instance)
        });
        told?.answered_by(instance.as_str())
    }

    /// The first answer of an instance to an event that it names.
    pub(super) fn acked(&mut self, instance: &str, event: &str) -> Option<Place> {
        let mut newest_first = self.0.iter_mut().rev();
        let told = newest_first.find(|one| one.event == event);
        told?.answered_by(instance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> BusId {
        BusId::new(format!("orders:{number}:x")).unwrap()
    }

    fn publications() -> Publications {
        let mut all = Publications::default();
        for (event, commit) in [("e1", Some("a")), ("e2", Some("b")), ("e3", None)] {
            let name = if commit.is_some() {
                "orders"
            } else {
                "payments"
            };
            let destination = Destination::complete(name);
            all.add(Publication::new(
                event,
                &destination,
                commit,
                TraceContext::default(),
            ));
        }
        all
    }

    #[test]
    fn an_answer_finds_the_event_that_asked_for_it() {
        let mut all = publications();
        assert!(all.applied(&id(1), "a").is_some());
        assert!(all.applied(&id(1), "a").is_none(), "once");
        assert!(all.applied(&id(1), "b").is_some());
        assert!(all.applied(&id(1), "c").is_none());
        assert!(all.applied(&id(2), "c,a").is_some());
        assert!(all.applied(&id(3), "c,ab").is_none());
        let other = BusId::new("payments:1:x").unwrap();
        assert!(all.applied(&other, "c").is_some());
        assert!(all.acked("orders:2:x", "e2").is_some());
        assert!(all.acked("orders:2:x", "e4").is_none());
        assert!(all.acked(&"x".repeat(LONGEST_NAME + 1), "e2").is_none());
    }

    #[test]
    fn the_first_are_nested_and_all_have_an_end() {
        let mut all = publications();
        let places = (0..2 * ANSWERS).map_while(|number| all.applied(&id(number), "a"));
        let nested: Vec<_> = places.map(|place| place.is_nested).collect();
        assert_eq!(nested.len(), ANSWERS);
        assert!(nested[..NESTED].iter().all(|nested| *nested));
        assert!(!nested[NESTED..].iter().any(|nested| *nested));
        for number in 0..2 * MOST {
            let event = number.to_string();
            let everyone = Destination::everyone();
            all.add(Publication::new(
                &event,
                &everyone,
                None,
                TraceContext::default(),
            ));
        }
        assert_eq!(all.0.len(), MOST);
        assert!(all.acked("orders:1:x", "e1").is_none());
    }
}
