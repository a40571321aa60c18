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
    /// The commits that are expected, the oldest first.
    commits: IndexMap<CommitId, Turn>,
    guessed: IndexSet<String>,
    /// Until then nobody looks again, however much is reported.
    rests_until: Instant,
    is_looked_at: bool,
}

/// When to look for a commit. Each has its own, so that those of other repositories change nothing for it.
#[derive(Debug)]
struct Turn {
    /// Looks that brought nothing, but for the first one.
    tries: usize,
    due: Instant,
}

/// What is expected of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    /// The commit that a delivery says it names.
    pub(super) commit: CommitId,
    /// Whom Spring would tell.
    pub(super) guessed: IndexSet<String>,
}

/// A branch to look at now.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) branch: String,
    /// Whom Spring would tell.
    pub(super) guessed: IndexSet<String>,
    at: Instant,
}

impl FollowUps {
    /// Expects something that a look has not brought. It joins what else is waited for of the branch.
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
                event = "webhook.early",
                branch,
                "a push was reported that cannot be seen yet; looking again for some seconds"
            );
        }
        waiting.entry(branch.to_owned()).or_default().join(expected);
        drop(waiting);
        self.rung.notify_one();
    }

    /// A look is over. What it has not brought is waited for until its last try, and then left to the poll.
    pub(super) fn looked(&self, due: Due, is_seen: impl Fn(CommitId) -> bool) {
        let Due { branch, at, .. } = due;
        let mut waiting = self.waiting();
        let Some(of_branch) = waiting.get_mut(&branch) else {
            return;
        };
        of_branch.is_looked_at = false;
        of_branch.rests_until = Instant::now() + PAUSES[0];
        of_branch.commits.retain(|commit, turn| {
            !is_seen(*commit) && (turn.due > at || turn.goes_on(&branch, *commit))
        });
        if of_branch.commits.is_empty() {
            waiting.swap_remove(&branch);
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
                    .filter_map(|(branch, waiting)| Some((branch, waiting.due()?)));
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
        of_branch.is_looked_at = true;
        Some(Due {
            guessed: of_branch.guessed.clone(),
            at: Instant::now(),
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
            commits: IndexMap::new(),
            guessed: IndexSet::new(),
            rests_until: Instant::now(),
            is_looked_at: false,
        }
    }
}

impl Waiting {
    /// Expects more; where that is too much, the oldest is given up, which has been looked for most.
    fn join(&mut self, expected: Expected) {
        let turn = || Turn {
            tries: 0,
            due: Instant::now() + PAUSES[0],
        };
        self.commits.entry(expected.commit).or_insert_with(turn);
        self.guessed.extend(expected.guessed);
        let excess = self.commits.len().saturating_sub(MOST_EACH);
        self.commits.drain(..excess);
        let excess = self.guessed.len().saturating_sub(MOST_EACH);
        self.guessed.drain(..excess);
    }

    /// When to look next; `None` during a look.
    fn due(&self) -> Option<Instant> {
        let first = self.commits.values().map(|turn| turn.due).min()?;
        (!self.is_looked_at).then(|| first.max(self.rests_until))
    }
}

impl Turn {
    /// After a try that brought nothing, whether there is another one.
    fn goes_on(&mut self, branch: &str, commit: CommitId) -> bool {
        self.tries += 1;
        let Some(pause) = PAUSES.get(self.tries) else {
            info!(
                event = "webhook.unseen",
                branch,
                %commit,
                "the push that was reported did not come into view; the poll finds it"
            );
            return false;
        };
        self.due = Instant::now() + *pause;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIN: &str = "refs/heads/main";

    fn commit(number: u8) -> CommitId {
        CommitId::from_bytes([number; 20])
    }

    fn expected(number: u8) -> Expected {
        Expected {
            commit: commit(number),
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
            assert_eq!(
                (due.branch.as_str(), &due.guessed),
                (MAIN, &expected(1).guessed)
            );
            follow_ups.looked(due, |_| false);
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
        follow_ups.looked(first, |_| false);
        let begin = Instant::now();
        let both = follow_ups.due().await;
        assert_eq!((both.guessed.len(), begin.elapsed()), (2, PAUSES[0]));
        follow_ups.looked(both, |_| true);
        assert!(follow_ups.waiting().is_empty(), "all of it was seen");
    }

    #[tokio::test(start_paused = true)]
    async fn a_push_is_looked_for_whatever_others_report_of_a_branch_of_that_name() {
        let follow_ups = FollowUps::default();
        let begin = Instant::now();
        follow_ups.expect(MAIN, expected(0));
        let mut looks = 0;
        for others in 1..=u8::MAX {
            follow_ups.expect(MAIN, expected(others));
            let pause = tokio::time::timeout(Duration::from_millis(200), follow_ups.due());
            if let Ok(due) = pause.await {
                looks += 1;
                follow_ups.looked(due, |_| false);
            }
            if begin.elapsed() < Duration::from_millis(6_000) {
                let of_main = &follow_ups.waiting()[MAIN];
                assert!(of_main.commits.contains_key(&commit(0)), "{others}");
            }
        }
        assert!(!follow_ups.waiting()[MAIN].commits.contains_key(&commit(0)));
        let most = begin.elapsed().as_millis() / PAUSES[0].as_millis();
        assert!((10..=most).contains(&looks), "{looks} of {most}");
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_is_bounded() {
        let follow_ups = FollowUps::default();
        for number in 0..=u8::MAX {
            follow_ups.expect(&format!("refs/heads/{number}"), expected(number));
            follow_ups.expect(MAIN, expected(number));
        }
        assert_eq!(follow_ups.waiting().len(), MOST_BRANCHES);
        let of_main = &follow_ups.waiting()[MAIN];
        assert_eq!(of_main.commits.len(), MOST_EACH);
        assert!(of_main.commits.contains_key(&commit(u8::MAX)));
    }
}
