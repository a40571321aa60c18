//! How often the same event is sent.

use std::collections::HashMap;

use super::{Invariant, Violation, broken};
use crate::history::{Entry, Name, What};

/// For each push of the commit: once by the server that tells it, and once more when it did not know that it had.
const FREE: usize = 2;

/// An event that was sent before.
struct Sent {
    times: usize,
    /// How many had returned when it was sent first.
    returns: usize,
}

pub(super) fn check(history: &[&Entry], violations: &mut Vec<Violation>) {
    // Whoever is back may say again what he said last.
    let mut returns = 0;
    let mut pushes: HashMap<&Name, usize> = HashMap::new();
    let mut sent: HashMap<_, Sent> = HashMap::new();
    for entry in history {
        match &entry.what {
            What::FaultEnded { .. }
            | What::ServerStarted { .. }
            | What::ServerContinued { .. }
            | What::ClientStarted { .. } => returns += 1,
            What::Pushed { commit, .. } => *pushes.entry(commit).or_default() += 1,
            What::Event {
                origin,
                destination,
                commit: Some(commit),
            } => {
                let event = (origin, destination, commit);
                let sent = sent.entry(event).or_insert(Sent { times: 0, returns });
                sent.times += 1;
                let pushed = pushes.get(commit).copied().unwrap_or(1);
                let allowed = FREE * pushed + returns - sent.returns;
                if sent.times == allowed + 1 {
                    let times = sent.times;
                    let what = format!("{origin} told {destination} {times} times of {commit}");
                    violations.push(broken(Invariant::FewRepeats, entry.at, what));
                }
            }
            _ => {}
        }
    }
}
