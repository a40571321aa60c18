use std::path::Path;

use notify::RecursiveMode;
use tokio::sync::mpsc;

use super::Location;
use crate::files::{Watched, Watcher, watch as watch_places};

/// Rings `bell` whenever refs move, and for a work tree whenever a file changes; `None` for a remote.
pub(super) fn watch(location: &Location, bell: mpsc::Sender<()>) -> Option<Watcher> {
    let places = match location {
        Location::Remote(_) => return None,
        Location::Local(path) => ref_places(path),
        Location::WorkTree(path) => ref_places(path)
            .into_iter()
            .chain([(path.clone(), RecursiveMode::Recursive)])
            .collect(),
    };
    watch_places(&places, bell)
}

/// Where Git writes refs: the directory itself for `HEAD` and `packed-refs`, and `refs` below it.
fn ref_places(path: &Path) -> Vec<Watched> {
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
