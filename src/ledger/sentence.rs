//! How far a fleet is, in one sentence that is the same wherever it is said.

use std::fmt;

use confbus_protocol::CommitId;
use serde::Serialize;

use super::state::State;

/// Where an instance counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Column {
    /// Runs what is wanted.
    Live,
    /// Runs an earlier version with the same content.
    Same,
    /// Runs it but for keys that need a new start.
    Restart,
    /// Is on its way, or nobody knows.
    Waiting,
    /// Refused it.
    Rejected,
    /// Runs what somebody keeps it at.
    Held,
    /// Gives no sign any more.
    Silent,
}

/// How many instances there are in each column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) instances: usize,
    pub(crate) live: usize,
    pub(crate) same: usize,
    pub(crate) restart: usize,
    pub(crate) waiting: usize,
    pub(crate) rejected: usize,
    pub(crate) held: usize,
    pub(crate) silent: usize,
}

/// What the instances are to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Goal {
    /// All of them this version.
    One(String),
    /// Each its own, or nobody knows.
    Several,
}

/// `9f2c1ab is live on 47 of 50 instances; 3 rejected it`.
#[derive(Debug)]
pub(crate) struct Sentence<'s> {
    pub(crate) goal: &'s Goal,
    pub(crate) totals: &'s Totals,
}

impl Column {
    /// That of an instance in this state, which may be kept back.
    pub(crate) fn of(state: State, is_held: bool) -> Self {
        match state {
            State::Live | State::Same | State::Restart if is_held => Self::Held,
            State::Live => Self::Live,
            State::Same => Self::Same,
            State::Restart => Self::Restart,
            State::Told | State::Served | State::Applying => Self::Waiting,
            State::Rejected => Self::Rejected,
            State::Silent => Self::Silent,
        }
    }
}

impl Totals {
    pub(crate) fn count(&mut self, column: Column) {
        self.count_many(column, 1);
    }

    pub(crate) fn count_many(&mut self, column: Column, instances: usize) {
        self.instances += instances;
        *match column {
            Column::Live => &mut self.live,
            Column::Same => &mut self.same,
            Column::Restart => &mut self.restart,
            Column::Waiting => &mut self.waiting,
            Column::Rejected => &mut self.rejected,
            Column::Held => &mut self.held,
            Column::Silent => &mut self.silent,
        } += instances;
    }

    /// Those that run what is wanted, or what is the same.
    pub(crate) fn on_goal(&self) -> usize {
        self.live + self.same + self.restart
    }
}

impl Goal {
    /// What all of these versions come to.
    pub(super) fn of<'v>(versions: impl IntoIterator<Item = Option<&'v str>>) -> Self {
        let mut versions = versions.into_iter();
        match versions.next().flatten() {
            Some(first) if versions.all(|other| other == Some(first)) => {
                Self::One(first.to_owned())
            }
            _ => Self::Several,
        }
    }

    /// The version, if it is one.
    pub(crate) fn version(&self) -> Option<&str> {
        match self {
            Self::One(version) => Some(version),
            Self::Several => None,
        }
    }
}

impl fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = self.totals;
        if totals.instances == 0 {
            return f.write_str("no instance has asked yet");
        }
        match self.goal {
            Goal::One(version) => write!(f, "{} is live", short(version))?,
            Goal::Several => f.write_str("what is wanted is live")?,
        }
        let instances = if totals.instances == 1 {
            "instance"
        } else {
            "instances"
        };
        write!(
            f,
            " on {} of {} {instances}",
            totals.on_goal(),
            totals.instances
        )?;
        let number = |count: usize, one: &str, many: &str| {
            let words = if count == 1 { one } else { many };
            (count > 0).then(|| format!("{count} {words}"))
        };
        let rest = [
            number(totals.rejected, "rejected it", "rejected it"),
            number(totals.held, "is held", "are held"),
            number(totals.waiting, "is waiting", "are waiting"),
            number(totals.silent, "is silent", "are silent"),
            number(totals.restart, "needs a restart", "need a restart"),
        ];
        let rest: Vec<_> = rest.into_iter().flatten().collect();
        if rest.is_empty() {
            return Ok(());
        }
        write!(f, "; {}", rest.join(", "))
    }
}

/// A version or a label for people: of each commit id in it, which may be several by comma, the first digits; all else as it is.
#[must_use]
pub fn short(version: &str) -> String {
    let parts = version.split(',');
    let shorts = parts.map(|part| match CommitId::parse(part) {
        Some(commit) => commit.short(),
        None => part.to_owned(),
    });
    shorts.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(columns: &[(Column, usize)], goal: &Goal) -> String {
        let mut totals = Totals::default();
        for (column, count) in columns {
            (0..*count).for_each(|_| totals.count(*column));
        }
        let totals = &totals;
        Sentence { goal, totals }.to_string()
    }

    #[test]
    fn only_commit_ids_are_short() {
        let [one, other] = ["9f2c1ab", "4e81d07"].map(|start| format!("{start}{}", "0".repeat(33)));
        assert_eq!(short(&format!("{one},{other}")), "9f2c1ab,4e81d07");
        for label in ["release/2.0", "20261120", "ä", ""] {
            assert_eq!(short(label), label);
        }
    }

    #[test]
    fn the_sentence_says_how_far_a_fleet_is() {
        let goal = Goal::One(format!("9f2c1ab{}", "0".repeat(33)));
        for (columns, expected) in [
            (&[][..], "no instance has asked yet"),
            (&[(Column::Live, 1)], "9f2c1ab is live on 1 of 1 instance"),
            (
                &[(Column::Live, 47), (Column::Rejected, 3)],
                "9f2c1ab is live on 47 of 50 instances; 3 rejected it",
            ),
            (
                &[
                    (Column::Live, 47),
                    (Column::Same, 21),
                    (Column::Restart, 1),
                    (Column::Held, 2),
                    (Column::Waiting, 1),
                    (Column::Silent, 1),
                    (Column::Rejected, 1),
                ],
                "9f2c1ab is live on 69 of 74 instances; 1 rejected it, 2 are held, 1 is waiting, 1 is silent, 1 needs a restart",
            ),
        ] {
            assert_eq!(said(columns, &goal), expected);
        }
        assert_eq!(
            said(&[(Column::Live, 2)], &Goal::Several),
            "what is wanted is live on 2 of 2 instances"
        );
    }

    #[test]
    fn a_goal_is_one_only_when_all_have_it() {
        let of = |versions: &[Option<&str>]| Goal::of(versions.iter().copied());
        assert_eq!(of(&[Some("a"), Some("a")]).version(), Some("a"));
        for several in [
            &[][..],
            &[None],
            &[Some("a"), None],
            &[Some("a"), Some("b")],
        ] {
            assert_eq!(of(several), Goal::Several);
        }
    }
}
