use std::time::Duration;

use confbus_protocol::{CommitId, Label};
use indexmap::IndexMap;
use tokio::time::Instant;

use super::Doubt;

/// So long a Git host's servers may lag behind one another: as long as whoever waits for a push looks again. One look that
/// asked one that lags proves nothing.
pub(super) const UNTIL_SURE: Duration = Duration::from_secs(8);
/// Labels with doubts, and commits that are doubted of each; whoever has another asks again.
const MOST: usize = 64;

/// Commits that never answered here, and since when somebody has known of them.
#[derive(Debug, Default)]
pub(super) struct Doubted(IndexMap<Label, IndexMap<CommitId, Instant>>);

impl Doubted {
    pub(super) fn add(&mut self, Doubt { label, commits }: Doubt) {
        if self.0.len() >= MOST && !self.0.contains_key(&label) {
            return;
        }
        let of_label = self.0.entry(label).or_default();
        for commit in commits {
            if of_label.len() < MOST {
                of_label.entry(commit).or_insert_with(Instant::now);
            }
        }
    }

    pub(super) fn labels(&self) -> impl Iterator<Item = &Label> {
        self.0.keys()
    }

    /// When a look can settle the first of them.
    pub(super) fn due(&self) -> Option<Instant> {
        let raised = self.0.values().flat_map(IndexMap::values);
        Some(*raised.min()? + UNTIL_SURE)
    }

    /// Takes what a look settles that began then; each label is named, though nothing of it may be settled.
    pub(super) fn settle(&mut self, begun: Instant) -> Vec<(Label, Vec<CommitId>)> {
        let mut settled = Vec::with_capacity(self.0.len());
        self.0.retain(|label, commits| {
            let is_settled = |_: &CommitId, raised: &mut Instant| *raised + UNTIL_SURE <= begun;
            let of_label = commits.extract_if(.., is_settled);
            let of_label = of_label.map(|(commit, _)| commit).collect();
            settled.push((label.clone(), of_label));
            !commits.is_empty()
        });
        settled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doubt(numbers: std::ops::Range<usize>) -> Doubt {
        let commit = |number: usize| {
            let mut bytes = [0; 20];
            bytes[..8].copy_from_slice(&number.to_le_bytes());
            CommitId::from_bytes(bytes)
        };
        Doubt {
            label: Label::parse("main").unwrap(),
            commits: numbers.map(commit).collect(),
        }
    }

    /// How many a look settles that begins now.
    fn settled(doubted: &mut Doubted) -> Vec<usize> {
        let settled = doubted.settle(Instant::now());
        settled.iter().map(|(_, commits)| commits.len()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_settles_what_was_raised_long_before() {
        let mut doubted = Doubted::default();
        assert_eq!(doubted.due(), None);
        doubted.add(doubt(0..1));
        let due = doubted.due().unwrap();
        assert_eq!(due - Instant::now(), UNTIL_SURE);
        tokio::time::advance(UNTIL_SURE / 2).await;
        doubted.add(doubt(0..3));
        assert_eq!(settled(&mut doubted), [0]);
        assert_eq!(doubted.due(), Some(due), "named again, it waits no longer");
        tokio::time::advance(UNTIL_SURE / 2).await;
        assert_eq!(settled(&mut doubted), [1]);
        tokio::time::advance(UNTIL_SURE / 2).await;
        assert_eq!(settled(&mut doubted), [2]);
        assert_eq!((doubted.due(), doubted.labels().count()), (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_doubted_is_bounded() {
        let mut doubted = Doubted::default();
        doubted.add(doubt(0..MOST * 2));
        tokio::time::advance(UNTIL_SURE).await;
        assert_eq!(settled(&mut doubted), [MOST]);
    }
}
