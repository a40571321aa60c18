use std::{fmt, sync::Arc};

use confbus_protocol::{BusId, CommitId, Label};
use confbus_resolution::Problem;

use super::{
    course::{Count, Course, Next, State, Wave},
    rule::Rule,
    turn::Turn,
};
use crate::environment_repository::{Because, Release};

/// A course with its rule, and the versions that it speaks of.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) course: Course,
    pub(super) rule: Arc<Rule>,
    pub(super) label: Label,
    /// What everybody has; after a start it is looked for first.
    pub(super) settled: Option<Release>,
    /// What is on its way; the same.
    pub(super) coming: Option<Release>,
    /// What the label names and somebody could not be given, and why: it waits for what mends it.
    pub(super) held: Option<(CommitId, Vec<Problem>)>,
    /// What the label names while a wave is on its way that brings the same: it waits until that has arrived.
    pub(super) alike: Option<CommitId>,
    /// What everybody has is gone for good, and it was said.
    pub(super) is_lost: bool,
    /// How far those are whose turn it is.
    pub(super) count: Count,
}

/// What a request is answered from instead of its label.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) commit: CommitId,
    /// The commit, where it is at hand already.
    pub(crate) release: Option<Release>,
    /// Why it is not the commit that the label names.
    pub(crate) because: Option<Because>,
}

/// Why somebody is not given what the label names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// It is on its way to this share of the instances, in percent, and this is none of them.
    NotItsTurn(u8),
    /// The same, and nobody knows whose read this is.
    Nameless(u8),
    /// It was rejected.
    Stopped,
    /// Somebody decided so.
    Aborted,
    /// It has not begun its way.
    NotBegun,
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotItsTurn(percent) => write!(f, "wave at {percent} %, not its turn yet"),
            Self::Nameless(percent) => {
                write!(f, "wave at {percent} %, and the read names no instance")
            }
            Self::Stopped => f.write_str("wave stopped"),
            Self::Aborted => f.write_str("wave aborted"),
            Self::NotBegun => f.write_str("wave not begun"),
        }
    }
}

impl Line {
    /// What somebody is answered from while the label names `newest`, unless it is that.
    pub(super) fn stage(&self, newest: CommitId, instance: Option<&BusId>) -> Option<Stage> {
        let turn = || instance.map(|id| Turn::of(id.as_str()));
        let wave = self.course.wave.as_ref();
        let coming = wave.filter(|wave| turn().is_some_and(|turn| wave.has_come_to(turn)));
        let (commit, release) = match coming {
            Some(wave) => (wave.commit, &self.coming),
            None if wave.is_none() && self.course.settled() == newest => return None,
            None => (self.course.settled(), &self.settled),
        };
        Some(Stage {
            commit,
            release: release.clone(),
            because: (commit != newest).then(|| self.because(newest, commit, instance)),
        })
    }

    fn because(&self, newest: CommitId, given: CommitId, instance: Option<&BusId>) -> Because {
        if let Some((_, problems)) = self.held.as_ref().filter(|(held, _)| *held == newest) {
            return Because::Problems(problems.clone());
        }
        let of_newest = self.course.wave.as_ref().filter(|wave| {
            wave.commit == newest || (wave.commit != given && self.alike == Some(newest))
        });
        Because::Wave(match of_newest {
            None => Pause::NotBegun,
            Some(wave) => match (wave.state, instance) {
                (State::Running, Some(_)) => Pause::NotItsTurn(wave.percent),
                (State::Running, None) => Pause::Nameless(wave.percent),
                (State::Stopped, _) => Pause::Stopped,
                (State::Aborted, _) => Pause::Aborted,
            },
        })
    }

    /// The line after its course went on; `newest` is what a wave that begins brings.
    pub(super) fn after(&self, next: Next, newest: Option<&Release>) -> Self {
        let commit_of = |course: &Course| course.wave.as_ref().map(|wave| wave.commit);
        let at_hand = [newest, self.coming.as_ref(), self.settled.as_ref()];
        let find = |commit: CommitId| {
            let mut at_hand = at_hand.into_iter().flatten();
            at_hand.find(|release| release.newest() == commit).cloned()
        };
        let all_settled = next.course.all_settled();
        let settled = find(next.course.settled()).map(|release| release.among(&all_settled));
        let is_same_step = commit_of(&self.course) == commit_of(&next.course);
        let is_running = next.course.wave.as_ref().is_some_and(Wave::is_running);
        Self {
            coming: commit_of(&next.course)
                .and_then(find)
                .zip(settled.as_ref())
                .map(|(coming, settled)| coming.over(settled)),
            settled,
            count: if is_same_step {
                self.count.clone()
            } else {
                Count::default()
            },
            held: None,
            // A wave that stands still takes it over.
            is_lost: false,
            alike: self.alike.filter(|_| is_same_step && is_running),
            course: next.course,
            rule: Arc::clone(&self.rule),
            label: self.label.clone(),
        }
    }

    /// Whether a version that it speaks of is not at hand.
    pub(super) fn misses_something(&self) -> bool {
        self.settled.is_none() || (self.course.wave.is_some() && self.coming.is_none())
    }

    /// Whether it has a wave that nobody is given: then what everybody has must not be taken from the label.
    pub(super) fn stands_still(&self) -> bool {
        let wave = self.course.wave.as_ref();
        wave.is_some_and(|wave| !wave.is_running())
    }

    /// Whether both are of the same label in the same repository.
    pub(super) fn is_of_same_label(&self, other: &Self) -> bool {
        self.label == other.label && self.course.repository == other.course.repository
    }
}
