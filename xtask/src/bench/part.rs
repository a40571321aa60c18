//! Workloads in parts that do not spoil each other.

use super::record::Record;

/// Carries out a part of a workload; what fails becomes one void record, so that the other parts still count.
pub(super) fn part<R: IntoIterator<Item = Record>>(
    workload: &str,
    variant: &str,
    measure: impl FnOnce() -> anyhow::Result<R>,
) -> Vec<Record> {
    match measure() {
        Ok(records) => records.into_iter().collect(),
        Err(error) => {
            eprintln!("{workload} {variant} is void: {error:#}");
            vec![Record::new(workload, variant, "all figures").note(format!("{error:#}"))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::Outcome;
    use super::*;

    #[test]
    fn a_part_that_fails_leaves_the_others_alone() {
        let good = part("W1", "hot", || {
            Ok([Record::new("W1", "hot", "ms").absent("no wrk")])
        });
        let bad = part("W1", "gzip", || -> anyhow::Result<Vec<_>> {
            anyhow::bail!("a wrong answer")
        });
        assert_eq!(good[0].outcome, Outcome::Absent);
        assert_eq!(
            (bad.len(), bad[0].outcome, bad[0].note.as_str()),
            (1, Outcome::Void, "a wrong answer")
        );
    }
}
