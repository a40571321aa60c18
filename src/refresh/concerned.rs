//! Who is concerned by labels that moved: the applications whose effective configuration is different, and those that
//! were never seen here and may be.

#[cfg(test)]
mod tests;

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use confbus_protocol::{CommitId, Destination};
use confbus_resolution::{Comparison, Detail, Effect, EnvironmentRequest, Layout, RepoPath};
use tracing::warn;

use super::{
    destinations::{are_everyone, of_applications},
    unread::{Upstream, is_shared},
};
use crate::{
    environment_repository::{Audience, EnvironmentRepository, Moved},
    ledger::Changes,
};

/// How long it may take to find out.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// Who is concerned, and who is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Concerned {
    pub(super) destinations: Vec<Destination>,
    pub(super) unchanged: Vec<Unchanged>,
    /// Which keys are different, where that was found out.
    pub(super) changes: Option<Changes>,
}

/// Coordinates whose effective configuration a move leaves as it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unchanged {
    pub(super) request: EnvironmentRequest,
    pub(super) from: CommitId,
    pub(super) to: CommitId,
}

/// A label that moved, in a repository as one of the backends reads it.
struct Move<'m> {
    moved: &'m Moved,
    comparison: Comparison<'m>,
    upstream: Upstream<'m>,
}

/// Finds out, off the runtime's threads: a server may know thousands of coordinates. When it takes longer than `patience`,
/// everyone is told, which is never wrong.
pub(super) async fn concerned(
    repository: EnvironmentRepository,
    moved: Vec<Moved>,
    known: Arc<Vec<EnvironmentRequest>>,
    patience: Duration,
) -> Concerned {
    let work = move || {
        let until = Instant::now() + patience;
        find(&repository, &moved, &known, until)
    };
    // One step may take longer than all of them should.
    let found = tokio::time::timeout(patience, tokio::task::spawn_blocking(work)).await;
    or_everyone(found.ok().and_then(Result::ok).flatten())
}

fn or_everyone(found: Option<Concerned>) -> Concerned {
    found.unwrap_or_else(|| {
        warn!("who is concerned could not be found out; everyone is told");
        Concerned {
            destinations: vec![Destination::everyone()],
            ..Concerned::default()
        }
    })
}

/// `None` when the time is up, or a repository has been closed meanwhile.
fn find(
    repository: &EnvironmentRepository,
    moved: &[Moved],
    known: &[EnvironmentRequest],
    until: Instant,
) -> Option<Concerned> {
    let readers: Vec<_> = moved
        .iter()
        .map(|moved| repository.readers(&moved.repository))
        .collect();
    if readers.iter().any(Vec::is_empty) {
        return None;
    }
    let mut moves: Vec<_> = moved
        .iter()
        .zip(&readers)
        .flat_map(|(moved, readers)| readers.iter().map(move |reader| Move::new(moved, reader)))
        .collect();
    let (mut told, mut unchanged) = (BTreeSet::new(), Vec::new());
    let mut changes = Changes::default();
    for request in known {
        if Instant::now() >= until {
            return None;
        }
        let (concerned, same) = ask(repository, &mut moves, request, &mut changes);
        if concerned.is_empty() {
            unchanged.extend(same);
        }
        told.extend(concerned);
    }
    changes.are_of(told.len());
    for each in &moves {
        for path in each.comparison.changed() {
            if are_everyone(&told) {
                break;
            }
            if Instant::now() >= until {
                return None;
            }
            told.extend(each.strangers(path));
        }
    }
    Some(Concerned {
        destinations: of_applications(&told),
        unchanged,
        changes: Some(changes),
    })
}

/// The applications of a request that are concerned, and the moves that change nothing for it.
fn ask<'m>(
    repository: &EnvironmentRepository,
    moves: &mut [Move<'m>],
    request: &'m EnvironmentRequest,
    changes: &mut Changes,
) -> (BTreeSet<String>, Vec<Unchanged>) {
    let (mut told, mut same) = (BTreeSet::new(), Vec::new());
    for place in repository.places_in_service(request) {
        let its = moves
            .iter_mut()
            .filter(|each| place.reads(each.moved) && place.layout() == each.upstream.layout);
        for each in its {
            each.upstream.readers.extend(request.application.names());
            let detail = detail(request, changes);
            match place.effect(&mut each.comparison, detail) {
                Effect::Same => same.push(each.leaves(request)),
                // It is given what it was given before, and is told when that ends.
                Effect::Changed { .. } if place.is_held() => {}
                Effect::Changed { files, keys } => {
                    let owners = owners(request, &files);
                    owners.iter().for_each(|owner| changes.note(owner, &keys));
                    told.extend(owners);
                }
            }
        }
    }
    (told, same)
}

/// Keys are gathered only as long as there is room for them: there may be thousands of requests.
fn detail(request: &EnvironmentRequest, changes: &Changes) -> Detail {
    let mut names = request.application.names();
    if names.any(|name| changes.have_room_for(name)) {
        Detail::Keys
    } else {
        Detail::Files
    }
}

/// Of several names those whose files changed; all of them when only shared files did.
fn owners(request: &EnvironmentRequest, files: &BTreeSet<&RepoPath>) -> Vec<String> {
    let owns = |name: &&str| files.iter().any(|path| is_for(path, name));
    let names = || request.application.names();
    let mut owners: Vec<_> = names().filter(owns).map(str::to_owned).collect();
    if owners.is_empty() {
        owners.extend(names().map(str::to_owned));
    }
    owners
}

/// Whether a file is named after an application: `orders.yml`, `orders-dev.yml`.
fn is_for(path: &RepoPath, application: &str) -> bool {
    let name = path.as_str().rsplit('/').next().unwrap_or_default();
    let rest = name.strip_prefix(application);
    rest.is_some_and(|rest| rest.starts_with(['.', '-']))
}

impl<'m> Move<'m> {
    fn new(moved: &'m Moved, (layout, audience): &'m (Layout, Audience)) -> Self {
        Self {
            moved,
            comparison: Comparison::new(&moved.old, &moved.new, layout),
            upstream: Upstream {
                layout,
                audience,
                readers: BTreeSet::new(),
            },
        }
    }

    fn leaves(&self, request: &EnvironmentRequest) -> Unchanged {
        Unchanged {
            request: request.clone(),
            from: self.moved.old.version(),
            to: self.moved.new.version(),
        }
    }

    /// Applications that may read a changed file and were never seen here: of one that nobody known reads and of a shared
    /// one all, and those that import one for which others do.
    fn strangers(&self, path: &RepoPath) -> BTreeSet<String> {
        let upstream = &self.upstream;
        if self.comparison.is_unread(path) || is_shared(path) {
            return upstream.applications(&self.comparison, path);
        }
        if upstream.is_searched(path) {
            return BTreeSet::new();
        }
        let mut importers = upstream.applications(&self.comparison, path);
        importers.retain(|name| !upstream.readers.contains(name.as_str()));
        importers
    }
}
