use std::time::Duration;

/// Why a store gave no answer. Never a value, nor a credential.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LookupError {
    /// Nobody answers.
    #[error("{kind} cannot be reached: {why}")]
    Unreachable {
        /// What kind of store.
        kind: &'static str,
        why: String,
    },
    /// It answers that it does not.
    #[error("{kind} refuses: {why}")]
    Refused {
        /// What kind of store.
        kind: &'static str,
        why: String,
    },
    /// What it gave is no configuration.
    #[error("{kind} has what cannot be used: {why}")]
    Unusable {
        /// What kind of store.
        kind: &'static str,
        why: String,
    },
    /// It took longer than the settings allow.
    #[error("{kind} did not answer within {} ms", .within.as_millis())]
    Late {
        /// What kind of store.
        kind: &'static str,
        within: Duration,
    },
    /// The request asks for more than is looked up.
    #[error("applications, profiles and labels make more than {0} questions")]
    TooManyQuestions(usize),
    /// An answer is more than is served.
    #[error("the values of this request take more than {} MiB", .0 >> 20)]
    TooMuch(usize),
    /// Too many wait already.
    #[error("too many questions wait")]
    Busy,
}

impl LookupError {
    /// Whether any other question would fail as well.
    pub(super) fn is_outage(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Late { .. })
    }

    /// Whether another request could do better.
    pub(crate) fn is_of_caller(&self) -> bool {
        matches!(self, Self::TooManyQuestions(_))
    }
}
