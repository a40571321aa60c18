use std::path::{Path, PathBuf};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tracing::warn;

use super::Location;

/// Watches a local repository until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    _watcher: RecommendedWatcher,
}

/// Rings `bell` whenever refs move, and for a work tree whenever a file changes.
///
/// A full bell is as good as another ring: whoever hears it looks at everything.
pub(super) fn watch(location: &Location, bell: mpsc::Sender<()>) -> Option<Watcher> {
    let places = match location {
        Location::Remote(_) => return None,
        Location::Local(path) => ref_places(path),
        Location::WorkTree(path) => ref_places(path)
            .into_iter()
            .chain([(path.clone(), RecursiveMode::Recursive)])
            .collect(),
    };
    let ring = move |event: notify::Result<notify::Event>| {
        // What could not be told is as good as a change.
        if event.map_or(true, |event| matters(&event)) {
            _ = bell.try_send(());
        }
    };
    let watcher = notify::recommended_watcher(ring).and_then(|mut watcher| {
        places
            .iter()
            .try_for_each(|(place, mode)| watcher.watch(place, *mode))?;
        Ok(watcher)
    });
    watcher
        .map(|watcher| Watcher { _watcher: watcher })
        .inspect_err(
            |cause| warn!(error = %cause, "the repository cannot be watched; it is polled"),
        )
        .ok()
}

/// Where Git writes refs: the directory itself for `HEAD` and `packed-refs`, and `refs` below it.
fn ref_places(path: &Path) -> Vec<(PathBuf, RecursiveMode)> {
    let directory = if path.join(".git").is_dir() {
        path.join(".git")
    } else {
        path.to_path_buf()
    };
    vec![
        (directory.clone(), RecursiveMode::NonRecursive),
        (directory.join("refs"), RecursiveMode::Recursive),
    ]
}

/// Reading a file is an event, too: to react to it would never end.
fn matters(event: &notify::Event) -> bool {
    let is_lock = |path: &PathBuf| {
        path.extension()
            .is_some_and(|extension| extension == "lock")
    };
    let only_locks = !event.paths.is_empty() && event.paths.iter().all(is_lock);
    event.need_rescan() || (!matches!(event.kind, EventKind::Access(_)) && !only_locks)
}
