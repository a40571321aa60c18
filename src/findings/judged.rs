use std::{collections::HashMap, sync::Arc};

use confbus_protocol::{Application, CommitId, Profiles};
use confbus_resolution::{
    Blob, BlobId, Breach, Cause, EnvironmentRequest, Layout, Origin, Problem, Problems, RepoPath,
    ResolveError, Snapshot, addresses, resolve_files,
};
use indexmap::{IndexMap, IndexSet};

use crate::{
    acceptance::{Acceptance, applications_with_schemas},
    diagnostics::{Diagnostic, Severity},
};

/// Addresses that are named in a sentence.
const NAMED: usize = 5;

/// By what a snapshot is judged.
pub(super) struct Judge<'j> {
    pub(super) layout: &'j Layout,
    pub(super) acceptance: &'j Acceptance,
}

/// What is wrong with a snapshot, and for whom.
pub(super) struct Judged {
    pub(super) addresses: Vec<EnvironmentRequest>,
    /// Each with the addresses that it keeps from an answer.
    problems: IndexMap<Problem, IndexSet<String>>,
}

/// `shop/prod`.
pub(super) fn shown(request: &EnvironmentRequest) -> String {
    format!("{}/{}", request.application, request.profiles)
}

impl Judge<'_> {
    pub(super) fn judge(&self, snapshot: &Snapshot) -> Judged {
        let addresses = self.addresses(snapshot);
        let of_files = Problems::of(snapshot, self.layout);
        let mut problems: IndexMap<Problem, IndexSet<String>> = IndexMap::new();
        problems.extend(of_files.iter().map(|one| (one.clone(), IndexSet::new())));
        for request in &addresses {
            let Err(error) = self.answer(snapshot, request) else {
                continue;
            };
            for problem in all(&error) {
                problems.entry(problem).or_default().insert(shown(request));
            }
        }
        Judged {
            addresses,
            problems,
        }
    }

    /// Those that files are written for; who has a schema alone is held against it, too.
    fn addresses(&self, snapshot: &Snapshot) -> Vec<EnvironmentRequest> {
        let mut all = addresses(snapshot, self.layout);
        for name in applications_with_schemas(snapshot) {
            let is_there = all
                .iter()
                .any(|request| request.application.as_str() == name);
            let parsed = (Application::parse(name), Profiles::parse("default"));
            if let (false, Ok(application), Ok(profiles)) = (is_there, parsed.0, parsed.1) {
                all.push(EnvironmentRequest {
                    application,
                    profiles,
                    label: None,
                });
            }
        }
        all
    }

    /// As the server makes an answer.
    fn answer(
        &self,
        snapshot: &Snapshot,
        request: &EnvironmentRequest,
    ) -> Result<(), ResolveError> {
        let files = resolve_files(snapshot, self.layout, request)?;
        self.acceptance.check(snapshot, request, &files)
    }
}

fn all(error: &ResolveError) -> Vec<Problem> {
    match error.problems() {
        [] => vec![Problem {
            origin: Origin {
                path: String::new(),
                position: None,
            },
            problem: error.to_string(),
            hint: None,
            cause: Cause::Limit,
        }],
        problems => problems.to_vec(),
    }
}

impl Judged {
    pub(super) fn applications(&self) -> usize {
        let names = self.addresses.iter();
        let names: IndexSet<_> = names.map(|request| &request.application).collect();
        names.len()
    }

    /// One for each mistake: what follows from another one is part of that.
    pub(super) fn diagnostics(
        &self,
        snapshot: &Snapshot,
        base: Option<CommitId>,
    ) -> Vec<Diagnostic> {
        let mut by_place: HashMap<_, usize> = HashMap::new();
        let mut diagnostics: Vec<Diagnostic> = Vec::new();
        let mut follows: Vec<usize> = Vec::new();
        for (problem, held) in &self.problems {
            let mut one = Diagnostic::of(problem, snapshot, Severity::Error);
            one.held = held.iter().cloned().collect();
            let place = (
                one.file.clone(),
                one.span.map(|span| (span.line, span.column)),
            );
            let other = by_place.get(&place).copied().filter(|_| one.span.is_some());
            match other.or_else(|| self.misspelt(problem, &diagnostics)) {
                Some(other) => {
                    let first = &mut diagnostics[other];
                    let new = one.held.iter().filter(|held| !first.held.contains(held));
                    let new: Vec<_> = new.cloned().collect();
                    first.held.extend(new);
                    follows[other] += usize::from(first.message != one.message);
                }
                None => {
                    by_place.insert(place, diagnostics.len());
                    diagnostics.push(one);
                    follows.push(0);
                }
            }
        }
        for (one, follows) in diagnostics.iter_mut().zip(follows) {
            one.effect = Some(self.effect(&one.held, base));
            match follows {
                0 => {}
                1 => one.notes.push("and 1 error that follows from it".into()),
                more => one
                    .notes
                    .push(format!("and {more} errors that follow from it")),
            }
        }
        diagnostics
    }

    /// A key is missing because it is spelt otherwise: the diagnostic of that.
    fn misspelt(&self, problem: &Problem, diagnostics: &[Diagnostic]) -> Option<usize> {
        let Cause::Schema(broken) = &problem.cause else {
            return None;
        };
        let Breach::Missing { key } = &broken.breach else {
            return None;
        };
        let name = key.rsplit('.').next()?;
        let meant = format!("did you mean `{name}`?");
        let is_it = |one: &Diagnostic| one.help.contains(&meant);
        diagnostics.iter().position(is_it)
    }

    fn effect(&self, held: &[String], base: Option<CommitId>) -> String {
        let keeps = |one: bool| match (base, one) {
            (Some(base), _) => format!("would stay at {}", base.short()),
            (None, true) => "would keep what it has".to_owned(),
            (None, false) => "would keep what they have".to_owned(),
        };
        let all = self.addresses.len();
        match held {
            [] => "whoever asks for it keeps the last version of it that could be read".to_owned(),
            [one] => format!("{one} {}; nothing else is touched", keeps(true)),
            held if held.len() == all => format!("all {all} addresses {}", keeps(false)),
            held => {
                let named = held.iter().take(NAMED).map(String::as_str);
                let mut named = named.collect::<Vec<_>>().join(", ");
                if held.len() > NAMED {
                    named = format!("{named} and {} more", held.len() - NAMED);
                }
                format!("{named} {}; nothing else is touched", keeps(false))
            }
        }
    }
}

/// A snapshot with some more files.
pub(super) fn with_files(snapshot: &Snapshot, files: Vec<(RepoPath, Vec<u8>)>) -> Snapshot {
    let blob = |(number, (path, bytes)): (usize, (RepoPath, Vec<u8>))| {
        // No blob of Git begins so.
        let mut id = [0xff; 20];
        id[12..].copy_from_slice(&(number as u64).to_be_bytes());
        (path, Some(Arc::new(Blob::new(BlobId(id), bytes))))
    };
    let more = files.into_iter().enumerate().map(blob);
    Snapshot::new(snapshot.version(), snapshot.files().with(more))
}
