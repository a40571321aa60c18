use std::path::PathBuf;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;
use tracing::warn;

/// Watches places of this machine until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    _watcher: RecommendedWatcher,
}

/// A directory and how much below it matters.
pub(crate) type Watched = (PathBuf, RecursiveMode);

/// Rings `bell` whenever a file in these places changes; `None` when the system cannot tell, and they must be polled.
///
/// A full bell is as good as another ring: whoever hears it looks at everything.
pub(crate) fn watch(places: &[Watched], bell: mpsc::Sender<()>) -> Option<Watcher> {
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
        .inspect_err(|cause| warn!(error = %cause, "files cannot be watched; they are polled"))
        .ok()
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
