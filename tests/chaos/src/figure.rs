//! Numbers that a run has measured.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Something that was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// Of what.
    pub what: String,
    /// How much.
    pub value: f64,
    /// In what; empty for what is only counted.
    pub unit: String,
}

impl Figure {
    /// Of something in a unit.
    pub fn new(what: impl Into<String>, value: f64, unit: &str) -> Self {
        Self {
            what: what.into(),
            value,
            unit: unit.to_owned(),
        }
    }

    /// Of something that took so long, in milliseconds.
    pub fn time(what: impl Into<String>, took: Duration) -> Self {
        Self::new(what, took.as_secs_f64() * 1e3, "ms")
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.value.abs() < 10.0 && self.value.fract() != 0.0 {
            2
        } else {
            0
        };
        write!(f, "{}: {:.digits$}", self.what, self.value)?;
        if self.unit.is_empty() {
            return Ok(());
        }
        write!(f, " {}", self.unit)
    }
}

/// The smallest that so many of a hundred do not exceed; nothing of nothing. Sorts what it is given.
#[must_use]
pub fn percentile(values: &mut [f64], of_hundred: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let rank = (values.len() as f64 * of_hundred / 100.0).ceil() as usize;
    values.get(rank.saturating_sub(1).min(last)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_as_many_digits_as_they_deserve() {
        let text = |value| Figure::new("p99", value, "ms").to_string();
        assert_eq!(text(1.234), "p99: 1.23 ms");
        assert_eq!(text(123.4), "p99: 123 ms");
        assert_eq!(Figure::new("kills", 3.0, "").to_string(), "kills: 3");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let mut values: Vec<_> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(percentile(&mut values, 99.0), Some(198.0));
        assert_eq!(percentile(&mut values, 50.0), Some(100.0));
        assert_eq!(percentile(&mut values, 100.0), Some(200.0));
        assert_eq!(percentile(&mut [], 50.0), None);
    }
}
