//! `results.jsonl`: the newest lines of every workload that was ever measured into one folder.

use std::cmp::Ordering;
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
    quick: bool,
}

impl Results {
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
            commit: commit(context.program.is_some()),
            machine: Machine::describe(),
            seconds: context.seconds,
            quick: context.quick,
        })
    }

    /// The lines as they were written.
    pub(super) fn replace(
        &self,
        workload: &str,
        records: Vec<Record>,
    ) -> anyhow::Result<Vec<Line>> {
        let taken = now()?;
        let new: Vec<_> = records
            .into_iter()
            .map(|record| self.line(record, &taken))
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

    fn line(&self, mut record: Record, taken: &str) -> Line {
        let judged = !self.quick && record.may_be_judged();
        if judged {
            record.judge();
        }
        Line {
            record,
            taken: taken.to_owned(),
            commit: self.commit.clone(),
            seconds: self.seconds,
            judged,
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

/// The lines of several files as if they were one: of each workload those of its newest run.
pub(super) fn join(files: Vec<Vec<Line>>) -> Vec<Line> {
    let mut newest: Vec<Line> = Vec::new();
    for line in files.into_iter().flatten() {
        let same = |other: &Line| other.record.workload == line.record.workload;
        let known = newest.iter().find(|&other| same(other));
        match known.map(|other| line.taken.cmp(&other.taken)) {
            Some(Ordering::Less) => continue,
            Some(Ordering::Greater) => newest.retain(|other| !same(other)),
            Some(Ordering::Equal) | None => {}
        }
        newest.push(line);
    }
    newest
}

/// `3f9c1e2`, or `3f9c1e2+` when files were changed since.
fn commit(given: bool) -> String {
    let commit = head();
    if given {
        format!("{commit}, a program given on the command line")
    } else {
        commit
    }
}

/// As every line of a run has it; later ones sort behind.
fn now() -> anyhow::Result<String> {
    let text = output(Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]))?;
    Ok(text.trim().to_owned())
}

fn head() -> String {
    let mut describe = Command::new("git");
    describe
        .args(["describe", "--always", "--exclude=*", "--dirty=+"])
        .current_dir(root());
    output(&mut describe).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(workload: &str, measure: &str, taken: &str) -> Line {
        Line {
            record: Record::new(workload, "hot", measure),
            taken: taken.to_owned(),
            commit: String::new(),
            seconds: 3,
            judged: true,
            machine: Machine {
                cpu: String::new(),
                cores: 2,
                memory_mib: 1,
                kernel: String::new(),
                programs: Vec::new(),
            },
        }
    }

    #[test]
    fn of_several_files_the_newest_run_of_each_workload_counts() {
        let old = "2026-01-31T12:00:00Z";
        let new = "2026-01-31T12:05:00Z";
        let one = vec![
            line("W1", "ms", new),
            line("W1", "us", new),
            line("W2", "ms", old),
        ];
        let other = vec![line("W1", "renamed since", old), line("W2", "ms", new)];
        let expected = ["W1 ms", "W1 us", "W2 ms"];
        for files in [vec![one.clone(), other.clone()], vec![other, one]] {
            let joined = join(files);
            assert!(joined.iter().all(|line| line.taken == new));
            let mut names: Vec<_> = joined
                .iter()
                .map(|line| format!("{} {}", line.record.workload, line.record.measure))
                .collect();
            names.sort();
            assert_eq!(names, expected);
        }
    }
}
