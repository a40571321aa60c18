//! Rounds: contestants take turns, and only figures of the same round are compared.

use anyhow::Context as _;

/// What all rounds came to.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summary {
    pub(super) median: f64,
    pub(super) min: f64,
    pub(super) max: f64,
    /// One value a round, in order.
    pub(super) values: Vec<f64>,
}

impl Summary {
    /// # Errors
    /// No values, or one that is no number.
    pub(super) fn of(values: Vec<f64>) -> anyhow::Result<Self> {
        anyhow::ensure!(
            values.iter().all(|value| value.is_finite()),
            "not every round has a figure: {values:?}"
        );
        let median = percentile(&values, 0.5).context("no round has a figure")?;
        let min = values.iter().copied().fold(f64::INFINITY, f64::min);
        let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        Ok(Self {
            median,
            min,
            max,
            values,
        })
    }
}

/// The value below which this share of all values lies, between the two nearest ones; `0.5` is the median.
pub(super) fn percentile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = share.clamp(0.0, 1.0) * last as f64;
    let (below, above) = (place.floor(), place.ceil());
    let weight = place - below;
    Some(sorted[below as usize] * (1.0 - weight) + sorted[above as usize] * weight)
}

/// The turns of a round, by the contestants' numbers: the first one is the anchor and has the first and the last turn, the
/// others swap their order each round. A contestant without others has one turn.
pub(super) fn turns(contestants: usize, round: u32) -> Vec<usize> {
    let mut others: Vec<_> = (1..contestants).collect();
    if !round.is_multiple_of(2) {
        others.reverse();
    }
    let mut turns = vec![0];
    if !others.is_empty() {
        turns.extend(others);
        turns.push(0);
    }
    turns
}

/// The same where each contestant has one turn: the order is turned round each time.
pub(super) fn once_each(contestants: usize, round: u32) -> Vec<usize> {
    let mut turns: Vec<_> = (0..contestants).collect();
    if !round.is_multiple_of(2) {
        turns.reverse();
    }
    turns
}

/// The figures of all rounds: for each round, for each contestant, one for each of its turns.
#[derive(Debug)]
pub(super) struct Contest<R> {
    rounds: Vec<Vec<Vec<R>>>,
}

impl<R> Contest<R> {
    /// Gives each contestant its turns, and the anchor two. `turn` is told the round and the contestant.
    pub(super) fn hold(
        rounds: u32,
        contestants: usize,
        turn: impl FnMut(u32, usize) -> anyhow::Result<R>,
    ) -> anyhow::Result<Self> {
        Self::in_order(turns, rounds, contestants, turn)
    }

    /// The same with one turn for everybody, where turns are long.
    pub(super) fn alternate(
        rounds: u32,
        contestants: usize,
        turn: impl FnMut(u32, usize) -> anyhow::Result<R>,
    ) -> anyhow::Result<Self> {
        Self::in_order(once_each, rounds, contestants, turn)
    }

    fn in_order(
        order: fn(usize, u32) -> Vec<usize>,
        rounds: u32,
        contestants: usize,
        mut turn: impl FnMut(u32, usize) -> anyhow::Result<R>,
    ) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for round in 0..rounds {
            let mut figures: Vec<Vec<R>> = (0..contestants).map(|_| Vec::new()).collect();
            for contestant in order(contestants, round) {
                figures[contestant].push(turn(round, contestant)?);
            }
            all.push(figures);
        }
        Ok(Self { rounds: all })
    }

    /// All turns of one contestant after another.
    pub(super) fn by_contestant(&self) -> impl Iterator<Item = Vec<&R>> {
        let contestants = self.rounds.first().map_or(0, Vec::len);
        (0..contestants).map(|number| self.rounds.iter().flat_map(|it| &it[number]).collect())
    }

    /// How many turns are so.
    pub(super) fn count(&self, is_so: impl Fn(&R) -> bool) -> usize {
        let turns = self.rounds.iter().flatten().flatten();
        turns.filter(|turn| is_so(turn)).count()
    }

    /// One figure of one contestant, over the rounds.
    pub(super) fn figure(
        &self,
        contestant: usize,
        figure: impl Fn(&R) -> f64,
    ) -> anyhow::Result<Summary> {
        let of_round = |round: &Vec<Vec<R>>| mean(&round[contestant], &figure);
        Summary::of(self.rounds.iter().map(of_round).collect())
    }

    /// One figure of `a` divided by that of `b` in the same round, over the rounds.
    pub(super) fn ratio(
        &self,
        a: usize,
        b: usize,
        figure: impl Fn(&R) -> f64,
    ) -> anyhow::Result<Summary> {
        let of_round = |round: &Vec<Vec<R>>| mean(&round[a], &figure) / mean(&round[b], &figure);
        Summary::of(self.rounds.iter().map(of_round).collect())
    }
}

fn mean<R>(turns: &[R], figure: impl Fn(&R) -> f64) -> f64 {
    turns.iter().map(figure).sum::<f64>() / turns.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_value_or_between_two() {
        assert_eq!(percentile(&[3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile(&[4.0, 1.0, 2.0, 3.0], 0.5), Some(2.5));
        assert_eq!(percentile(&[1.0, 2.0, 3.0], 1.0), Some(3.0));
        assert_eq!(percentile(&[], 0.5), None);
    }

    #[test]
    fn a_summary_has_its_range_and_refuses_what_is_no_figure() {
        let summary = Summary::of(vec![2.0, 9.0, 1.0]).unwrap();
        assert_eq!((summary.median, summary.min, summary.max), (2.0, 1.0, 9.0));
        assert!(Summary::of(vec![]).is_err());
        assert!(Summary::of(vec![1.0, f64::NAN]).is_err());
    }

    #[test]
    fn the_anchor_has_both_ends_and_the_order_alternates() {
        assert_eq!(turns(3, 0), [0, 1, 2, 0]);
        assert_eq!(turns(3, 1), [0, 2, 1, 0]);
        assert_eq!(turns(1, 0), [0]);
        assert_eq!(once_each(3, 0), [0, 1, 2]);
        assert_eq!(once_each(3, 1), [2, 1, 0]);
    }

    #[test]
    fn ratios_are_paired_within_a_round() {
        // The machine is twice as fast in the second round; the ratio does not notice.
        let figures = [[10.0, 30.0], [20.0, 60.0]];
        let contest = Contest::hold(2, 2, |round, contestant| {
            Ok(figures[round as usize][contestant])
        })
        .unwrap();
        assert_eq!(contest.ratio(1, 0, |&it| it).unwrap().values, [3.0, 3.0]);
        assert_eq!(contest.figure(0, |&it| it).unwrap().median, 15.0);
    }

    #[test]
    fn the_anchor_counts_with_the_mean_of_its_turns() {
        let mut next = 0.0;
        let contest = Contest::hold(1, 2, |_, _| {
            next += 1.0;
            Ok(next)
        });
        // Turns 1 and 3 are the anchor's.
        assert_eq!(contest.unwrap().ratio(1, 0, |&it| it).unwrap().median, 1.0);
    }
}
