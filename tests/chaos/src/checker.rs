//! From a history to what it breaks of the promises.
//!
//! Nothing here knows how a history came to be; it is pure, and takes time in proportion to the history.

mod available;
mod clients;
mod convergence;
mod heads;
mod order;
mod reads;
mod repeats;

use std::fmt;
use std::time::Duration;

use crate::history::{Entry, Micros};
use available::Lives;
use heads::Heads;

/// What must hold whatever fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// I1: a server that has served once answers every read while it runs.
    Available,
    /// I2: an answer comes from one commit, the one that it names.
    Atomic,
    /// I3: a rejected commit is never visible.
    Validated,
    /// I4: a server never goes back, not even across restarts.
    Monotonic,
    /// I5: a client never goes back.
    Forward,
    /// I6: after the last push and the last heal everybody ends at the last commit in time.
    Convergent,
    /// I7: whatever stays for a while reaches every client.
    NoneLost,
    /// I10: a client keeps the last good configuration.
    LastGood,
    /// Nobody is told or moved more often than there was reason to.
    FewRepeats,
}

impl Invariant {
    /// Its short name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Available => "I1",
            Self::Atomic => "I2",
            Self::Validated => "I3",
            Self::Monotonic => "I4",
            Self::Forward => "I5",
            Self::Convergent => "I6",
            Self::NoneLost => "I7",
            Self::LastGood => "I10",
            Self::FewRepeats => "repeats",
        }
    }
}

/// A promise that was not kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// When.
    pub at: Micros,
    /// By whom, and how it shows.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.at as f64 / 1e6;
        write!(
            f,
            "{} at {seconds:.3} s: {}",
            self.invariant.name(),
            self.what
        )
    }
}

/// How long things may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// From a push until every client runs it, when nothing fails meanwhile and nothing else is pushed.
    pub calm: Duration,
    /// From the last push or heal until every server and client is at the last commit.
    pub healed: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            calm: Duration::from_secs(20),
            healed: Duration::from_secs(60),
        }
    }
}

/// Everything in a history that breaks a promise, in the order of time.
#[must_use]
pub fn check(history: &[Entry], bounds: &Bounds) -> Vec<Violation> {
    let mut history: Vec<_> = history.iter().collect();
    history.sort_by_key(|entry| entry.at);
    let heads = Heads::of(&history);
    let lives = Lives::of(&history);
    let mut violations = Vec::new();
    reads::check(&history, &heads, &lives, &mut violations);
    order::check(&history, &heads, &mut violations);
    clients::check(&history, &heads, &mut violations);
    convergence::check(&history, &heads, &lives, bounds, &mut violations);
    repeats::check(&history, &mut violations);
    violations.sort_by_key(|violation| violation.at);
    violations
}

/// What a rule finds.
fn broken(invariant: Invariant, at: Micros, what: impl Into<String>) -> Violation {
    Violation {
        invariant,
        at,
        what: what.into(),
    }
}

fn micros(duration: Duration) -> Micros {
    Micros::try_from(duration.as_micros()).unwrap_or(Micros::MAX)
}
