//! What the router says of answers that may be given again without asking it.

use std::sync::Arc;

use confbus_protocol::Minimum;
use confbus_resolution::EnvironmentRequest;

use super::{fields::text, finished::Finished};
use crate::{
    access::Wanted,
    environment_repository::{Labels, Past},
    ledger::Answered,
    metrics::Asked,
};

/// As long as nothing moves, whoever asks the same may be given the same answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Keep {
    /// What the ledger is told of each time; nothing for plain files and errors.
    pub(super) answered: Option<Arc<Answered>>,
    /// What a read of this makes sure of first, if reads do that.
    pub(super) sure_of: Option<(EnvironmentRequest, Labels)>,
    /// Where the labels have been that an environment comes from.
    pub(super) past: Past,
    /// What it takes to be given it, where rules say who may what.
    pub(super) wanted: Option<Wanted>,
}

impl Keep {
    /// Whether this may be given to who wants nothing older than what a header says. What that is about, if it is commits
    /// at all, tells [`Minimum`].
    pub(super) fn covers(&self, header: &[u8]) -> bool {
        let version = || self.answered.as_ref()?.version.as_deref();
        let is_the_same = version().is_some_and(|version| version.as_bytes() == header);
        is_the_same || minimum(header).is_none_or(|minimum| self.past.covers(&minimum))
    }
}

/// What a header wants of an answer; nothing where it names no commits.
pub(super) fn minimum(header: &[u8]) -> Option<Minimum> {
    Minimum::parse(text(header)?)
}

/// An answer to keep.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) finished: Finished,
    pub(super) keep: Keep,
    /// How it is counted.
    pub(super) asked: Asked,
}
