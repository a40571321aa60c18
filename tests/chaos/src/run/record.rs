//! What is kept of a run, for programs and for the document.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::figure::Figure;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The scenario, or the plan.
    pub run: String,
    /// What the plan followed from.
    pub seed: Option<u64>,
    /// What the server called itself.
    pub build: String,
    /// How long it took.
    pub seconds: f64,
    /// Pushes.
    pub pushes: usize,
    /// Reads, besides those that a scenario counts by itself.
    pub reads: usize,
    /// Reads that were no configuration, for whatever reason.
    pub unanswered: usize,
    /// Events on the bus.
    pub events: usize,
    /// Versions that clients made their own.
    pub applied: usize,
    /// Versions that clients refused.
    pub refused: usize,
    /// Everything that failed.
    pub faults: usize,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// The first of each kind of broken promise, and who was late.
    pub broken: Vec<String>,
    /// How many promises were broken.
    pub violations: usize,
    /// What the scenario itself expected and did not find.
    pub failed: Option<String>,
    /// Whether everything is as it should be.
    pub good: bool,
}

impl Record {
    /// Puts it beside the history.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn write(&self, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join(format!("{}.json", self.run));
        let text = serde_json::to_string_pretty(self)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// All that lie in some folders, by their names; where several have the same the later folder comes first, and is
    /// the only one of a build.
    ///
    /// # Errors
    /// Those of the disk; a file that is no record is named.
    pub fn read(folders: &[PathBuf]) -> anyhow::Result<Vec<Self>> {
        let mut records: Vec<Self> = Vec::new();
        for folder in folders.iter().rev() {
            let entries = fs::read_dir(folder);
            let entries = entries.with_context(|| format!("cannot read {}", folder.display()))?;
            for entry in entries {
                let path = entry?.path();
                if path.extension().is_none_or(|extension| extension != "json") {
                    continue;
                }
                let text = fs::read_to_string(&path)?;
                let record: Self = serde_json::from_str(&text)
                    .with_context(|| format!("{} is no record", path.display()))?;
                let mut known = records.iter();
                if !known.any(|known| known.run == record.run && known.build == record.build) {
                    records.push(record);
                }
            }
        }
        records.sort_by(|one, other| one.run.cmp(&other.run));
        Ok(records)
    }
}
