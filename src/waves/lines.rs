use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::EnvironmentRequest;
use tracing::warn;

use super::{
    course::{Count, Course, Wave},
    line::Line,
    rule::Rule,
    turn::Turn,
    view::WaveView,
};

/// More labels than these are not kept back: each costs every read that it may concern.
pub(super) const MAX_LINES: usize = 1_000;

/// All that is kept back, the most specific address first.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines(Vec<Arc<Line>>);

impl Lines {
    /// What was saved, as far as there is still a rule for it.
    pub(super) fn of(courses: Vec<Course>, rules: &[Arc<Rule>]) -> Self {
        let lines = courses.into_iter().take(MAX_LINES).filter_map(|course| {
            let rule = rules.iter().find(|rule| rule.address == course.address);
            let label = Label::parse(&course.label).ok();
            let Some((rule, label)) = rule.zip(label).filter(|_| !course.settled.is_empty()) else {
                warn!(address = %course.address, label = course.label, "there is no rule for waves of this address any more; it is answered as its label says");
                return None;
            };
            Some(Arc::new(Line::new(course, Arc::clone(rule), label)))
        });
        let mut lines = Self(lines.collect());
        lines.sort();
        lines
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.0.iter()
    }

    /// The one that decides.
    pub(super) fn deciding(
        &self,
        request: &EnvironmentRequest,
        repository: &str,
        is_of: impl Fn(&Label) -> bool,
    ) -> Option<&Arc<Line>> {
        self.iter().find(|line| {
            line.course.repository == repository
                && line.rule.address.holds(request)
                && is_of(&line.label)
        })
    }

    /// Whether this one decides about a request with its label, and not a more specific one.
    pub(super) fn decides(&self, this: &Line, request: &EnvironmentRequest) -> bool {
        let mut of_label = self.iter().filter(|line| line.is_of_same_label(this));
        let first = of_label.find(|line| line.rule.address.holds(request));
        first.is_some_and(|line| line.rule.address == this.rule.address)
    }

    /// Whether what is answered may depend on who asks. `is_of` tells whether a label in service of a repository may answer.
    pub(super) fn divide(
        &self,
        request: &EnvironmentRequest,
        is_of: impl Fn(&str, &Label) -> bool,
    ) -> bool {
        let is_running = |line: &Line| {
            let wave = line.course.wave.as_ref();
            wave.is_some_and(Wave::is_running)
        };
        let mut running = self.iter().filter(|line| is_running(line));
        running.any(|line| {
            line.rule.address.may_hold(request) && is_of(&line.course.repository, &line.label)
        })
    }

    /// On which side of each wave a turn is: an answer of several labels may depend on more than one.
    pub(super) fn sides(&self, turn: Turn) -> Vec<bool> {
        let waves = self.iter().filter_map(|line| line.course.wave.as_ref());
        let running = waves.filter(|wave| wave.is_running());
        running.map(|wave| wave.has_come_to(turn)).collect()
    }

    pub(super) fn views(&self) -> Vec<WaveView> {
        self.iter().filter_map(|line| WaveView::of(line)).collect()
    }

    pub(super) fn of_rule(
        &self,
        rule: &Rule,
        repository: &str,
        label: &Label,
    ) -> Option<&Arc<Line>> {
        self.iter().find(|line| {
            line.rule.address == rule.address
                && line.course.repository == repository
                && line.label == *label
        })
    }

    /// With one more, or one in place of the one of the same address and label.
    pub(super) fn put(&mut self, line: Line) {
        let same = |other: &Arc<Line>| {
            other.rule.address == line.rule.address && other.is_of_same_label(&line)
        };
        match self.0.iter().position(same) {
            Some(index) => self.0[index] = Arc::new(line),
            None => {
                self.0.push(Arc::new(line));
                self.sort();
            }
        }
    }

    /// Makes room by leaving out what is of a label that is not in service any more and not under way.
    pub(super) fn make_room(&mut self, is_in_service: impl Fn(&Line) -> bool) {
        if self.0.len() >= MAX_LINES {
            self.0
                .retain(|line| line.course.wave.is_some() || is_in_service(line));
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.0.len() < MAX_LINES
    }

    pub(super) fn courses(&self) -> Vec<Course> {
        self.iter().map(|line| line.course.clone()).collect()
    }

    fn sort(&mut self) {
        self.0
            .sort_by_key(|line| std::cmp::Reverse(line.rule.address.specificity()));
    }
}

impl Line {
    /// A course whose versions are not at hand yet.
    pub(super) fn new(course: Course, rule: Arc<Rule>, label: Label) -> Self {
        Self {
            course,
            rule,
            label,
            settled: None,
            coming: None,
            held: None,
            alike: None,
            is_lost: false,
            count: Count::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use confbus_protocol::{BusId, CommitId};

    use super::{
        super::{course::State, line::Pause, rule::OnSilence, store::Store, turn::last_of},
        *,
    };
    use crate::{environment_repository::Because, pins::Address};

    fn commit(number: u8) -> CommitId {
        CommitId::from_bytes([number; 20])
    }

    fn rule(address: &str) -> Arc<Rule> {
        Arc::new(Rule {
            address: Address::parse(address).unwrap(),
            steps: vec![50, 100],
            wait: Duration::from_secs(60),
            stop_at: 100,
            on_silence: OnSilence::Wait,
        })
    }

    fn course(address: &str, label: &str, state: Option<State>) -> Course {
        let address = Address::parse(address).unwrap();
        let wave = state.map(|state| Wave {
            commit: commit(2),
            state,
            percent: 50,
            last: last_of(50, &[]),
            started: 1,
            since: 2,
            reason: Some("INC-812".into()),
            by: Some("jo".into()),
        });
        Course {
            wave,
            ..Course::new(address, "repo", label, &[commit(1)])
        }
    }

    fn lines(courses: Vec<Course>) -> Lines {
        let rules = ["orders", "orders/prod"].map(rule);
        Lines::of(courses, &rules)
    }

    #[test]
    fn the_most_specific_address_of_the_label_decides() {
        let lines = lines(vec![
            course("orders", "main", Some(State::Running)),
            course("orders/prod", "main", None),
            course("orders", "next", None),
            course("billing", "main", None),
        ]);
        assert_eq!(lines.iter().count(), 3, "without a rule there is no wave");
        for (asked, expected) in [
            ("orders/dev/main", Some("orders")),
            ("orders/prod/main", Some("orders/prod")),
            ("orders/prod/next", Some("orders")),
            ("orders/prod/other", None),
            ("billing/dev/main", None),
        ] {
            let request = Address::parse(asked).unwrap().request().unwrap();
            let label = request.label.clone().unwrap();
            let found = lines.deciding(&request, "repo", |served| *served == label);
            let address = found.map(|line| line.course.address.to_string());
            assert_eq!(address.as_deref(), expected, "{asked}");
            assert!(lines.deciding(&request, "other", |_| true).is_none());
        }
        let divides = |asked: &str, label: &str| {
            let request = Address::parse(asked).unwrap().request().unwrap();
            lines.divide(&request, |repository, served| {
                repository == "repo" && served.as_str() == label
            })
        };
        assert!(divides("orders/dev", "main") && !divides("billing/dev", "main"));
        assert!(
            !divides("orders/dev", "next"),
            "nothing is on its way there"
        );
    }

    #[test]
    fn a_turn_has_a_side_in_every_wave_that_runs() {
        let lines = lines(vec![
            course("orders", "main", Some(State::Running)),
            course("orders", "next", Some(State::Stopped)),
            course("orders/prod", "next", Some(State::Running)),
        ]);
        assert_eq!(lines.sides(last_of(50, &[])), [true, true]);
        assert_eq!(lines.sides(Turn::LAST), [false, false]);
    }

    #[test]
    fn who_is_given_what() {
        let ids = (0..20).map(|number| BusId::new(format!("orders:{number}:a")).unwrap());
        let half = last_of(50, &[]);
        let (early, late): (Vec<_>, Vec<_>) = ids.partition(|id| Turn::of(id.as_str()) <= half);
        let (early, late) = (Some(&early[0]), Some(&late[0]));
        let (old, new) = (commit(1), commit(2));
        for (state, instance, newest, expected) in [
            (None, early, old, None),
            (None, early, new, Some((old, Some(Pause::NotBegun)))),
            (Some(State::Running), early, new, Some((new, None))),
            (
                Some(State::Running),
                late,
                new,
                Some((old, Some(Pause::NotItsTurn(50)))),
            ),
            (
                Some(State::Running),
                None,
                new,
                Some((old, Some(Pause::Nameless(50)))),
            ),
            (
                Some(State::Running),
                early,
                commit(3),
                Some((new, Some(Pause::NotBegun))),
            ),
            (
                Some(State::Stopped),
                early,
                new,
                Some((old, Some(Pause::Stopped))),
            ),
            (
                Some(State::Aborted),
                early,
                new,
                Some((old, Some(Pause::Aborted))),
            ),
            (Some(State::Running), late, old, Some((old, None))),
        ] {
            let lines = lines(vec![course("orders", "main", state)]);
            let stage = lines.iter().next().unwrap().stage(newest, instance);
            let given = stage.map(|stage| {
                let pause = stage.because.map(|because| match because {
                    Because::Wave(pause) => pause,
                    other => panic!("{other:?}"),
                });
                (stage.commit, pause)
            });
            assert_eq!(given, expected, "{state:?} {instance:?} {newest}");
        }
    }

    #[tokio::test]
    async fn what_was_saved_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(Some(folder.path().join("waves.json")));
        assert!(store.load().is_empty());
        let courses = vec![
            course("orders", "main", Some(State::Aborted)),
            course("orders/prod", "main", None),
        ];
        store.save(courses.clone()).await.unwrap();
        assert_eq!(store.load(), courses);
    }
}
