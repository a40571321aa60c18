use std::{collections::HashMap, sync::Arc};

use confbus_protocol::{CommitId, Label};

use super::served::MAX_LABELS;

/// Commits that are remembered of each label: whoever runs an older one costs a look.
const LONGEST: usize = 64;

/// How far generations go ahead after a stop that nobody saw coming: further than any that was not written down.
const AHEAD: u64 = 1_000_000;

/// Where a label has been here, and how often it moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trail {
    /// Grows with each move that is put in service, for as long as the files of this repository lie here.
    generation: u64,
    /// The commits that answered under the label, newest first, each once.
    served: Vec<CommitId>,
}

/// Who says that a label names another commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// The repository, just now.
    Now,
    /// What lies on disk, which may be older than what has answered already.
    Before,
}

impl Trail {
    /// A trail as it was written down, the newest commit first.
    pub(super) fn new(generation: u64, mut served: Vec<CommitId>) -> Self {
        served.truncate(LONGEST);
        Self { generation, served }
    }

    /// That of a commit id, which names nothing else.
    pub(super) fn of_commit(commit: CommitId) -> Arc<Self> {
        Arc::new(Self::new(0, vec![commit]))
    }

    /// What follows once the label names this commit. What has answered since that one did is forgotten unless the
    /// repository says that the label went back: whoever runs it knows more than is known here.
    pub(super) fn moved(&self, commit: CommitId, heard: Heard) -> Self {
        let mut served = self.served.clone();
        match served.iter().position(|served| *served == commit) {
            Some(at) if heard == Heard::Before => _ = served.drain(..=at),
            Some(at) => _ = served.remove(at),
            None => {}
        }
        served.insert(0, commit);
        Self::new(self.generation + 1, served)
    }

    /// The same for a label that was out of service, and may name what it named then.
    fn returned(self: Arc<Self>, commit: CommitId, heard: Heard) -> Arc<Self> {
        if self.served.first() == Some(&commit) {
            self
        } else {
            Arc::new(self.moved(commit, heard))
        }
    }

    /// The same, further than another label whose place it takes.
    pub(super) fn above(self: Arc<Self>, generation: u64) -> Arc<Self> {
        if self.generation > generation {
            return self;
        }
        Arc::new(Self::new(generation + 1, self.served.clone()))
    }

    /// Whether the commit has answered under the label.
    pub(crate) fn has(&self, commit: CommitId) -> bool {
        self.served.contains(&commit)
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(super) fn served(&self) -> &[CommitId] {
        &self.served
    }
}

/// The trails of labels that are not in service.
#[derive(Debug, Clone, Default)]
pub(super) struct Trails {
    resting: Arc<HashMap<Label, Arc<Trail>>>,
    /// No label that was forgotten has got further.
    floor: u64,
}

impl Trails {
    /// Trails as they were written down.
    pub(super) fn new(resting: HashMap<Label, Arc<Trail>>, floor: u64) -> Self {
        Self {
            resting: Arc::new(resting),
            floor,
        }
    }

    /// The trail of a label that comes into service.
    pub(super) fn resume(&mut self, label: &Label, commit: CommitId, heard: Heard) -> Arc<Trail> {
        let is_known = self.resting.contains_key(label);
        let known = is_known.then(|| Arc::make_mut(&mut self.resting).remove(label));
        let begin = || Arc::new(Trail::new(self.floor + 1, vec![commit]));
        known
            .flatten()
            .map_or_else(begin, |trail| trail.returned(commit, heard))
    }

    /// Keeps the trail of a label that goes out of service. With too many of them, the shortest way is forgotten.
    pub(super) fn rest(&mut self, label: Label, trail: Arc<Trail>) {
        let resting = Arc::make_mut(&mut self.resting);
        resting.insert(label, trail);
        if resting.len() > MAX_LABELS {
            let least = resting.iter().min_by_key(|(_, trail)| trail.generation);
            let least = least.map(|(label, _)| label.clone());
            let gone = least.and_then(|label| resting.remove(&label));
            self.floor = self.floor.max(gone.map_or(0, |trail| trail.generation));
        }
    }

    /// As after a stop that nobody saw coming: some generations may not have been written down.
    pub(super) fn go_ahead(self) -> Self {
        let ahead = |(label, trail): (&Label, &Arc<Trail>)| {
            let generation = trail.generation.saturating_add(AHEAD);
            let trail = Trail::new(generation, trail.served.clone());
            (label.clone(), Arc::new(trail))
        };
        Self::new(
            self.resting.iter().map(ahead).collect(),
            self.floor.saturating_add(AHEAD),
        )
    }

    pub(super) fn knows(&self, label: &Label) -> bool {
        self.resting.contains_key(label)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Label, &Arc<Trail>)> {
        self.resting.iter()
    }

    pub(super) fn floor(&self) -> u64 {
        self.floor
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn commit(number: u8) -> CommitId {
        CommitId::from_bytes([number; 20])
    }

    fn numbers(trail: &Trail) -> Vec<u8> {
        let served = trail.served.iter();
        served.map(|commit| commit.as_bytes()[0]).collect()
    }

    fn label(text: &str) -> Label {
        Label::parse(text).unwrap()
    }

    #[test]
    fn a_label_that_goes_back_is_known_to_have_been_further() {
        let trail = Trail::new(7, vec![commit(3), commit(2), commit(1)]);
        let back = trail.moved(commit(2), Heard::Now);
        assert_eq!((back.generation, numbers(&back)), (8, vec![2, 3, 1]));
    }

    #[test]
    fn what_lies_on_disk_knows_nothing_of_what_came_after_it() {
        let trail = Trail::new(7, vec![commit(3), commit(2), commit(1)]);
        let older = trail.moved(commit(2), Heard::Before);
        assert_eq!((older.generation, numbers(&older)), (8, vec![2, 1]));
        let newer = trail.moved(commit(4), Heard::Before);
        assert_eq!(numbers(&newer), [4, 3, 2, 1]);
    }

    #[test]
    fn a_trail_is_bounded() {
        let first = Trail::new(1, vec![commit(0)]);
        let trail = (1..=200).fold(first, |trail, number| {
            trail.moved(commit(number), Heard::Now)
        });
        assert_eq!((trail.generation, trail.served.len()), (201, LONGEST));
    }

    #[test]
    fn a_label_that_comes_back_goes_on_where_it_was() {
        let mut trails = Trails::default();
        let main = label("main");
        let first = trails.resume(&main, commit(1), Heard::Now);
        assert_eq!(first.generation, 1);
        trails.rest(main.clone(), Arc::new(first.moved(commit(2), Heard::Now)));
        let same = trails.clone().resume(&main, commit(2), Heard::Now);
        assert_eq!(same.generation, 2);
        let other = trails.resume(&main, commit(1), Heard::Now);
        assert_eq!((other.generation, numbers(&other)), (3, vec![1, 2]));
    }

    #[test]
    fn no_label_begins_below_one_that_was_forgotten() {
        let mut trails = Trails::default();
        for number in 0..=MAX_LABELS {
            let trail = Trail::new(5, vec![commit(1)]);
            trails.rest(label(&format!("label-{number}")), Arc::new(trail));
        }
        assert_eq!(trails.resting.len(), MAX_LABELS);
        let new = trails.resume(&label("new"), commit(1), Heard::Now);
        assert_eq!(new.generation, 6);
        let ahead = trails.go_ahead();
        assert!(ahead.floor() > AHEAD && ahead.iter().all(|(_, trail)| trail.generation > AHEAD));
    }
}
