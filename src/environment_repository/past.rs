use std::sync::Arc;

use confbus_protocol::{CommitId, Label, Minimum};

use super::{
    Because, Held,
    doubts::{Doubts, Moment},
    trail::Trail,
};

/// Where the labels have been that an answer comes from: tells whether it may be older than what somebody has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Past {
    labels: Vec<LabelPast>,
    /// The commits that answer now.
    answering: Vec<CommitId>,
}

/// Why another commit answers than the one that the label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holding {
    /// That one cannot.
    Back,
    /// Somebody wants it so.
    OnPurpose,
}

/// Where one label has been.
#[derive(Debug, Clone)]
pub(super) struct LabelPast {
    pub(super) label: Label,
    pub(super) trail: Arc<Trail>,
    pub(super) doubts: Doubts,
    /// Of several labels, each has its own.
    pub(super) holding: Option<Holding>,
}

impl LabelPast {
    /// The same, where its place is answered so.
    pub(super) fn held(self, held: Option<&Held>) -> Self {
        let holding = held.map(|held| match held.because {
            Because::Problems(_) => Holding::Back,
            Because::Pinned | Because::Wave(_) => Holding::OnPurpose,
        });
        Self { holding, ..self }
    }

    fn can_lag(&self) -> bool {
        self.holding != Some(Holding::OnPurpose)
    }
}

impl Past {
    pub(super) fn new(labels: Vec<LabelPast>, answering: Vec<CommitId>) -> Self {
        Self { labels, answering }
    }

    /// Of `main`, which this commit answers.
    #[cfg(test)]
    pub(crate) fn of_main(answering: u8) -> Self {
        Self::of_main_with_doubts(answering).0
    }

    /// The same, and who hears of its doubts.
    #[cfg(test)]
    pub(crate) fn of_main_with_doubts(answering: u8) -> (Self, super::doubts::Idle) {
        tests::past_with_doubts(answering, None)
    }

    /// Whether the answer is certainly no older than any of these commits: each answers, or has answered here, or a look
    /// that began after somebody named it has shown all that there is. What never moves is never old. Where the newest
    /// commit cannot answer, an earlier one does, and a look does not tell whether a newer one could that never was here.
    pub(crate) fn covers(&self, minimum: &Minimum) -> bool {
        self.cannot_lag() || minimum.commits().iter().all(|commit| self.knows(*commit))
    }

    /// Whether the repositories were looked at since one of these marks, by comma, each of which [`mark`](Self::mark) said.
    /// Marks of other servers say nothing here: behind a load balancer each has its own.
    pub(crate) fn is_since(&self, marks: &str) -> bool {
        let mut moments = marks.split(',').filter_map(Moment::parse);
        self.cannot_lag() || moments.any(|moment| self.was_looked_at_since(moment))
    }

    fn was_looked_at_since(&self, moment: Moment) -> bool {
        let mut labels = self.labels.iter().filter(|past| past.can_lag());
        labels.all(|past| past.doubts.has_looked_since(&past.label, moment))
    }

    /// This moment, as the looks of this server count time.
    pub(crate) fn mark() -> String {
        Moment::now().to_string()
    }

    /// Has the repositories looked at soon, also for what never was here. Waits for nothing.
    pub(crate) fn doubt(&self, minimum: Option<&Minimum>) {
        let commits = minimum.map_or(&[][..], Minimum::commits).iter().copied();
        let unknown: Vec<_> = commits.filter(|commit| !self.knows(*commit)).collect();
        for past in &self.labels {
            past.doubts.raise(past.label.clone(), unknown.clone());
        }
    }

    /// Whether a look that this waits for has just failed, so that nothing is to be known soon.
    pub(crate) fn is_hopeless(&self) -> bool {
        let mut labels = self.labels.iter().filter(|past| past.can_lag());
        labels.any(|past| past.doubts.are_hopeless())
    }

    /// What never moves, and what somebody holds.
    pub(crate) fn cannot_lag(&self) -> bool {
        !self.labels.iter().any(LabelPast::can_lag)
    }

    /// How often the one label has moved; with several there is no such number.
    pub(crate) fn generation(&self) -> Option<u64> {
        generation(&self.labels)
    }

    fn knows(&self, commit: CommitId) -> bool {
        self.answering.contains(&commit)
            || self.labels.iter().any(|past| past.trail.has(commit))
            || self.is_settled(commit)
    }

    fn is_settled(&self, commit: CommitId) -> bool {
        let mut labels = self.labels.iter();
        labels.all(|past| match past.holding {
            None => past.doubts.are_settled(&past.label, commit),
            Some(Holding::OnPurpose) => true,
            Some(Holding::Back) => false,
        })
    }
}

/// How often the one label has moved.
pub(super) fn generation(labels: &[LabelPast]) -> Option<u64> {
    match labels {
        [one] => Some(one.trail.generation()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::doubts::Idle, *};

    fn commit(number: u8) -> CommitId {
        CommitId::from_bytes([number; 20])
    }

    fn past(answering: u8, because: Option<Because>) -> Past {
        past_with_doubts(answering, because).0
    }

    pub(super) fn past_with_doubts(answering: u8, because: Option<Because>) -> (Past, Idle) {
        let (label, idle) = label_with_doubts(because);
        (Past::new(vec![label], vec![commit(answering)]), idle)
    }

    fn label(because: Option<Because>) -> LabelPast {
        label_with_doubts(because).0
    }

    fn label_with_doubts(because: Option<Because>) -> (LabelPast, Idle) {
        let (doubts, idle) = Doubts::that_settled(&[commit(9)]);
        let served = vec![commit(3), commit(2)];
        let label = LabelPast {
            label: Label::parse("main").unwrap(),
            trail: Arc::new(Trail::new(7, served)),
            doubts,
            holding: None,
        };
        let wanted = commit(3);
        let held = because.map(|because| Held { wanted, because });
        (label.held(held.as_ref()), idle)
    }

    /// Which of all commits are covered.
    fn covered(past: &Past) -> Vec<u8> {
        let covers = |number: &u8| {
            let mut minimum = Minimum::default();
            minimum.add(commit(*number));
            past.covers(&minimum)
        };
        (1..=10).filter(covers).collect()
    }

    #[test]
    fn an_answer_covers_what_was_here_and_what_a_look_has_settled() {
        assert_eq!(covered(&past(3, None)), [2, 3, 9]);
        assert_eq!(past(3, None).generation(), Some(7));
    }

    #[test]
    fn a_look_does_not_make_up_for_a_good_commit_that_was_missed() {
        let held = past(1, Some(Because::Problems(Vec::new())));
        assert_eq!(covered(&held), [1, 2, 3]);
    }

    #[test]
    fn what_is_pinned_and_what_never_moves_is_not_old() {
        let all: Vec<_> = (1..=10).collect();
        assert_eq!(covered(&past(1, Some(Because::Pinned))), all);
        assert_eq!(covered(&Past::default()), all);
    }

    #[test]
    fn one_label_that_is_held_does_not_answer_for_the_others() {
        let with_another = |because| Past::new(vec![label(because), label(None)], vec![commit(3)]);
        let pinned = with_another(Some(Because::Pinned));
        assert_eq!(covered(&pinned), [2, 3, 9]);
        let held_back = with_another(Some(Because::Problems(Vec::new())));
        assert_eq!(covered(&held_back), [2, 3]);
    }

    #[test]
    fn only_a_look_that_began_since_then_counts() {
        let before = Past::mark();
        let past = past(3, None);
        let (epoch, _) = before.split_once('-').unwrap();
        for (marks, expected) in [
            (before.clone(), true),
            (format!("{epoch}-{}", u64::MAX), false),
            ("now".to_owned(), false),
            (String::new(), false),
            // Another server's.
            (format!("f{before}"), false),
            ("1-0".to_owned(), false),
            (format!("1-0,{before}"), true),
        ] {
            assert_eq!(past.is_since(&marks), expected, "{marks}");
        }
    }
}
