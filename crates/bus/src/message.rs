use std::time::Duration;

use confbus_protocol::BusEvent;

/// An event and what travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was said.
    pub event: BusEvent,
    /// The commit the sender speaks of. It travels as header `confbus-commit`, because some receivers drop an event with one
    /// JSON key more than they know.
    pub commit: Option<String>,
    /// The labels that name the commit now, and [`NO_LABEL`](confbus_protocol::NO_LABEL) where requests without one are answered
    /// from it: of others it says nothing. They travel as header `confbus-labels`, by blanks.
    pub labels: Vec<String>,
    /// How often the label that moved to the commit has moved at the sender, whose own this number is. It travels as header
    /// `confbus-generation`.
    pub generation: Option<u64>,
    /// The time within which those who act on it spread their questions, so that a large fleet does not ask all at once;
    /// zero for all at once. It travels as header `confbus-window`, in milliseconds, and is left out when it is zero.
    pub window: Duration,
    /// In which trace it is sent, as the W3C writes it. It travels as header `traceparent`, which tracing receivers go on with
    /// and all others ignore.
    pub traceparent: Option<String>,
}

impl Message {
    /// An event that speaks of no commit and that all act on at once.
    #[must_use]
    pub fn of(event: BusEvent) -> Self {
        Self {
            event,
            commit: None,
            labels: Vec::new(),
            generation: None,
            window: Duration::ZERO,
            traceparent: None,
        }
    }
}
