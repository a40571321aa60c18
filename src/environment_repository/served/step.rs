use std::sync::Arc;

use confbus_protocol::Label;
use confbus_resolution::Snapshot;
use indexmap::IndexSet;
use tracing::{info, warn};

use super::super::{
    history::{History, Step},
    trail::{Heard, Trail},
};
use crate::look::Version;

/// Problems of one version that the log names.
const MAX_TOLD: usize = 50;

pub(super) type OldAndNew = (Arc<Snapshot>, Arc<Snapshot>);

/// What was in service where a label is now.
pub(super) enum Before<'s> {
    /// The label itself.
    Same(&'s History),
    /// Another in its place, if any; and where it was when it was in service itself.
    Other(Option<Arc<History>>, Arc<Trail>),
}

/// What follows for one label; `None` when it names what it named before.
pub(super) fn step(
    before: Before<'_>,
    label: &Label,
    version: Version,
    pinned: bool,
    heard: Heard,
) -> Option<(History, Option<OldAndNew>)> {
    let before = match before {
        Before::Same(history) => history,
        Before::Other(stand_in, trail) => {
            let history = History::new(version, pinned, trail);
            let new = &history.newest().snapshot;
            info!(event = "snapshot.served", %label, commit.to = %new.version(), "in service");
            let old = stand_in.map(|history| Arc::clone(&history.newest().snapshot));
            let old = old.filter(|old| old.version() != new.version());
            let moved = old.map(|old| (old, Arc::clone(new)));
            return Some((history, moved));
        }
    };
    let (history, step) = before.next(version, heard)?;
    if step == Step::SameFiles {
        return Some((history, None));
    }
    let (old, new) = (&before.newest().snapshot, &history.newest().snapshot);
    info!(event = "snapshot.swapped", %label, commit.from = %old.version(), commit.to = %new.version(), "moved");
    let moved = (Arc::clone(old), Arc::clone(new));
    Some((history, Some(moved)))
}

pub(super) fn tell_about_problems(label: &Label, history: &History) {
    let version = history.newest().snapshot.version().short();
    // One cause may have many readers.
    let problems: IndexSet<_> = history.problems().collect();
    for problem in problems.iter().take(MAX_TOLD) {
        warn!(event = "commit.problem", %label, version, "{problem}; who needs this keeps the last good answer");
    }
    if let Some(more) = problems
        .len()
        .checked_sub(MAX_TOLD)
        .filter(|more| *more > 0)
    {
        warn!(event = "commit.problem", %label, version, more, "there are more problems");
    }
}
