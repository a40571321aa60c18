//! The table of workloads, what they are given, and how each is carried out.

use std::cell::{Cell, OnceCell};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use super::record::Record;
use crate::shell::{find_program, release_example, release_server};

/// Something that is measured.
pub(super) struct Workload {
    /// As typed: `W1`.
    pub(super) name: &'static str,
    /// In half a line.
    pub(super) about: &'static str,
    /// Programs without which it cannot be measured.
    pub(super) needs: &'static [&'static str],
    /// Its records; an error makes the workload void and is shown in their place.
    pub(super) run: fn(&Context) -> anyhow::Result<Vec<Record>>,
}

/// What a workload is given.
pub(super) struct Context {
    pub(super) rounds: u32,
    /// How long a turn lasts.
    pub(super) seconds: u32,
    /// Only to try whether everything works.
    pub(super) quick: bool,
    /// A run during which others kept more cores busy than this is repeated …
    pub(super) foreign: f64,
    /// … this often at most, in all workloads together.
    pub(super) repeats: Cell<u32>,
    /// For the figures of single runs.
    pub(super) out: PathBuf,
    /// A built server to measure, instead of building one.
    pub(super) program: Option<PathBuf>,
    pub(super) built: OnceCell<PathBuf>,
    pub(super) fleet: OnceCell<PathBuf>,
}

impl Context {
    /// The server as it is shipped.
    pub(super) fn server(&self) -> anyhow::Result<&Path> {
        if let Some(program) = &self.program {
            return Ok(program);
        }
        if self.built.get().is_none() {
            _ = self.built.set(release_server()?);
        }
        Ok(self.built.get().expect("was just set"))
    }

    /// Many clients in one program, built when somebody first needs them.
    pub(super) fn fleet(&self) -> anyhow::Result<&Path> {
        if self.fleet.get().is_none() {
            eprintln!("before anything is measured, the clients are built");
            _ = self.fleet.set(release_example("fleet", "amqp")?);
        }
        Ok(self.fleet.get().expect("was just set"))
    }

    /// An empty folder of this workload's own, gone with the value.
    pub(super) fn folder(&self) -> anyhow::Result<tempfile::TempDir> {
        let folder = tempfile::Builder::new().prefix("confbus-bench-").tempdir();
        folder.context("cannot make a temporary folder")
    }

    /// Takes one of the repetitions that are left.
    pub(super) fn may_repeat(&self) -> bool {
        let left = self.repeats.get();
        self.repeats.set(left.saturating_sub(1));
        left > 0
    }

    /// Appends one run's figures to the workload's file of single runs.
    pub(super) fn note_run(&self, workload: &str, run: &impl Serialize) -> anyhow::Result<()> {
        let mut file = File::options()
            .create(true)
            .append(true)
            .open(self.runs_of(workload))?;
        writeln!(file, "{}", serde_json::to_string(run)?)?;
        Ok(())
    }

    fn runs_of(&self, workload: &str) -> PathBuf {
        self.out.join(format!("runs-{workload}.jsonl"))
    }
}

impl Workload {
    /// Carries it out; what fails becomes a record as well.
    pub(super) fn carry_out(&self, context: &Context) -> Vec<Record> {
        let record = || Record::new(self.name, "all", self.about);
        let missing: Vec<_> = self.needs.iter().copied().filter(is_missing).collect();
        if !missing.is_empty() {
            let missing = missing.join(" ");
            return vec![record().absent(format!("type: sudo apt-get install {missing}"))];
        }
        // What is left of an earlier time does not belong to this one.
        _ = fs::remove_file(context.runs_of(self.name));
        (self.run)(context).unwrap_or_else(|error| vec![record().note(format!("{error:#}"))])
    }
}

fn is_missing(program: &&str) -> bool {
    find_program(program).is_none()
}

#[cfg(test)]
mod tests {
    use super::super::record::Outcome;
    use super::*;

    impl Context {
        /// For tests: one round of a second, and nowhere to write.
        pub(in crate::bench) fn trial() -> Self {
            Self {
                rounds: 1,
                seconds: 1,
                quick: true,
                foreign: 1.0,
                repeats: Cell::new(0),
                out: std::env::temp_dir().join("confbus-no-such-folder"),
                program: None,
                built: OnceCell::new(),
                fleet: OnceCell::new(),
            }
        }
    }

    fn carry_out(needs: &'static [&'static str]) -> Record {
        let context = Context::trial();
        let workload = Workload {
            name: "W0",
            about: "nothing",
            needs,
            run: |_| anyhow::bail!("broken"),
        };
        workload.carry_out(&context).remove(0)
    }

    #[test]
    fn what_fails_is_void_and_what_is_missing_is_absent() {
        let void = carry_out(&[]);
        assert_eq!(
            (void.outcome, void.note.as_str()),
            (Outcome::Void, "broken")
        );
        let absent = carry_out(&["no-such-program"]);
        assert_eq!(absent.outcome, Outcome::Absent);
        assert!(absent.note.contains("no-such-program"));
    }
}
