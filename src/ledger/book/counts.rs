//! How long refreshes take, for metrics: what was under way at a stop is not counted.

use std::{mem, time::Duration};

use confbus_protocol::CommitId;

use super::{
    super::{
        entry::{Converged, RefreshId},
        records::Records,
        refresh::{Refresh, What},
        sentence::{Column, Goal, Sentence, Totals},
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
    converged: Vec<Converged>,
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

    /// The moves that are over since the last call, however they ended but in silence.
    pub(in crate::ledger) fn take_converged(&mut self) -> Vec<Converged> {
        mem::take(&mut self.converged)
    }

    /// Counts the refreshes that are over by now.
    pub(super) fn finish(&mut self, records: &Records, now: i64) {
        let (fleet, all_converged) = (&self.fleet, &mut self.converged);
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
            if !matches!(answer, Answer::Timeout) {
                all_converged.extend(converged(refresh, now));
            }
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

/// What became of each commit to which a label moved.
fn converged(refresh: &Refresh, now: i64) -> Vec<Converged> {
    let mut totals = Totals::default();
    let states = refresh.told.values().map(|answer| answer.state(now).0);
    states.for_each(|state| totals.count(Column::of(state, false)));
    let labels = refresh.labels.iter();
    let all = labels.filter_map(|moved| {
        let goal = Goal::One(moved.to.clone());
        let (goal, totals) = (&goal, &totals);
        Some(Converged {
            repository: moved.repository.as_str().into(),
            commit: CommitId::parse(&moved.to)?,
            sentence: Sentence { goal, totals }.to_string(),
            is_rejected: totals.rejected > 0,
        })
    });
    all.collect()
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
