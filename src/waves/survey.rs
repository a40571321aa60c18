//! Who is there for a line, and how far they are.

use std::{collections::HashMap, sync::Arc};

use confbus_protocol::BusId;
use confbus_resolution::EnvironmentRequest;

use super::{
    course::{Count, Tell, Wave},
    line::Line,
    lines::Lines,
    now,
    turn::Turn,
};
use crate::{
    environment_repository::{EnvironmentRepository, Scope},
    ledger::{Ledger, Standing},
};

/// What is known of those who read a label under one address and name themselves.
#[derive(Debug, Default)]
pub(super) struct Survey {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    turn: Turn,
    standing: Standing,
    /// What it would be answered now.
    version: Option<String>,
}

impl Survey {
    /// Asks the ledger, and the repository aside from the runtime's threads; `None` when the server is stopping.
    pub(super) async fn of(
        line: &Arc<Line>,
        lines: &Arc<Lines>,
        repository: &EnvironmentRepository,
        ledger: &Ledger,
    ) -> Option<Self> {
        let may_hold = |request: &EnvironmentRequest| line.rule.address.may_hold(request);
        let standings = ledger.standings(may_hold).await.ok()?;
        let (line, lines, repository) = (Arc::clone(line), Arc::clone(lines), repository.clone());
        let work = move || Self::of_standings(standings, &line, &lines, &repository);
        tokio::task::spawn_blocking(work).await.ok()
    }

    fn of_standings(
        standings: Vec<Standing>,
        line: &Line,
        lines: &Lines,
        repository: &EnvironmentRepository,
    ) -> Self {
        let holds = |request: &EnvironmentRequest| lines.decides(line, request);
        let scope = Scope {
            repository: &line.course.repository,
            label: &line.label,
            holds: &holds,
        };
        let mut versions: HashMap<(EnvironmentRequest, Vec<bool>), Option<String>> = HashMap::new();
        let mut is_in: HashMap<EnvironmentRequest, bool> = HashMap::new();
        let mut members = Vec::new();
        for standing in standings {
            let request = &standing.request;
            let known = is_in.get(request).copied();
            let is_member = known.unwrap_or_else(|| repository.is_in(&scope, request));
            is_in.insert(request.clone(), is_member);
            if !is_member {
                continue;
            }
            let turn = Turn::of(standing.instance.as_str());
            let version = versions.entry((request.clone(), lines.sides(turn)));
            let version = version
                .or_insert_with(|| {
                    let current = repository.version_of(request, Some(&standing.instance));
                    current.map(|given| given.version)
                })
                .clone();
            members.push(Member {
                turn,
                standing,
                version,
            });
        }
        members.sort_by_key(|member| member.turn);
        Self { members }
    }

    /// The turns of those who are there, in order.
    pub(super) fn fleet(&self) -> Vec<Turn> {
        let now = now();
        let there = self.members.iter();
        let there = there.filter(|member| !member.standing.was_silent(now));
        there.map(|member| member.turn).collect()
    }

    /// How far those are whose turn it is and who were there when the step began. Nobody waits for whom it did not find there
    /// any more, which may turn out only later.
    pub(super) fn count(&self, wave: &Wave, now: i64) -> Count {
        let mut count = Count::default();
        let asked = self.members.iter().filter(|member| {
            wave.has_come_to(member.turn) && !member.standing.was_silent(wave.since)
        });
        for member in asked {
            if member.has_rejected(wave) {
                count.rejected += 1;
                count
                    .rejecting
                    .get_or_insert_with(|| member.standing.instance.to_string());
            } else if member.has_applied() {
                count.applied += 1;
            } else if !member.standing.is_gone_since(wave.since, now) {
                count.waiting += 1;
            }
        }
        count
    }

    /// The instances that are to be told.
    pub(super) fn told(&self, tell: Tell) -> Vec<&BusId> {
        let Tell::Some { after, last } = tell else {
            return Vec::new();
        };
        let meant = self
            .members
            .iter()
            .filter(|member| member.turn <= last && after.is_none_or(|after| member.turn > after));
        meant.map(|member| &member.standing.instance).collect()
    }
}

impl Member {
    fn has_applied(&self) -> bool {
        self.version.is_some() && self.version == self.standing.applied
    }

    /// Since the wave began: an application may have learned to live with what it refused before.
    fn has_rejected(&self, wave: &Wave) -> bool {
        let rejected = self.standing.rejected.as_ref();
        rejected.is_some_and(|(version, at)| {
            Some(version) == self.version.as_ref() && *at >= wave.started
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{super::course::State, *};

    const MINUTE: i64 = 60_000;

    /// An instance of the first turns that said last at a time what it runs.
    fn member(last_sign: i64, expected: Option<i64>, applied: &str) -> Member {
        let instance = BusId::new("orders:dev:8080:a").unwrap();
        Member {
            turn: Turn::of(instance.as_str()),
            standing: Standing::seen(instance, last_sign, expected, applied),
            version: Some("new".into()),
        }
    }

    #[test]
    fn whoever_went_before_its_turn_came_is_not_waited_for() {
        let since = 10 * MINUTE;
        let wave = Wave {
            commit: confbus_protocol::CommitId::from_bytes([1; 20]),
            state: State::Running,
            percent: 100,
            last: Turn::LAST,
            started: since,
            since,
            reason: None,
            by: None,
        };
        let waits = |last_sign, expected, now| {
            let members = vec![
                member(last_sign, expected, "old"),
                member(last_sign, expected, "new"),
            ];
            let count = Survey { members }.count(&wave, now);
            (count.waiting, count.applied)
        };
        let (before, after) = (since - MINUTE, since + MINUTE);
        let expected = Some(since + 2 * MINUTE);
        assert_eq!(waits(before, expected, after), (1, 1), "it may still come");
        assert_eq!(waits(before, expected, 2 * since), (0, 1), "it has gone");
        assert_eq!(waits(after, expected, 2 * since), (1, 1), "it was asked");
        assert_eq!(waits(before, Some(before), after), (0, 0), "it had gone");
        assert_eq!(waits(before, None, 2 * since), (1, 1), "it says little");
    }
}
