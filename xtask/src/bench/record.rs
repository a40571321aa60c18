//! What a workload found out: one [`Record`] is one line of the table and one JSON line in a file.

use serde::{Deserialize, Serialize};

use super::machine::Machine;
use super::rounds::Summary;

/// With fewer rounds a median says too little to be judged.
const ENOUGH_ROUNDS: usize = 7;

/// One figure beside its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// `W1` … `W10`.
    pub(super) workload: String,
    /// What of the workload: `304`, `R10k`, `1,000 clients`.
    pub(super) variant: String,
    /// What is counted: `requests/s ÷ nginx`.
    pub(super) measure: String,
    pub(super) unit: String,
    pub(super) outcome: Outcome,
    /// The median of all rounds; nothing unless measured.
    pub(super) figure: Option<f64>,
    pub(super) min: Option<f64>,
    pub(super) max: Option<f64>,
    /// One value a round.
    pub(super) values: Vec<f64>,
    /// How many rounds the figure is made of.
    pub(super) rounds: usize,
    /// How many it takes to be judged.
    #[serde(skip, default = "enough_rounds")]
    enough: usize,
    /// Size and cost, where the figure is a slope; in the order of sizes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) curve: Vec<[f64; 2]>,
    /// Nothing where the figure is only told.
    pub(super) bound: Option<Bound>,
    /// The target was not asked for but is our own.
    pub(super) beyond: bool,
    /// Nothing without a bound, a figure, or enough rounds to judge by.
    pub(super) met: Option<bool>,
    /// Beside whom it was measured.
    pub(super) peer: Option<String>,
    /// How to read the figure, or why there is none.
    pub(super) note: String,
}

/// What became of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Outcome {
    Measured,
    /// An answer was wrong or missing, so that no figure counts.
    Void,
    /// The peer, or a program that is needed, is not on this machine.
    Absent,
}

/// Where a figure has to be.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// A record with where and when it was taken: what is written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    #[serde(flatten)]
    pub(super) record: Record,
    /// When its workload was through, as `2026-01-31T12:00:00Z`.
    #[serde(default)]
    pub(super) taken: String,
    /// The commit of this repository that was measured, `+` behind it when files were changed since.
    pub(super) commit: String,
    /// How long each turn lasted.
    pub(super) seconds: u32,
    /// False when it has a target but not the rounds to be held to it.
    pub(super) judged: bool,
    pub(super) machine: Machine,
}

impl Record {
    /// A record without a figure yet, which is [`Outcome::Void`] until [`Self::figure`] gives it one.
    pub(super) fn new(workload: &str, variant: &str, measure: &str) -> Self {
        Self {
            workload: workload.to_owned(),
            variant: variant.to_owned(),
            measure: measure.to_owned(),
            unit: String::new(),
            outcome: Outcome::Void,
            figure: None,
            min: None,
            max: None,
            values: Vec::new(),
            rounds: 0,
            enough: ENOUGH_ROUNDS,
            curve: Vec::new(),
            bound: None,
            beyond: false,
            met: None,
            peer: None,
            note: String::new(),
        }
    }

    /// What was measured, in this unit (`×` for ratios).
    pub(super) fn figure(mut self, summary: &Summary, unit: &str) -> Self {
        self.outcome = Outcome::Measured;
        self.figure = Some(summary.median);
        (self.min, self.max) = (Some(summary.min), Some(summary.max));
        self.rounds = summary.values.len();
        self.values.clone_from(&summary.values);
        unit.clone_into(&mut self.unit);
        self
    }

    /// What was counted in all of these rounds together.
    pub(super) fn count(mut self, count: f64, rounds: usize, unit: &str) -> Self {
        let summary = Summary {
            median: count,
            min: count,
            max: count,
            values: vec![count],
        };
        self = self.figure(&summary, unit);
        self.rounds = rounds;
        self
    }

    /// Is judged by so many rounds already, since each of them is long.
    pub(super) fn enough(mut self, rounds: usize) -> Self {
        self.enough = rounds;
        self
    }

    /// What a slope was computed from, for the chart: sizes and costs.
    pub(super) fn curve(mut self, points: Vec<[f64; 2]>) -> Self {
        self.curve = points;
        self
    }

    /// The target of the table.
    pub(super) fn target(mut self, bound: Bound) -> Self {
        self.bound = Some(bound);
        self
    }

    /// A target that nobody asked for.
    pub(super) fn beyond(mut self, bound: Bound) -> Self {
        self.beyond = true;
        self.target(bound)
    }

    pub(super) fn peer(mut self, name: &str) -> Self {
        self.peer = Some(name.to_owned());
        self
    }

    pub(super) fn note(mut self, text: impl Into<String>) -> Self {
        self.note = text.into();
        self
    }

    /// Without a figure, since something is missing here.
    pub(super) fn absent(mut self, why: impl Into<String>) -> Self {
        self.outcome = Outcome::Absent;
        self.note(why)
    }

    /// Whether there are rounds enough for the target, if there are figure and target.
    pub(super) fn may_be_judged(&self) -> bool {
        self.bound.is_none() || self.figure.is_none() || self.rounds >= self.enough
    }

    /// Whether the median is where it has to be.
    pub(super) fn judge(&mut self) {
        self.met = self
            .bound
            .zip(self.figure)
            .map(|(bound, figure)| bound.holds(figure));
    }

    /// Whether somebody has to look at this line first.
    pub(super) fn is_missed(&self) -> bool {
        self.met == Some(false) || self.outcome == Outcome::Void
    }

    /// Whether the run has failed: what was asked for is missed, or an answer was wrong.
    pub(super) fn has_failed(&self) -> bool {
        self.is_missed() && (!self.beyond || self.outcome == Outcome::Void)
    }
}

fn enough_rounds() -> usize {
    ENOUGH_ROUNDS
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtLeast(bound) => figure >= bound,
            Self::AtMost(bound) => figure <= bound,
        }
    }

    /// How many times better than asked for; nothing where either is zero.
    pub(super) fn margin(self, figure: f64) -> Option<f64> {
        let margin = match self {
            Self::AtLeast(bound) => figure / bound,
            Self::AtMost(bound) => bound / figure,
        };
        (margin.is_finite() && margin > 0.0).then_some(margin)
    }

    pub(super) fn value(self) -> f64 {
        match self {
            Self::AtLeast(bound) | Self::AtMost(bound) => bound,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(_) => f.write_str("≥ ")?,
            Self::AtMost(_) => f.write_str("≤ ")?,
        }
        f.write_str(&super::table::number(self.value()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(figure: f64, bound: Bound) -> Record {
        let mut record = Record::new("W1", "hot", "requests/s ÷ nginx")
            .figure(&Summary::of(vec![figure]).unwrap(), "×")
            .target(bound);
        record.judge();
        record
    }

    #[test]
    fn a_bound_is_met_from_its_own_side() {
        assert_eq!(record(1.25, Bound::AtLeast(1.25)).met, Some(true));
        assert_eq!(record(1.24, Bound::AtLeast(1.25)).met, Some(false));
        assert_eq!(record(0.81, Bound::AtMost(0.8)).met, Some(false));
    }

    #[test]
    fn without_a_figure_nothing_is_met_and_a_void_line_is_seen_first() {
        let mut record = Record::new("W1", "hot", "requests/s").target(Bound::AtLeast(1.0));
        record.judge();
        assert_eq!(record.met, None);
        assert!(record.is_missed());
        assert!(!record.absent("no nginx").is_missed());
    }

    #[test]
    fn a_target_wants_rounds_enough() {
        let of = |rounds: usize| {
            let summary = Summary::of(vec![1.0; rounds]).unwrap();
            Record::new("W1", "hot", "ms").figure(&summary, "ms")
        };
        let bound = Bound::AtMost(2.0);
        assert!(of(7).target(bound).may_be_judged());
        assert!(!of(6).target(bound).may_be_judged());
        assert!(of(6).may_be_judged());
        assert!(of(2).target(bound).enough(2).may_be_judged());
        let counted = Record::new("W1", "hot", "requests").target(bound);
        assert!(counted.clone().count(0.0, 7, "").may_be_judged());
        assert!(!counted.count(0.0, 1, "").may_be_judged());
    }

    #[test]
    fn only_what_was_asked_for_fails_a_run() {
        let missed = record(0.81, Bound::AtMost(0.8));
        assert!(missed.has_failed());
        let mut beyond = missed.beyond(Bound::AtMost(0.8));
        beyond.judge();
        assert!(beyond.is_missed() && !beyond.has_failed());
        assert!(Record::new("W1", "hot", "ms").has_failed());
        assert!(!Record::new("W1", "hot", "ms").absent("no wrk").has_failed());
    }

    #[test]
    fn a_record_survives_its_json() {
        let record = record(1.3, Bound::AtLeast(1.25));
        let json = serde_json::to_string(&record).unwrap();
        assert!(json.contains(r#""bound":{"at_least":1.25}"#), "{json}");
        assert_eq!(serde_json::from_str::<Record>(&json).unwrap(), record);
    }
}
