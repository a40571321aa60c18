//! What a run of `--measure` found, as it is kept.

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::fit::Point;
use super::parameters::Parameters;

/// How far a prediction may be off, of what was measured.
pub(super) const ALLOWED: f64 = 0.25;

/// Of one run on one machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    /// What the figures depend on.
    pub(super) machine: String,
    pub(super) rounds: u32,
    pub(super) parameters: Parameters,
    pub(super) compared: Vec<Compared>,
    pub(super) points: Points,
}

/// What the parameters were made of, and beside it the same of the fleet that was foreseen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Points {
    pub(super) rabbit: Vec<Point>,
    pub(super) stream: Vec<Point>,
}

/// What was foreseen, and what came.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Compared {
    /// How events came: `RabbitMQ` or `stream`.
    pub(super) way: String,
    pub(super) clients: usize,
    /// What is compared.
    pub(super) figure: String,
    /// In milliseconds.
    pub(super) foreseen: f64,
    /// The median of all pushes.
    pub(super) measured: f64,
    /// The smallest and the largest one.
    pub(super) range: (f64, f64),
    /// Whether the prediction is held to [`ALLOWED`].
    pub(super) judged: bool,
}

impl Compared {
    pub(super) fn ratio(&self) -> f64 {
        self.foreseen / self.measured
    }

    pub(super) fn is_held(&self) -> bool {
        !self.judged || (self.ratio() - 1.0).abs() <= ALLOWED
    }
}

impl Record {
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no record", file.display()))
    }

    pub(super) fn write(&self, file: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
    }

    /// Whether every prediction that is judged was near enough.
    pub(super) fn is_held(&self) -> bool {
        self.compared.iter().all(Compared::is_held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prediction_may_be_off_by_a_quarter_either_way() {
        let held = |foreseen: f64, judged: bool| {
            Compared {
                way: "stream".to_owned(),
                clients: 1_000,
                figure: "100 %".to_owned(),
                foreseen,
                measured: 100.0,
                range: (90.0, 110.0),
                judged,
            }
            .is_held()
        };
        assert!(held(125.0, true) && held(75.0, true));
        assert!(!held(126.0, true) && !held(74.0, true));
        assert!(held(300.0, false));
    }
}
