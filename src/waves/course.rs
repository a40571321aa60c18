//! How a label comes from one commit to the next for one address: a pure function from what is and what happens to what
//! follows and who is to hear of it.

use confbus_protocol::CommitId;
use serde::{Deserialize, Serialize};

use super::{
    rule::{OnSilence, Rule},
    turn::{Turn, last_of},
};
use crate::pins::{Address, commit_as_text};

/// Earlier versions that are kept of what everybody has: whoever is refused the newest of them is answered from another.
const MAX_SETTLED: usize = 8;

/// What an address is given of one label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Course {
    pub(super) address: Address,
    /// Without credentials.
    pub(super) repository: String,
    /// The label in service, which may stand in for the one that is asked for.
    pub(super) label: String,
    /// What everybody has, newest first; never empty.
    pub(super) settled: Vec<Commit>,
    pub(super) wave: Option<Wave>,
}

/// A commit, as it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Commit(#[serde(with = "commit_as_text")] pub(super) CommitId);

/// A commit on its way to everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Wave {
    #[serde(with = "commit_as_text")]
    pub(super) commit: CommitId,
    pub(super) state: State,
    /// The share of the instances whose turn it is, in percent.
    pub(super) percent: u8,
    /// The last of them.
    pub(super) last: Turn,
    /// Milliseconds since 1970, as all times here.
    pub(super) started: i64,
    /// Since when it is at this step, or stands still.
    pub(super) since: i64,
    /// Why it stands still.
    pub(super) reason: Option<String>,
    /// Who decided that; nobody when it stopped by itself.
    pub(super) by: Option<String>,
}

/// Whether anybody is given the commit of a wave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    /// Those whose turn it is.
    Running,
    /// Nobody any more: it was rejected, and somebody should look.
    Stopped,
    /// Nobody any more: somebody looked.
    Aborted,
}

/// What happens to a course.
#[derive(Debug)]
pub(super) enum Event<'e> {
    /// The label names another commit than everybody has, good for everybody, and this is what it changes. The versions
    /// that answer there, newest first.
    Moved {
        commits: &'e [CommitId],
        change: Change,
        /// Who is there, in order.
        fleet: &'e [Turn],
    },
    /// This is how far those are whose turn it is.
    Counted { count: &'e Count, fleet: &'e [Turn] },
    /// Somebody decides that everybody gets it.
    Promoted,
    /// Somebody decides that nobody gets it.
    Aborted {
        by: &'e str,
        reason: Option<&'e str>,
    },
}

/// What a commit changes for an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// The effective configuration is what everybody has.
    Nothing,
    /// It is what the commit of the wave has.
    NothingSinceWave,
    Something,
}

/// How far those are whose turn it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Count {
    pub(super) applied: usize,
    pub(super) rejected: usize,
    pub(super) waiting: usize,
    /// One that rejected it.
    #[serde(skip)]
    pub(super) rejecting: Option<String>,
}

/// What follows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) course: Course,
    pub(super) tell: Tell,
}

/// Who is to look again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Nobody,
    /// The instances after the first turn, if there is one, up to the second.
    Some {
        after: Option<Turn>,
        last: Turn,
    },
    /// Also those who do not name themselves.
    Everyone,
}

impl Count {
    pub(super) fn asked(&self) -> usize {
        self.applied + self.rejected + self.waiting
    }
}

impl Wave {
    /// Whether whoever has this turn is given its commit.
    pub(super) fn has_come_to(&self, turn: Turn) -> bool {
        self.is_running() && turn <= self.last
    }

    pub(super) fn is_running(&self) -> bool {
        self.state == State::Running
    }

    /// Whether its step takes longer than it should.
    pub(super) fn is_overdue(&self, rule: &Rule, now: i64) -> bool {
        self.is_running() && now.saturating_sub(self.since) >= rule.wait_millis()
    }

    /// Who may have been given something else before, and was not told when it came to where it is.
    pub(super) fn again(&self) -> Tell {
        match self.all() {
            Tell::Nobody => Tell::Everyone,
            first => first,
        }
    }

    /// Those who are given its commit now.
    fn all(&self) -> Tell {
        match self.state {
            State::Running => Tell::Some {
                after: None,
                last: self.last,
            },
            State::Stopped | State::Aborted => Tell::Nobody,
        }
    }
}

impl Course {
    /// A label that is in service for the first time: what it names, everybody has.
    pub(super) fn new(
        address: Address,
        repository: &str,
        label: &str,
        commits: &[CommitId],
    ) -> Self {
        Self {
            address,
            repository: repository.to_owned(),
            label: label.to_owned(),
            settled: settled(commits),
            wave: None,
        }
    }

    /// The commit that everybody has.
    pub(super) fn settled(&self) -> CommitId {
        self.settled[0].0
    }

    /// What follows at a time, if anything does.
    pub(super) fn after(&self, event: &Event<'_>, rule: &Rule, now: i64) -> Option<Next> {
        match (event, &self.wave) {
            (
                Event::Moved {
                    commits,
                    change,
                    fleet,
                },
                wave,
            ) => {
                let commit = *commits.first()?;
                if wave.as_ref().is_some_and(|wave| wave.commit == commit) {
                    return None;
                }
                match (change, wave) {
                    (Change::Nothing, wave) => Some(Next {
                        tell: wave.as_ref().map_or(Tell::Nobody, Wave::all),
                        course: self.settled_at(self.settled_among(commits)),
                    }),
                    // What was reported so far holds for it as well; it follows when the wave has arrived.
                    (Change::NothingSinceWave, Some(wave)) if wave.is_running() => None,
                    (Change::NothingSinceWave, Some(wave)) => {
                        let wave = Wave {
                            commit,
                            ..wave.clone()
                        };
                        Some(self.with(wave, Tell::Nobody))
                    }
                    _ => Some(self.begun(commit, fleet, rule, now)),
                }
            }
            (Event::Counted { count, fleet }, Some(wave)) if wave.is_running() => {
                self.counted(wave, count, fleet, rule, now)
            }
            (Event::Promoted, Some(wave)) => Some(self.arrived(wave)),
            (Event::Aborted { by, reason }, Some(wave)) if wave.state != State::Aborted => {
                let aborted = Wave {
                    state: State::Aborted,
                    since: now,
                    reason: reason.map(str::to_owned),
                    by: Some((*by).to_owned()),
                    ..wave.clone()
                };
                Some(self.with(aborted, wave.all()))
            }
            (Event::Counted { .. } | Event::Promoted | Event::Aborted { .. }, _) => None,
        }
    }

    /// A wave begins with its first step, also where another one was under way: what was reported so far speaks of another
    /// commit.
    fn begun(&self, commit: CommitId, fleet: &[Turn], rule: &Rule, now: i64) -> Next {
        let percent = rule.first_step();
        let wave = Wave {
            commit,
            state: State::Running,
            percent,
            last: last_of(percent, fleet),
            started: now,
            since: now,
            reason: None,
            by: None,
        };
        let before = self.wave.as_ref().filter(|wave| wave.is_running());
        let last = before.map_or(wave.last, |before| before.last.max(wave.last));
        self.with(wave, Tell::Some { after: None, last })
    }

    fn counted(
        &self,
        wave: &Wave,
        count: &Count,
        fleet: &[Turn],
        rule: &Rule,
        now: i64,
    ) -> Option<Next> {
        if rule.is_stopped_by(count.rejected, count.asked()) {
            let stopped = Wave {
                state: State::Stopped,
                since: now,
                reason: Some(count.rejection()),
                by: None,
                ..wave.clone()
            };
            return Some(self.with(stopped, wave.all()));
        }
        let is_overdue = wave.is_overdue(rule, now);
        // Where nobody is left who could answer, somebody may have been on the way.
        let all_answered = count.waiting == 0 && (count.asked() > 0 || is_overdue);
        let goes_on = rule.on_silence == OnSilence::Go && is_overdue;
        if !all_answered && !goes_on {
            return None;
        }
        let Some(percent) = rule.step_after(wave.percent) else {
            return Some(self.arrived(wave));
        };
        let next = Wave {
            percent,
            // Never back, also where many have gone.
            last: last_of(percent, fleet).max(wave.last),
            since: now,
            ..wave.clone()
        };
        let tell = Tell::Some {
            after: Some(wave.last),
            last: next.last,
        };
        Some(self.with(next, tell))
    }

    /// Everybody has it.
    fn arrived(&self, wave: &Wave) -> Next {
        let earlier = self.settled.iter().copied();
        let all = std::iter::once(Commit(wave.commit)).chain(earlier);
        Next {
            course: self.settled_at(all.take(MAX_SETTLED).collect()),
            tell: Tell::Everyone,
        }
    }

    /// The newest of these, and of the others what everybody had: not what a wave stopped in between.
    fn settled_among(&self, commits: &[CommitId]) -> Vec<Commit> {
        let mut commits = commits.to_vec();
        let newest = commits.first().copied();
        let all = self.all_settled();
        commits.retain(|commit| Some(*commit) == newest || all.contains(commit));
        settled(&commits)
    }

    /// The commits that everybody has or had, newest first.
    pub(super) fn all_settled(&self) -> Vec<CommitId> {
        self.settled.iter().map(|commit| commit.0).collect()
    }

    fn settled_at(&self, settled: Vec<Commit>) -> Self {
        Self {
            settled,
            wave: None,
            ..self.clone()
        }
    }

    fn with(&self, wave: Wave, tell: Tell) -> Next {
        let course = Self {
            wave: Some(wave),
            ..self.clone()
        };
        Next { course, tell }
    }
}

impl Count {
    fn rejection(&self) -> String {
        let one = self.rejecting.as_deref().unwrap_or("an instance");
        format!(
            "{} of {} rejected it, {one} among them",
            self.rejected,
            self.asked()
        )
    }
}

fn settled(commits: &[CommitId]) -> Vec<Commit> {
    let commits = commits.iter().take(MAX_SETTLED);
    commits.map(|commit| Commit(*commit)).collect()
}

#[cfg(test)]
mod tests;
