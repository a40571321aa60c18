use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use confbus_protocol::CommitId;
use indexmap::{IndexMap, IndexSet};

use super::status::Status;
use crate::{
    environment_repository::Judgement,
    ledger::Converged,
    refresh::{Told, Whom},
};

/// Commits that may wait; of more, the oldest are left out.
const MAX_WAITING: usize = 256;
/// How long a served commit waits to hear who is told of it.
const UNTIL_TOLD: Duration = Duration::from_secs(5);
/// How long it is remembered who is told of a commit that nobody has judged yet.
const UNTIL_JUDGED: Duration = Duration::from_secs(60);

/// What is still to be said of commits, for each the newest; knows no clock.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: IndexMap<Key, Waiting>,
    /// Commits of which was said that they are served, and not yet what became of them; the oldest go first.
    served: IndexSet<Key>,
    /// The host wants to hear nothing before.
    rests_until: Option<Instant>,
}

type Key = (Arc<str>, CommitId);

#[derive(Debug)]
struct Waiting {
    judgement: Option<Judgement>,
    whom: Option<Whom>,
    converged: Option<Converged>,
    due: Instant,
    failures: u32,
}

/// What is to be said now.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) status: Status,
    /// Tries so far.
    pub(super) failures: u32,
}

impl Queue {
    /// Notes how a commit is.
    pub(super) fn judged(&mut self, judgement: Judgement, now: Instant) {
        let key = (Arc::clone(&judgement.repository), judgement.commit);
        let waiting = self.entry(key, now);
        let is_ready = judgement.broken.is_some() || waiting.whom.is_some();
        waiting.due = if is_ready { now } else { now + UNTIL_TOLD };
        waiting.failures = 0;
        waiting.judgement = Some(judgement);
    }

    /// Notes who is told of a commit.
    pub(super) fn told(&mut self, told: &Told, now: Instant) {
        let key = (Arc::clone(&told.repository), told.commit);
        let waiting = self.entry(key, now);
        waiting.whom = Some(told.whom);
        if waiting.judgement.is_none() {
            waiting.due = now + UNTIL_JUDGED;
        } else if waiting.failures == 0 {
            waiting.due = now;
        }
    }

    /// Notes what became of a commit: said once, and only of those of which something was said.
    pub(super) fn converged(&mut self, converged: Converged, now: Instant) {
        let key = (Arc::clone(&converged.repository), converged.commit);
        if self.served.shift_remove(&key) {
            let waiting = self.entry(key.clone(), now);
            waiting.judgement.get_or_insert_with(|| Judgement {
                repository: Arc::clone(&converged.repository),
                commit: converged.commit,
                broken: None,
            });
        }
        if let Some(waiting) = self.waiting.get_mut(&key) {
            waiting.converged = Some(converged);
        }
    }

    /// When there is something to do.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let due = self.waiting.values().map(|waiting| waiting.due).min()?;
        Some(self.rests_until.map_or(due, |rest| rest.max(due)))
    }

    /// Takes out what is to be said now.
    pub(super) fn take(&mut self, now: Instant) -> Option<Due> {
        if self.rests_until.is_some_and(|until| until > now) {
            return None;
        }
        loop {
            let mut waiting = self.waiting.values();
            let index = waiting.position(|waiting| waiting.due <= now)?;
            let (key, taken) = self.waiting.shift_remove_index(index)?;
            // What nobody judged in time was no move of a label.
            if let Some(judgement) = taken.judgement {
                let status = Status {
                    judgement,
                    whom: taken.whom,
                    converged: taken.converged,
                };
                self.remember(key, &status);
                return Some(Due {
                    status,
                    failures: taken.failures,
                });
            }
        }
    }

    /// Puts back what failed, unless there is something newer to say of the commit.
    pub(super) fn again(&mut self, due: Due, at: Instant) {
        let judgement = due.status.judgement;
        let key = (Arc::clone(&judgement.repository), judgement.commit);
        let known = self.waiting.get(&key);
        if known.is_some_and(|waiting| waiting.judgement.is_some()) {
            return;
        }
        let waiting = self.entry(key, at);
        waiting.whom = waiting.whom.or(due.status.whom);
        waiting.converged = waiting.converged.take().or(due.status.converged);
        waiting.judgement = Some(judgement);
        (waiting.due, waiting.failures) = (at, due.failures + 1);
    }

    /// Says nothing before.
    pub(super) fn rest(&mut self, until: Instant) {
        self.rests_until = self.rests_until.max(Some(until));
    }

    /// Whether something is still to be said of a commit after this.
    fn remember(&mut self, key: Key, status: &Status) {
        if status.judgement.broken.is_some() || status.converged.is_some() {
            self.served.shift_remove(&key);
            return;
        }
        if self.served.len() >= MAX_WAITING {
            self.served.shift_remove_index(0);
        }
        self.served.insert(key);
    }

    fn entry(&mut self, key: Key, now: Instant) -> &mut Waiting {
        if self.waiting.len() >= MAX_WAITING && !self.waiting.contains_key(&key) {
            self.waiting.shift_remove_index(0);
        }
        self.waiting.entry(key).or_insert(Waiting {
            judgement: None,
            whom: None,
            converged: None,
            due: now,
            failures: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit_status::status::testing::{broken, converged, judgement};

    fn told(commit: u8, number: usize) -> Told {
        let judgement = judgement(commit, None);
        Told {
            repository: judgement.repository,
            commit: judgement.commit,
            whom: Whom::Applications(number),
        }
    }

    /// The descriptions of all that is to be said at a time.
    fn said(queue: &mut Queue, now: Instant) -> Vec<String> {
        let due = std::iter::from_fn(|| queue.take(now));
        due.map(|due| due.status.description(100)).collect()
    }

    #[test]
    fn a_served_commit_waits_a_little_to_hear_who_is_told() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.judged(judgement(1, None), now);
        assert_eq!(queue.next_due(), Some(now + UNTIL_TOLD));
        assert!(queue.take(now).is_none());
        queue.told(&told(1, 2), now);
        assert_eq!(said(&mut queue, now), ["served; 2 applications are told"]);

        queue.told(&told(2, 1), now);
        assert!(queue.take(now).is_none());
        queue.judged(judgement(2, None), now);
        assert_eq!(said(&mut queue, now), ["served; 1 application is told"]);

        queue.judged(judgement(3, None), now);
        assert_eq!(said(&mut queue, now + UNTIL_TOLD), ["served"]);
        queue.judged(judgement(4, Some(broken())), now);
        assert_eq!(said(&mut queue, now).len(), 1);
    }

    #[test]
    fn what_became_of_a_commit_is_said_once_after_it_was_served() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let later = now + UNTIL_TOLD;
        queue.converged(converged(1, false), now);
        assert_eq!(queue.next_due(), None, "nothing was said of it");
        queue.judged(judgement(1, None), now);
        assert_eq!(said(&mut queue, later), ["served"]);
        queue.converged(converged(1, true), later);
        let sentence = "0101010 is live on 2 of 3 instances; 1 rejected it";
        assert_eq!(said(&mut queue, later), [sentence]);
        queue.converged(converged(1, false), later);
        assert_eq!(queue.next_due(), None);

        // Before the first was said, one is enough.
        queue.told(&told(2, 1), now);
        queue.converged(converged(2, false), now);
        queue.judged(judgement(2, None), now);
        assert_eq!(
            said(&mut queue, now),
            ["0202020 is live on 2 of 3 instances"]
        );
        queue.converged(converged(2, false), now);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn of_a_held_commit_nothing_else_is_said_and_what_fails_is_not_lost() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.judged(judgement(1, None), now);
        let later = now + UNTIL_TOLD;
        let first = queue.take(later).unwrap();
        queue.again(first, later);
        queue.converged(converged(1, false), later);
        let second = queue.take(later).unwrap();
        assert!(second.status.converged.is_some());
        queue.again(second, later);
        assert!(queue.take(later).unwrap().status.converged.is_some());

        queue.judged(judgement(2, None), now);
        queue.take(later).unwrap();
        queue.judged(judgement(2, Some(broken())), later);
        queue.take(later).unwrap();
        queue.converged(converged(2, false), later);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn who_is_told_of_what_nobody_judges_is_forgotten() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.told(&told(1, 2), now);
        assert!(queue.take(now + UNTIL_JUDGED).is_none());
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn of_a_commit_the_newest_is_said() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.judged(judgement(1, Some(broken())), now);
        let first = queue.take(now).unwrap();
        let later = now + Duration::from_secs(5);
        queue.again(first, later);
        assert_eq!(queue.next_due(), Some(later));
        // Who is told does not cut the pause short.
        queue.told(&told(1, 2), now);
        assert_eq!(queue.next_due(), Some(later));
        let again = queue.take(later).unwrap();
        assert_eq!(again.failures, 1);

        queue.judged(judgement(1, None), now);
        queue.again(again, now);
        let now = now + UNTIL_TOLD;
        assert_eq!(said(&mut queue, now), ["served"]);
        assert_eq!(queue.next_due(), None);
    }

    #[test]
    fn nothing_is_said_while_the_host_wants_to_be_left_alone() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let until = now + Duration::from_secs(7);
        queue.rest(until);
        queue.rest(now);
        queue.judged(judgement(1, Some(broken())), now);
        assert!(queue.take(now).is_none());
        assert_eq!(queue.next_due(), Some(until));
        assert_eq!(said(&mut queue, until).len(), 1);
    }

    #[test]
    fn of_too_many_the_oldest_are_left_out() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        for number in 0..=u8::MAX {
            queue.judged(judgement(number, Some(broken())), now);
        }
        queue.judged(judgement(0, Some(broken())), now);
        assert_eq!(queue.waiting.len(), MAX_WAITING);
        let mut other = judgement(0, Some(broken()));
        other.repository = "https://git.example/acme/other".into();
        queue.judged(other, now);
        assert_eq!(queue.waiting.len(), MAX_WAITING);
        for number in 0..=u8::MAX {
            let key = (Arc::from("other"), judgement(number, None).commit);
            let status = crate::commit_status::status::testing::served();
            queue.remember(key.clone(), &status);
            queue.remember((Arc::from("more"), key.1), &status);
        }
        assert_eq!(queue.served.len(), MAX_WAITING);
        let first = queue.take(now).unwrap().status.judgement.commit;
        assert_eq!(first, judgement(1, None).commit);
    }
}
