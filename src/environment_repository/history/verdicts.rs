//! What is wrong with a version, for those who wait for an answer from it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use confbus_protocol::Label;
use confbus_resolution::{
    EnvironmentRequest, Places, Problem, Problems, RepoPath, Snapshot, resolve_files,
};

use indexmap::IndexSet;

use super::super::{Known, repository::Settings};
use crate::acceptance::Acceptance;

/// What is wrong with one version.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    problems: Problems,
    /// Who is known and not given it, and why, beyond files that cannot be used.
    failing: Arc<HashMap<EnvironmentRequest, Vec<Problem>>>,
    /// It may be refused to more than those who are known.
    may_be_refused: bool,
}

/// One of the things that are wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// This file cannot be used.
    File(RepoPath),
    /// This request is not answered.
    Request(EnvironmentRequest),
}

/// What is wrong with snapshots of one repository.
#[derive(Debug, Default)]
pub(in crate::environment_repository) struct Verdicts {
    of_snapshots: HashMap<usize, (Arc<Snapshot>, Verdict)>,
}

/// A snapshot to judge, and the labels under which it is read.
#[derive(Debug)]
pub(in crate::environment_repository) struct Case {
    snapshot: Arc<Snapshot>,
    pub(in crate::environment_repository) labels: Vec<Label>,
}

/// By what snapshots of one repository are judged.
#[derive(Debug, Clone)]
pub(in crate::environment_repository) struct Judge {
    pub(in crate::environment_repository) settings: Arc<Settings>,
    pub(in crate::environment_repository) acceptance: Acceptance,
    pub(in crate::environment_repository) known: Known,
    pub(in crate::environment_repository) held: HeldReaders,
}

/// Requests that were lately given an earlier version than their label names: nobody else may know them yet.
#[derive(Debug, Clone, Default)]
pub(in crate::environment_repository) struct HeldReaders(Arc<Mutex<IndexSet<EnvironmentRequest>>>);

/// Requests that are remembered as held.
const MAX_HELD: usize = 1_000;

impl HeldReaders {
    /// Notes one, unless somebody else is at it: whoever reads does not wait.
    pub(in crate::environment_repository) fn note(&self, request: &EnvironmentRequest) {
        let Ok(mut held) = self.0.try_lock() else {
            return;
        };
        if held.len() < MAX_HELD && !held.contains(request) {
            held.insert(request.clone());
        }
    }

    fn all(&self) -> IndexSet<EnvironmentRequest> {
        let held = self.0.lock();
        held.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Case {
    pub(in crate::environment_repository) fn new(snapshot: Arc<Snapshot>) -> Self {
        Self {
            snapshot,
            labels: Vec::new(),
        }
    }
}

impl Verdict {
    pub(super) fn is_good(&self) -> bool {
        self.problems.is_empty() && self.failing.is_empty()
    }

    pub(super) fn has(&self, fault: &Fault) -> bool {
        match fault {
            Fault::File(path) => self.problems.are_in(path),
            Fault::Request(request) => self.failing.contains_key(request),
        }
    }

    pub(super) fn faults(&self) -> impl Iterator<Item = Fault> {
        let files = self.problems.files().cloned().map(Fault::File);
        files.chain(self.failing.keys().cloned().map(Fault::Request))
    }

    /// Whether somebody whom nobody knows yet may be refused it.
    pub(super) fn may_be_refused(&self) -> bool {
        self.may_be_refused
    }

    /// What is wrong with files.
    pub(super) fn problems(&self) -> &Problems {
        &self.problems
    }

    /// All that is wrong.
    pub(super) fn all(&self) -> impl Iterator<Item = &Problem> {
        let others = self.failing.values().flatten();
        self.problems.iter().chain(others)
    }
}

impl Verdicts {
    /// Judges snapshots one after the other. What is wrong with files costs what is different from the one before, the first
    /// from `basis`; where anything is or may be wrong, an answer for each request comes on top.
    pub(in crate::environment_repository) fn of(
        cases: Vec<Case>,
        mut basis: Option<(Arc<Snapshot>, Problems)>,
        judge: &Judge,
    ) -> Self {
        let mut verdicts = Self::default();
        let layout = &judge.settings.layout;
        for case in cases {
            let snapshot = Arc::clone(&case.snapshot);
            let problems = match &basis {
                Some((old, problems)) => problems.after(old, &snapshot, layout),
                None => Problems::of(&snapshot, layout),
            };
            basis = Some((Arc::clone(&snapshot), problems.clone()));
            let may_be_refused = judge.acceptance.concerns(&snapshot);
            let may_fail = may_be_refused || !problems.is_empty();
            let failing = may_fail.then(|| judge.failing(&case));
            let verdict = Verdict {
                problems,
                failing: Arc::new(failing.unwrap_or_default()),
                may_be_refused,
            };
            let judged = (snapshot, verdict);
            verdicts
                .of_snapshots
                .insert(address(&case.snapshot), judged);
        }
        verdicts
    }

    pub(super) fn on(&self, snapshot: &Arc<Snapshot>) -> Option<&Verdict> {
        let (_, verdict) = self.of_snapshots.get(&address(snapshot))?;
        Some(verdict)
    }
}

/// Tells snapshots apart as long as they are held.
fn address(snapshot: &Arc<Snapshot>) -> usize {
    Arc::as_ptr(snapshot).addr()
}

impl Judge {
    fn failing(&self, case: &Case) -> HashMap<EnvironmentRequest, Vec<Problem>> {
        let (known, held) = (self.known.load(), self.held.all());
        let readers: IndexSet<&EnvironmentRequest> = known.iter().chain(&held).collect();
        let of_label = |request: &&&EnvironmentRequest| {
            let mut labels = case.labels.iter();
            labels.any(|label| self.may_answer(label, request))
        };
        let failing = readers.iter().filter(of_label).filter_map(|&request| {
            let problems = self.trouble(&case.snapshot, request)?;
            Some((request.clone(), problems))
        });
        failing.collect()
    }

    /// Whether a request may be answered from this label.
    fn may_answer(&self, label: &Label, request: &EnvironmentRequest) -> bool {
        let is_directory = matches!(self.settings.layout.places, Places::Directories { .. });
        match &request.label {
            _ if is_directory => true,
            Some(asked) => asked
                .as_str()
                .split(',')
                .any(|asked| asked == label.as_str()),
            None => self.settings.default_labels().contains(label),
        }
    }

    /// Why a request is not answered, if it is not. Broken files are not among the reasons: they are known already.
    fn trouble(&self, snapshot: &Snapshot, request: &EnvironmentRequest) -> Option<Vec<Problem>> {
        let Ok(files) = resolve_files(snapshot, &self.settings.layout, request) else {
            return Some(Vec::new());
        };
        let checked = self.acceptance.check(snapshot, request, &files);
        checked.err().map(|refused| refused.problems().to_vec())
    }
}
