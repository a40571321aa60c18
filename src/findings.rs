//! What a server would find in a checkout, before anybody pushes it: by the same functions, over every address that the
//! files are written for. A commit in which nothing is wrong here is held from none of them, and one with errors is.

mod changes;
mod judged;
mod remarks;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use confbus_protocol::CommitId;
use confbus_resolution::{Layout, Places, Snapshot};

pub use changes::{AddressChange, Change, Shown};
pub use confbus_resolution::KeyChange;
use judged::Judge;

use crate::{
    acceptance::Acceptance,
    diagnostics::{Diagnostic, Severity},
    environment_repository::BackendSettings,
    git::Checkout,
    look::{Limits, LookError},
    settings::Settings,
};

/// What is checked.
#[derive(Debug, Clone, Default)]
pub struct Subject {
    /// The root of a checkout, or any directory.
    pub directory: PathBuf,
    /// A commit of it instead of the files as they lie there.
    pub commit: Option<String>,
    /// What the change is to be merged into: only what the change breaks counts.
    pub against: Option<String>,
    /// A folder with schemas that the repository does not have.
    pub schemas: Option<PathBuf>,
}

/// Why nothing could be checked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindingsError {
    /// The text names no commit of the repository.
    #[error("`{0}` names no commit here")]
    NoCommit(String),
    /// The directory cannot be read.
    #[error("{0}")]
    Directory(String),
}

/// What was found.
#[derive(Debug)]
pub struct Findings {
    /// Every mistake, those that count first.
    pub diagnostics: Vec<Diagnostic>,
    /// The addresses whose effective configuration the change makes another.
    pub changes: Vec<AddressChange>,
    /// The commit that the change is compared with.
    pub base: Option<CommitId>,
    /// Files that were looked at.
    pub files: usize,
    /// Applications that have files.
    pub applications: usize,
    /// Addresses that were resolved.
    pub addresses: usize,
    /// How long it took.
    pub took: Duration,
}

impl Findings {
    /// How many mistakes there are of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let all = self.diagnostics.iter();
        all.filter(|one| one.severity == severity).count()
    }

    /// Looks at a checkout as a server with these settings would.
    ///
    /// # Errors
    /// [`FindingsError`] when there is nothing to look at.
    pub fn of(subject: &Subject, settings: &Settings) -> Result<Self, FindingsError> {
        let began = Instant::now();
        let (layout, limits) = layout(settings);
        let checkout = Checkout::open(&subject.directory, limits).map_err(unreadable)?;
        let (old, new) = snapshots(&checkout, subject)?;
        let repository = &settings.repository;
        let acceptance =
            Acceptance::new(repository.acceptance.clone(), repository.encryption.clone());
        let judge = Judge {
            layout: &layout,
            acceptance: &acceptance,
        };
        let judged = judge.judge(&new);
        let before = old.as_ref().map(|old| (judge.judge(old), old));
        let mut diagnostics =
            judged.diagnostics(&new, before.as_ref().map(|(_, old)| old.version()));
        if let Some((before, old)) = &before {
            forgive(&mut diagnostics, &before.diagnostics(old, None));
        }
        diagnostics.extend(remarks::of(&new, &judge, &judged));
        diagnostics.sort_by(|one, other| {
            let key = |one: &Diagnostic| (one.severity, one.file.clone(), one.span, one.code);
            key(one).cmp(&key(other))
        });
        let changes = before.map(|(_, old)| changes::between(old, &new, &judge, &judged.addresses));
        Ok(Self {
            diagnostics,
            changes: changes.unwrap_or_default(),
            base: old.as_ref().map(Snapshot::version),
            files: new.files().len(),
            applications: judged.applications(),
            addresses: judged.addresses.len(),
            took: began.elapsed(),
        })
    }
}

/// What was wrong before is nobody's fault now.
fn forgive(diagnostics: &mut [Diagnostic], before: &[Diagnostic]) {
    for one in diagnostics {
        let is_same = |other: &&Diagnostic| {
            (one.code, &one.file, &one.message) == (other.code, &other.file, &other.message)
        };
        let same = before.iter().find(is_same);
        let held = |address: &String| same.is_some_and(|same| same.held.contains(address));
        if same.is_some() && one.held.iter().all(held) {
            one.severity = Severity::Before;
            one.effect = Some("it was so before the change".to_owned());
        }
    }
}

/// Where the settings look for files: in the repository that most requests are for.
fn layout(settings: &Settings) -> (Layout, Limits) {
    let mut backends = settings.repository.backends.iter();
    let found = backends.find_map(|backend| match backend {
        BackendSettings::Git(git) => Some(&git.default),
        _ => None,
    });
    let Some(git) = found else {
        return (Layout::default(), LIMITS);
    };
    let places = Places::Tree {
        uri: String::new(),
        checkout: String::new(),
        search_paths: git.search_paths.clone(),
    };
    let layout = Layout {
        places,
        default_label: Some(git.default_label.clone()),
        reverse_location_order: git.reverse_location_order,
    };
    (layout, git.reach.limits)
}

/// Where no repository is configured.
const LIMITS: Limits = Limits {
    files: 100_000,
    file_bytes: 8 << 20,
    total_bytes: 256 << 20,
};

/// What was, and what is to be.
fn snapshots(
    checkout: &Checkout,
    subject: &Subject,
) -> Result<(Option<Snapshot>, Snapshot), FindingsError> {
    let named = |text: &String| {
        checkout.named(text).map_err(|error| match error {
            LookError::NoSuchLabel => FindingsError::NoCommit(text.clone()),
            other => unreadable(other),
        })
    };
    let commit = subject.commit.as_ref().map(named).transpose()?;
    let new = match commit {
        Some(commit) => checkout.commit(commit),
        None => checkout.files(),
    };
    let new = with_schemas(new.map_err(unreadable)?, subject.schemas.as_deref())?;
    let Some(target) = subject.against.as_ref().map(named).transpose()? else {
        return Ok((None, new));
    };
    let head = commit.or_else(|| checkout.named("HEAD").ok());
    let base = head.and_then(|head| checkout.common(head, target));
    let old = checkout
        .commit(base.unwrap_or(target))
        .map_err(unreadable)?;
    Ok((Some(with_schemas(old, subject.schemas.as_deref())?), new))
}

/// Puts schemas where those of all files stand.
fn with_schemas(snapshot: Snapshot, folder: Option<&Path>) -> Result<Snapshot, FindingsError> {
    let Some(folder) = folder else {
        return Ok(snapshot);
    };
    let unreadable =
        |cause: std::io::Error| FindingsError::Directory(format!("{}: {cause}", folder.display()));
    let mut schemas = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(path) = crate::acceptance::schema_for_all(&name) {
            schemas.push((path, fs::read(entry.path()).map_err(unreadable)?));
        }
    }
    Ok(judged::with_files(&snapshot, schemas))
}

fn unreadable(error: LookError) -> FindingsError {
    FindingsError::Directory(match error {
        LookError::NoRepository(text) => text,
        other => other.to_string(),
    })
}
