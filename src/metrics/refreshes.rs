use std::time::Duration;

use super::{
    buckets::INSTANCES,
    description::{BLAST_RADIUS, LABEL_MOVES, REFRESH_PHASE_DURATION},
    family::{Counters, Histograms},
    page::Page,
};

/// A part of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Is the delivery believed?
    Verify,
    /// The remote is asked.
    Fetch,
    /// Snapshots are made of what it said, and written down.
    Swap,
    /// Can the files be used?
    Validate,
    /// Whose configuration is different?
    Compare,
    /// They are told.
    Announce,
}

/// What made the server look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    Webhook,
    /// Time, a read, another server, or a file that changed.
    Poll,
    /// Somebody.
    Command,
}

/// Refreshes, from the delivery to the events.
#[derive(Debug, Clone)]
pub(crate) struct Refreshes {
    phases: Histograms,
    moves: Counters,
    radius: Histograms,
}

impl Default for Refreshes {
    fn default() -> Self {
        Self {
            phases: Histograms::of(&REFRESH_PHASE_DURATION),
            moves: Counters::of(&LABEL_MOVES),
            radius: Histograms::with(&BLAST_RADIUS, &INSTANCES),
        }
    }
}

impl Refreshes {
    /// A part is over.
    pub(crate) fn passed(&self, phase: Phase, took: Duration) {
        let phase = match phase {
            Phase::Verify => "verify",
            Phase::Fetch => "fetch",
            Phase::Swap => "swap",
            Phase::Validate => "validate",
            Phase::Compare => "compare",
            Phase::Announce => "announce",
        };
        self.phases.note(&[phase], took.as_secs_f64());
    }

    /// So many labels moved.
    pub(crate) fn moved(&self, cause: Cause, labels: usize) {
        let cause = match cause {
            Cause::Webhook => "webhook",
            Cause::Poll => "poll",
            Cause::Command => "command",
        };
        self.moves.add(&[cause], labels as u64);
    }

    /// So many instances are told.
    pub(crate) fn tells(&self, instances: usize) {
        self.radius.note(&[], instances as f64);
    }

    pub(super) fn write(&self, page: &mut Page) {
        self.phases.write(page);
        self.moves.write(page);
        self.radius.write(page);
    }
}
