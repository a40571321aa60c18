//! `results.jsonl`: the newest lines of every workload that was ever measured into one folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::machine::Machine;
use super::record::{Line, Record};
use super::workload::Context;
use crate::shell::{output, root};

/// In the folder of the figures.
pub(super) const FILE: &str = "results.jsonl";

/// Puts a workload's new lines in the place of its earlier ones.
pub(super) struct Results {
    file: PathBuf,
    commit: String,
    machine: Machine,
    seconds: u32,
    judged: bool,
}

impl Results {
    /// Fewer rounds than these say too little.
    const ENOUGH_ROUNDS: u32 = 7;

    pub(super) fn open(context: &Context) -> anyhow::Result<Self> {
        fs::create_dir_all(&context.out)
            .with_context(|| format!("cannot make {}", context.out.display()))?;
        let file = context.out.join(FILE);
        if file.exists() {
            // Before anything is measured that could not be written.
            read(&file).context("delete the file to begin anew")?;
        }
        Ok(Self {
            file,
            commit: if context.program.is_some() {
                "a given program".to_owned()
            } else {
                commit()
            },
            machine: Machine::describe(),
            seconds: context.seconds,
            judged: !context.quick && context.rounds >= Self::ENOUGH_ROUNDS,
        })
    }

    /// The lines as they were written.
    pub(super) fn replace(
        &self,
        workload: &str,
        records: Vec<Record>,
    ) -> anyhow::Result<Vec<Line>> {
        let new: Vec<_> = records
            .into_iter()
            .map(|record| self.line(record))
            .collect();
        let mut all = if self.file.exists() {
            read(&self.file)?
        } else {
            Vec::new()
        };
        all.retain(|line| line.record.workload != workload);
        all.extend(new.iter().cloned());
        let text: Result<Vec<_>, _> = all.iter().map(serde_json::to_string).collect();
        fs::write(&self.file, text?.join("\n") + "\n")?;
        Ok(new)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// Whether there are enough rounds to say that a target is met or missed.
    pub(super) fn judged(&self) -> bool {
        self.judged
    }

    fn line(&self, mut record: Record) -> Line {
        if self.judged {
            record.judge();
        }
        Line {
            record,
            commit: self.commit.clone(),
            seconds: self.seconds,
            judged: self.judged,
            machine: self.machine.clone(),
        }
    }
}

/// # Errors
/// Names the line that cannot be read.
pub(super) fn read(file: &Path) -> anyhow::Result<Vec<Line>> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let lines = text.lines().enumerate();
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).with_context(|| format!("{}:{}", file.display(), index + 1))
        })
        .collect()
}

/// `3f9c1e2`, or `3f9c1e2+` when files were changed since.
fn commit() -> String {
    let mut describe = Command::new("git");
    describe
        .args(["describe", "--always", "--exclude=*", "--dirty=+"])
        .current_dir(root());
    output(&mut describe).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}
