//! How long refreshes take, for metrics: what was under way at a stop is not counted.

use std::time::Duration;

use super::{
    super::{
        entry::RefreshId,
        records::Records,
        refresh::{Refresh, What},
        state::State,
    },
    LONGEST_ANSWER,
};
use crate::metrics::{Answer, Fleet};

/// What a book counts.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Counts {
    pub(in crate::ledger) fleet: Fleet,
    unfinished: Vec<Unfinished>,
}

/// A refresh that waits for answers.
#[derive(Debug)]
struct Unfinished {
    refresh: RefreshId,
    last_answer: i64,
}

impl Counts {
    /// An event of a refresh went out.
    pub(super) fn published(&mut self, refresh: &RefreshId, now: i64) {
        let mut known = self.unfinished.iter();
        if !known.any(|known| known.refresh == *refresh) {
            self.unfinished.push(Unfinished {
                refresh: refresh.clone(),
                last_answer: now,
            });
        }
    }

    /// One who was told stands there now, and how that is known.
    pub(super) fn answered(
        &mut self,
        refresh: &Refresh,
        application: &str,
        state: State,
        evidence: &'static str,
        at: i64,
    ) {
        if matches!(state, State::Live | State::Same | State::Restart) {
            self.fleet
                .applied(application, evidence, since(begun(refresh), at));
        }
        let mut known = self.unfinished.iter_mut();
        if let Some(known) = known.find(|known| known.refresh == refresh.id) {
            known.last_answer = known.last_answer.max(at);
        }
    }

    /// Counts the refreshes that are over by now.
    pub(super) fn finish(&mut self, records: &Records, now: i64) {
        let fleet = &self.fleet;
        self.unfinished.retain(|unfinished| {
            let Some(refresh) = records.refresh(&unfinished.refresh) else {
                return false;
            };
            let is_late = now - begun(refresh) > LONGEST_ANSWER;
            let (answer, end) = match answer(refresh, now) {
                Some(answer) => (answer, unfinished.last_answer),
                None if is_late && !refresh.told.is_empty() => (Answer::Timeout, now),
                // Nobody was told after all.
                None => return !is_late,
            };
            fleet.converged(answer, since(begun(refresh), end));
            false
        });
    }
}

/// How a refresh ended; `None` as long as somebody has not answered, or is still to be told.
fn answer(refresh: &Refresh, now: i64) -> Option<Answer> {
    if refresh.told.is_empty() || !refresh.owed.is_empty() {
        return None;
    }
    let mut whole = Answer::Live;
    for answer in refresh.told.values() {
        match answer.state(now).0 {
            State::Live | State::Same | State::Restart => {}
            State::Rejected => whole = Answer::Rejected,
            State::Told | State::Served | State::Applying | State::Silent => return None,
        }
    }
    Some(whole)
}

/// When what it is about came into service, or when it began where nothing did.
fn begun(refresh: &Refresh) -> i64 {
    let mut moments = refresh.timeline.iter();
    let swapped = moments.find(|moment| moment.what == What::Swapped);
    swapped.map_or(refresh.started, |moment| moment.time)
}

fn since(begun: i64, at: i64) -> Duration {
    Duration::from_millis(u64::try_from(at - begun).unwrap_or_default())
}
