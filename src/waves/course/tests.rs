use std::time::Duration;

use fastrand::Rng;

use super::*;

const WAIT: i64 = 60_000;

fn commit(number: u8) -> CommitId {
    CommitId::from_bytes([number; 20])
}

fn rule(on_silence: OnSilence) -> Rule {
    Rule {
        address: Address::parse("orders").unwrap(),
        steps: vec![20, 50, 100],
        wait: Duration::from_millis(60_000),
        stop_at: 100,
        on_silence,
    }
}

fn course() -> Course {
    let address = rule(OnSilence::Wait).address;
    Course::new(address, "repo", "main", &[commit(1)])
}

/// Ten instances.
fn fleet() -> Vec<Turn> {
    let names = (0..10).map(|number| Turn::of(&format!("orders:dev:{number}:a")));
    let mut turns: Vec<_> = names.collect();
    turns.sort();
    turns
}

fn count(applied: usize, rejected: usize, waiting: usize) -> Count {
    Count {
        applied,
        rejected,
        waiting,
        rejecting: None,
    }
}

/// Follows a course through what happens, with ten instances and patience.
struct Way {
    course: Course,
    rule: Rule,
    now: i64,
}

impl Way {
    fn new() -> Self {
        Self {
            course: course(),
            rule: rule(OnSilence::Wait),
            now: 0,
        }
    }

    fn happens(&mut self, event: &Event<'_>) -> Option<Tell> {
        let Next { course, tell } = self.course.after(event, &self.rule, self.now)?;
        self.course = course;
        Some(tell)
    }

    fn moves(&mut self, to: u8, change: Change) -> Option<Tell> {
        self.happens(&Event::Moved {
            commits: &[commit(to)],
            change,
            fleet: &fleet(),
        })
    }

    fn counts(&mut self, count: &Count) -> Option<Tell> {
        self.happens(&Event::Counted {
            count,
            fleet: &fleet(),
        })
    }

    fn wave(&self) -> &Wave {
        self.course.wave.as_ref().unwrap()
    }

    /// How many of the ten are given its commit.
    fn given(&self) -> usize {
        let wave = self.course.wave.as_ref();
        let fleet = fleet().into_iter();
        fleet
            .filter(|turn| wave.is_some_and(|wave| wave.has_come_to(*turn)))
            .count()
    }
}

fn up_to(turn: usize) -> Option<Tell> {
    Some(Tell::Some {
        after: None,
        last: fleet()[turn - 1],
    })
}

#[test]
fn a_commit_goes_step_by_step_to_everybody() {
    let mut way = Way::new();
    assert_eq!(way.moves(2, Change::Something), up_to(2));
    assert_eq!((way.given(), way.course.settled()), (2, commit(1)));
    assert_eq!(way.counts(&count(1, 0, 1)), None);
    let next = Tell::Some {
        after: Some(fleet()[1]),
        last: fleet()[4],
    };
    assert_eq!(way.counts(&count(2, 0, 0)), Some(next));
    assert_eq!(way.given(), 5);
    let rest = Tell::Some {
        after: Some(fleet()[4]),
        last: Turn::LAST,
    };
    assert_eq!(way.counts(&count(5, 0, 0)), Some(rest));
    assert_eq!((way.given(), way.course.settled()), (10, commit(1)));
    assert_eq!(way.counts(&count(10, 0, 0)), Some(Tell::Everyone));
    let commits = [commit(2), commit(1)].map(Commit);
    assert_eq!(
        (way.course.settled, way.course.wave),
        (commits.into(), None)
    );
}

#[test]
fn too_many_rejections_bring_everybody_back() {
    let mut way = Way::new();
    way.moves(2, Change::Something);
    assert_eq!(way.counts(&count(0, 1, 1)), up_to(2));
    assert_eq!((way.given(), way.wave().state), (0, State::Stopped));
    let reason = way.wave().reason.clone().unwrap();
    assert!(reason.starts_with("1 of 2 rejected it"), "{reason}");
    assert_eq!(way.counts(&count(2, 0, 0)), None, "it stays so");
    // A comment does not make it another one.
    assert_eq!(way.moves(3, Change::NothingSinceWave), Some(Tell::Nobody));
    assert_eq!((way.given(), way.wave().commit), (0, commit(3)));
    assert_eq!(way.moves(4, Change::Something), up_to(2));
    assert_eq!((way.given(), way.wave().state), (2, State::Running));
}

#[test]
fn few_rejections_are_answers_like_others() {
    let mut way = Way::new();
    way.rule.stop_at = 6_000;
    way.moves(2, Change::Something);
    assert!(way.counts(&count(1, 1, 0)).is_some());
    assert_eq!((way.given(), way.wave().percent), (5, 50));
}

#[test]
fn silence_waits_or_goes() {
    for (on_silence, given) in [(OnSilence::Wait, 2), (OnSilence::Go, 5)] {
        let mut way = Way::new();
        way.rule = rule(on_silence);
        way.moves(2, Change::Something);
        way.now = WAIT - 1;
        assert_eq!(way.counts(&count(1, 0, 1)), None);
        assert!(!way.wave().is_overdue(&way.rule, way.now));
        way.now = WAIT;
        assert!(way.wave().is_overdue(&way.rule, way.now));
        way.counts(&count(1, 0, 1));
        assert_eq!(way.given(), given, "{on_silence:?}");
    }
    let mut way = Way::new();
    way.moves(2, Change::Something);
    assert_eq!(way.counts(&count(0, 0, 0)), None, "nobody is no answer");
    way.now = WAIT;
    way.counts(&count(0, 0, 0));
    assert_eq!(way.given(), 5, "but nothing to wait for");
}

#[test]
fn a_newer_commit_begins_anew_and_an_older_one_ends_it() {
    let mut way = Way::new();
    way.moves(2, Change::Something);
    way.counts(&count(2, 0, 0));
    assert_eq!(way.moves(3, Change::Something), up_to(5), "three go back");
    assert_eq!((way.given(), way.wave().commit), (2, commit(3)));
    assert_eq!(way.moves(4, Change::Nothing), up_to(2));
    assert_eq!((way.course.settled(), way.course.wave), (commit(4), None));
}

#[test]
fn a_commit_that_brings_the_same_waits_for_the_one_on_its_way() {
    let mut way = Way::new();
    way.moves(2, Change::Something);
    way.counts(&count(2, 0, 0));
    let before = way.course.clone();
    assert_eq!(way.moves(3, Change::NothingSinceWave), None);
    assert_eq!((way.given(), &way.course), (5, &before));
    way.happens(&Event::Promoted);
    assert_eq!(way.moves(3, Change::Nothing), Some(Tell::Nobody));
    assert_eq!((way.course.settled(), way.course.wave), (commit(3), None));
}

#[test]
fn what_changes_nothing_is_told_nobody() {
    let mut way = Way::new();
    assert_eq!(way.moves(2, Change::Nothing), Some(Tell::Nobody));
    assert_eq!((way.course.settled(), way.given()), (commit(2), 0));
}

#[test]
fn somebody_decides() {
    let mut way = Way::new();
    assert_eq!(way.happens(&Event::Promoted), None);
    let abort = Event::Aborted {
        by: "jo",
        reason: Some("INC-812"),
    };
    assert_eq!(way.happens(&abort), None);
    way.moves(2, Change::Something);
    assert_eq!(Some(way.wave().again()), up_to(2));
    assert_eq!(way.happens(&abort), up_to(2));
    assert_eq!(way.wave().again(), Tell::Everyone);
    assert_eq!((way.given(), way.wave().state), (0, State::Aborted));
    assert_eq!(way.wave().by.as_deref(), Some("jo"));
    assert_eq!(way.happens(&abort), None);
    assert_eq!(way.happens(&Event::Promoted), Some(Tell::Everyone));
    assert_eq!((way.course.settled(), way.course.wave), (commit(2), None));
}

#[test]
fn what_a_wave_stopped_is_nothing_to_go_back_to() {
    let mut way = Way::new();
    way.moves(2, Change::Something);
    way.counts(&count(0, 2, 0));
    way.happens(&Event::Moved {
        commits: &[commit(3), commit(2), commit(1)],
        change: Change::Nothing,
        fleet: &fleet(),
    });
    assert_eq!(way.course.all_settled(), [commit(3), commit(1)]);
}

/// Whatever happens: of one commit, an instance that was given it keeps it until the wave ends, stops or goes on to another;
/// who is not told keeps what it has.
#[test]
fn nobody_changes_sides_without_being_told() {
    let seed = fastrand::u64(..);
    let mut rng = Rng::with_seed(seed);
    for _ in 0..2_000 {
        let mut way = Way::new();
        way.rule.stop_at = 3_000;
        for _ in 0..12 {
            let given = |way: &Way, turn| {
                let wave = way.course.wave.as_ref();
                let coming = wave.filter(|wave| wave.has_come_to(turn));
                coming.map_or_else(|| way.course.settled(), |wave| wave.commit)
            };
            let turns: Vec<_> = (0..20)
                .map(|number| Turn::of(&number.to_string()))
                .collect();
            let before: Vec<_> = turns.iter().map(|turn| given(&way, *turn)).collect();
            let (step, fresh) = (way.course.wave.clone(), 2 + rng.u8(..200));
            let changes = rng.bool();
            let change = if changes {
                Change::Something
            } else {
                Change::NothingSinceWave
            };
            let mut fleet: Vec<_> = turns.iter().copied().filter(|_| rng.bool()).collect();
            fleet.sort();
            let counted = count(rng.usize(..9), rng.usize(..4), rng.usize(..3));
            let event = match rng.u8(..8) {
                0 => Event::Promoted,
                1 => Event::Aborted {
                    by: "jo",
                    reason: None,
                },
                2 | 3 => Event::Moved {
                    commits: &[commit(fresh)],
                    change,
                    fleet: &fleet,
                },
                _ => Event::Counted {
                    count: &counted,
                    fleet: &fleet,
                },
            };
            way.now += i64::from(changes) * WAIT;
            let tell = way.happens(&event).unwrap_or(Tell::Nobody);
            for (turn, old) in turns.iter().zip(&before) {
                let is_told = match tell {
                    Tell::Nobody => false,
                    Tell::Some { after, last } => {
                        *turn <= last && after.is_none_or(|after| *turn > after)
                    }
                    Tell::Everyone => true,
                };
                let new = given(&way, *turn);
                let was_running = step.as_ref().is_some_and(Wave::is_running);
                if was_running
                    && matches!(
                        event,
                        Event::Moved {
                            change: Change::NothingSinceWave,
                            ..
                        }
                    )
                {
                    assert_eq!(new, *old, "seed {seed}: nothing came");
                }
                assert!(new == *old || is_told, "seed {seed}: {event:?}");
                let goes_on = step.as_ref().zip(way.course.wave.as_ref());
                let same =
                    goes_on.filter(|(old, new)| old.commit == new.commit && new.is_running());
                if same.is_some_and(|(wave, _)| wave.has_come_to(*turn)) {
                    assert_eq!(new, *old, "seed {seed}: back without a reason");
                }
            }
        }
    }
}
