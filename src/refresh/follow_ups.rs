//! Pushes that were reported before they could be seen: a Git host may send its webhook before all of its servers show what was
//! pushed.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use confbus_protocol::CommitId;
use indexmap::{IndexMap, IndexSet};
use tokio::{sync::Notify, time::Instant};
use tracing::{debug, info};

/// How long to wait before each further look. Whatever takes longer, the poll finds.
const PAUSES: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// Branches that are waited for at once; those beyond it are left to the poll.
const MOST_BRANCHES: usize = 64;
/// Commits of one branch that are waited for, and names that are to be told then.
const MOST_EACH: usize = 64;

/// The branches to look at again, and when.
#[derive(Debug, Default)]
pub(super) struct FollowUps {
    /// By their full names.
    waiting: Mutex<IndexMap<String, Waiting>>,
    /// Something is due earlier than before.
    rung: Notify,
}

#[derive(Debug)]
struct Waiting {
    expected: Expected,
    /// Looks that brought nothing, but for the first one.
    tries: usize,
    /// `None` during a look.
    due: Option<Instant>,
}

/// What is expected of a branch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Expected {
    /// The commits that deliveries say it names.
    pub(super) commits: IndexSet<CommitId>,
    /// Whom Spring would tell.
    pub(super) guessed: IndexSet<String>,
}

/// A branch to look at now.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) branch: String,
    pub(super) expected: Expected,
    tries: usize,
}

impl FollowUps {
    /// Expects something that a look has not brought. Whatever is reported of a branch meanwhile joins what it waits for,
    /// which begins anew.
    pub(super) fn expect(&self, branch: &str, expected: Expected) {
        let mut waiting = self.waiting();
        if !waiting.contains_key(branch) {
            if waiting.len() >= MOST_BRANCHES {
                debug!(
                    branch,
                    "too much is waited for; the poll finds what was pushed"
                );
                return;
            }
            info!(
                branch,
                "a push was reported that cannot be seen yet; looking again for some seconds"
            );
        }
        waiting.entry(branch.to_owned()).or_default().join(expected);
        drop(waiting);
        self.rung.notify_one();
    }

    /// Takes what a look has not brought either, for the next one; after the last one it is left to the poll.
    pub(super) fn looked(&self, due: Due) {
        let Due {
            branch,
            expected,
            tries,
        } = due;
        let mut waiting = self.waiting();
        let Some(of_branch) = waiting.get_mut(&branch) else {
            return;
        };
        if of_branch.due.is_some() {
            // More was reported during the look, and has all its time.
            of_branch.expected.join(expected);
            return;
        }
        let pause = PAUSES.get(tries + 1);
        if let Some(pause) = pause.filter(|_| !expected.commits.is_empty()) {
            *of_branch = Waiting {
                expected,
                tries: tries + 1,
                due: Some(Instant::now() + *pause),
            };
            return;
        }
        waiting.swap_remove(&branch);
        if !expected.commits.is_empty() {
            info!(
                branch,
                "the push that was reported did not come into view; the poll finds it"
            );
        }
    }

    /// Waits for the next branch to look at.
    pub(super) async fn due(&self) -> Due {
        loop {
            let rung = self.rung.notified();
            let next = {
                let waiting = self.waiting();
                let due = waiting
                    .iter()
                    .filter_map(|(branch, waiting)| Some((branch, waiting.due?)));
                let next = due.min_by_key(|(_, at)| *at);
                next.map(|(branch, at)| (branch.clone(), at))
            };
            match next {
                None => rung.await,
                Some((branch, at)) if at <= Instant::now() => {
                    if let Some(due) = self.take(branch) {
                        return due;
                    }
                }
                Some((_, at)) => tokio::select! {
                    () = tokio::time::sleep_until(at) => {}
                    () = rung => {}
                },
            }
        }
    }

    fn take(&self, branch: String) -> Option<Due> {
        let mut waiting = self.waiting();
        let of_branch = waiting.get_mut(&branch)?;
        of_branch.due = None;
        Some(Due {
            expected: std::mem::take(&mut of_branch.expected),
            tries: of_branch.tries,
            branch,
        })
    }

    /// Never held across a wait.
    fn waiting(&self) -> MutexGuard<'_, IndexMap<String, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            expected: Expected::default(),
            tries: 0,
            due: Some(Instant::now() + PAUSES[0]),
        }
    }
}

impl Waiting {
    /// Begins anew with more to expect.
    fn join(&mut self, expected: Expected) {
        self.expected.join(expected);
        (self.tries, self.due) = (0, Some(Instant::now() + PAUSES[0]));
    }
}

impl Expected {
    fn join(&mut self, other: Self) {
        self.commits.extend(other.commits);
        self.guessed.extend(other.guessed);
        self.commits.truncate(MOST_EACH);
        self.guessed.truncate(MOST_EACH);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";

    fn expected(number: u8) -> Expected {
        Expected {
            commits: [CommitId::from_bytes([number; 20])].into(),
            guessed: [format!("app-{number}")].into(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_branch_is_looked_at_again_after_growing_pauses() {
        let follow_ups = FollowUps::default();
        let begin = Instant::now();
        follow_ups.expect(MAIN, expected(1));
        for millis in [250, 750, 1_750, 3_750, 7_750] {
            let due = follow_ups.due().await;
            assert_eq!(begin.elapsed().as_millis(), millis);
            assert_eq!((due.branch.as_str(), &due.expected), (MAIN, &expected(1)));
            follow_ups.looked(due);
        }
        assert!(follow_ups.waiting().is_empty());
        let never = tokio::time::timeout(Duration::from_secs(60), follow_ups.due());
        assert!(never.await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_reported_of_a_branch_is_waited_for_together() {
        let follow_ups = FollowUps::default();
        follow_ups.expect(MAIN, expected(1));
        let first = follow_ups.due().await;
        follow_ups.expect(MAIN, expected(2));
        follow_ups.looked(first);
        let begin = Instant::now();
        let both = follow_ups.due().await;
        assert_eq!((both.expected.commits.len(), both.tries), (2, 0));
        assert_eq!(begin.elapsed(), PAUSES[0]);
        follow_ups.looked(Due {
            expected: Expected::default(),
            ..both
        });
        assert!(follow_ups.waiting().is_empty(), "all of it was seen");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded() {
        let follow_ups = FollowUps::default();
        for number in 0..=u8::MAX {
            follow_ups.expect(&format!("refs/heads/{number}"), expected(number));
            follow_ups.expect(MAIN, expected(number));
        }
        assert_eq!(follow_ups.waiting().len(), MOST_BRANCHES);
        assert_eq!(follow_ups.waiting()[MAIN].expected.commits.len(), MOST_EACH);
    }
}
