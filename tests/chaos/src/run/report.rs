//! What came of a run, for people and for programs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::PathBuf;

use super::Record;
use crate::checker::Violation;
use crate::figure::Figure;
use crate::history::{Entry, Outcome, What};

/// More kinds of violations are not shown.
const SHOWN: usize = 20;

/// What came of a run.
#[derive(Debug)]
pub struct Report {
    /// Of the scenario or the plan.
    pub name: String,
    /// What the plan followed from.
    pub seed: Option<u64>,
    /// What the server called itself.
    pub build: String,
    /// What was broken of the promises.
    pub violations: Vec<Violation>,
    /// Who was late at the end, in the eyes of the rig.
    pub late: Option<String>,
    /// What the scenario itself expected and did not find.
    pub failed: Option<String>,
    /// What was measured.
    pub figures: Vec<Figure>,
    /// Everything that happened.
    pub history: Vec<Entry>,
    /// Where it is written.
    pub path: PathBuf,
}

#[derive(Debug, Default)]
struct Figures {
    seconds: f64,
    pushes: usize,
    broken: usize,
    unfit: usize,
    reads: usize,
    held: usize,
    unanswered: usize,
    events: usize,
    applied: usize,
    refused: usize,
    faults: BTreeMap<String, usize>,
}

impl Figures {
    fn of(history: &[Entry]) -> Self {
        let mut figures = Self::default();
        for entry in history {
            figures.add(&entry.what);
        }
        let last = history.last().map_or(0, |entry| entry.at);
        figures.seconds = last as f64 / 1e6;
        figures
    }

    fn add(&mut self, what: &What) {
        match what {
            What::Pushed { broken, unfit, .. } => {
                self.pushes += 1;
                self.broken += usize::from(!broken.is_empty());
                self.unfit += usize::from(!unfit.is_empty());
            }
            What::Read(read) => {
                self.reads += 1;
                match read.outcome {
                    Outcome::Found { held, .. } => self.held += usize::from(held),
                    Outcome::Other { .. } | Outcome::Failed { .. } => self.unanswered += 1,
                }
            }
            What::Event { .. } => self.events += 1,
            What::Applied { .. } => self.applied += 1,
            What::Refused { .. } => self.refused += 1,
            What::FaultBegan { fault } => self.fault(fault),
            What::ServerStopped { .. } => self.fault("server-killed"),
            What::ServerPaused { .. } => self.fault("server-halted"),
            What::DiskLost { .. } => self.fault("disk-lost"),
            What::FaultEnded { .. }
            | What::Acknowledged { .. }
            | What::ServerStarted { .. }
            | What::ServerContinued { .. }
            | What::ClientStarted { .. }
            | What::ClientStopped { .. }
            | What::Holds { .. } => {}
        }
    }

    fn fault(&mut self, name: &str) {
        *self.faults.entry(name.to_owned()).or_default() += 1;
    }
}

impl Report {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.violations.is_empty() && self.late.is_none() && self.failed.is_none()
    }

    /// The first of those that say the same, and how many do.
    fn kinds(&self) -> Vec<(&Violation, usize)> {
        let mut kinds: Vec<(&Violation, usize)> = Vec::new();
        let mut known = HashMap::new();
        for violation in &self.violations {
            let kind = (violation.invariant, &violation.what);
            let place = *known.entry(kind).or_insert(kinds.len());
            match kinds.get_mut(place) {
                Some((_, times)) => *times += 1,
                None => kinds.push((violation, 1)),
            }
        }
        kinds
    }

    /// What is kept of it.
    #[must_use]
    pub fn record(&self) -> Record {
        let figures = Figures::of(&self.history);
        let kinds = self.kinds().into_iter().take(SHOWN);
        let kinds = kinds.map(|(first, times)| format!("{first} ({times}×)"));
        Record {
            run: self.name.clone(),
            seed: self.seed,
            build: self.build.clone(),
            seconds: (figures.seconds * 10.0).round() / 10.0,
            pushes: figures.pushes,
            reads: figures.reads,
            unanswered: figures.unanswered,
            events: figures.events,
            applied: figures.applied,
            refused: figures.refused,
            faults: figures.faults.values().sum(),
            figures: self.figures.clone(),
            broken: self.late.iter().cloned().chain(kinds).collect(),
            violations: self.violations.len(),
            failed: self.failed.clone(),
            good: self.is_good(),
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = Figures::of(&self.history);
        writeln!(f, "{}: {:.1} s", self.name, figures.seconds)?;
        let Figures {
            pushes,
            broken,
            unfit,
            ..
        } = figures;
        writeln!(
            f,
            "  pushes   {pushes}, {broken} with broken files, {unfit} unfit for clients"
        )?;
        let Figures {
            reads,
            held,
            unanswered,
            ..
        } = figures;
        writeln!(
            f,
            "  reads    {reads}, {held} held, {unanswered} without an answer"
        )?;
        let Figures {
            events,
            applied,
            refused,
            ..
        } = figures;
        writeln!(
            f,
            "  clients  {events} events heard, {applied} versions applied, {refused} refused"
        )?;
        let faults: Vec<_> = figures
            .faults
            .iter()
            .map(|(name, times)| format!("{times} {name}"))
            .collect();
        writeln!(f, "  faults   {}", faults.join(", "))?;
        writeln!(f, "  history  {}", self.path.display())?;
        if let Some(failed) = &self.failed {
            writeln!(f, "  FAILED   {failed}")?;
        }
        if let Some(late) = &self.late {
            writeln!(f, "  LATE     {late}")?;
        }
        for (first, times) in self.kinds().into_iter().take(SHOWN) {
            writeln!(f, "  BROKEN   {first} ({times}×)")?;
        }
        write!(f, "  {} violations", self.violations.len())
    }
}

#[cfg(test)]
mod tests {
    use crate::checker::Invariant;

    use super::*;

    #[test]
    fn violations_that_say_the_same_are_one_line() {
        let violation = |at, what: &str| Violation {
            invariant: Invariant::Monotonic,
            at,
            what: what.to_owned(),
        };
        let report = Report {
            name: "plan-1".to_owned(),
            seed: Some(1),
            build: String::new(),
            violations: vec![
                violation(1_500_000, "a"),
                violation(2_000_000, "b"),
                violation(3_000_000, "a"),
            ],
            late: None,
            failed: None,
            figures: Vec::new(),
            history: Vec::new(),
            path: PathBuf::new(),
        };
        let text = report.to_string();
        assert!(text.contains("BROKEN   I4 at 1.500 s: a (2×)\n"), "{text}");
        assert!(
            text.ends_with("I4 at 2.000 s: b (1×)\n  3 violations"),
            "{text}"
        );
        let record = report.record();
        assert_eq!((record.violations, record.broken.len()), (3, 2));
        assert!(!record.good);
    }
}
