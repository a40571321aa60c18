//! What the router says of answers that may be given again without asking it.

use std::sync::Arc;

use confbus_resolution::EnvironmentRequest;

use super::finished::Finished;
use crate::{environment_repository::Labels, ledger::Answered};

/// As long as nothing moves, whoever asks the same may be given the same answer.
#[derive(Debug, Clone, Default)]
pub(super) struct Keep {
    /// What the ledger is told of each time; nothing for plain files and errors.
    pub(super) answered: Option<Arc<Answered>>,
    /// What a read of this makes sure of first, if reads do that.
    pub(super) sure_of: Option<(EnvironmentRequest, Labels)>,
}

/// An answer to keep.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) finished: Finished,
    pub(super) keep: Keep,
}
