//! Versions of a label with what is wrong with them, and which of them are still needed for it.

use super::verdicts::{Fault, Verdict, Verdicts};
use crate::look::Version;

/// Earlier versions that may be needed at once; each has none of a fault that every newer one has.
pub(super) const MAX_EARLIER: usize = 16;

/// A version and what is wrong with it, once that is known.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    pub(super) version: Version,
    pub(super) verdict: Option<Verdict>,
    /// It was in service before a stop, when somebody needed it.
    pub(super) restored: bool,
}

impl Judged {
    pub(super) fn not_yet(version: Version) -> Self {
        Self {
            version,
            verdict: None,
            restored: false,
        }
    }

    pub(super) fn restored(version: Version) -> Self {
        Self {
            restored: true,
            ..Self::not_yet(version)
        }
    }

    pub(super) fn with(&self, verdicts: &Verdicts) -> Self {
        let found = verdicts.on(&self.version.snapshot);
        Self {
            version: self.version.clone(),
            verdict: found.or(self.verdict.as_ref()).cloned(),
            restored: self.restored,
        }
    }

    fn is_good(&self) -> bool {
        self.verdict.as_ref().is_some_and(Verdict::is_good)
    }

    /// Whether this fails whom a newer version fails, too.
    fn shares(&self, fault: &Fault) -> bool {
        let verdict = self.verdict.as_ref();
        verdict.is_some_and(|verdict| verdict.has(fault))
    }
}

/// Of the earlier versions those that have none of a fault which everything newer has, up to the first without any. Where a
/// version may be refused to somebody whom nobody knows yet, also the last one before it, and after a start all.
pub(super) fn needed(newest: &Judged, before: Vec<Judged>) -> Vec<Judged> {
    let mut faults: Vec<Fault> = newest.verdict.iter().flat_map(Verdict::faults).collect();
    let may_be_refused = newest.verdict.as_ref().is_some_and(Verdict::may_be_refused);
    let mut is_last = true;
    let mut kept: Vec<Judged> = Vec::new();
    for judged in before {
        let was_needed = newest.restored && judged.restored;
        let is_wanted = may_be_refused && (std::mem::take(&mut is_last) || was_needed);
        if !is_wanted && faults.is_empty() && kept.last().is_none_or(Judged::is_good) {
            break;
        }
        let heals = faults.iter().any(|fault| !judged.shares(fault));
        if is_wanted || heals || judged.is_good() {
            faults.retain(|fault| judged.shares(fault));
            kept.push(judged);
        }
    }
    bounded(kept)
}

/// The last one heals most: it stays.
pub(super) fn bounded(mut earlier: Vec<Judged>) -> Vec<Judged> {
    if earlier.len() > MAX_EARLIER {
        earlier.drain(MAX_EARLIER - 1..earlier.len() - 1);
    }
    earlier
}
