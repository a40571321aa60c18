//! I4: the answers of one server, in their order.
//!
//! A label may come back to a commit, so an answer does not tell its position. Whoever takes the lowest one that is
//! possible leaves most room to all that follow: when that fails, no other choice would have helped.

use std::collections::HashMap;

use super::heads::Heads;
use super::{Invariant, Violation, broken};
use crate::history::{Entry, Micros, Outcome, Read, What};

/// How far a server is known to be.
#[derive(Default)]
struct Progress<'a> {
    /// By what is not held: the label's position.
    label: usize,
    /// By address; one that is held may lie behind the label.
    addresses: HashMap<&'a str, usize>,
}

/// A read with its end, and what was known when it began.
struct Pending<'a> {
    read: &'a Read,
    at: Micros,
    from: usize,
}

pub(super) fn check(history: &[&Entry], heads: &Heads<'_>, violations: &mut Vec<Violation>) {
    let mut pending: Vec<_> = history
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Read(read) => Some(Pending {
                read,
                at: entry.at,
                from: 0,
            }),
            _ => None,
        })
        .collect();
    let mut servers: HashMap<&str, Progress<'_>> = HashMap::new();
    for (_, ends, index) in moments(&pending) {
        let server: &str = &pending[index].read.server;
        let progress = servers.entry(server).or_default();
        if ends {
            violations.extend(progress.advance(&pending[index], heads));
        } else {
            pending[index].from = progress.least(pending[index].read);
        }
    }
}

/// Beginnings and ends in the order of time. Of two at the same moment the beginning is first: they say nothing about
/// each other.
fn moments(pending: &[Pending<'_>]) -> Vec<(Micros, bool, usize)> {
    let mut moments: Vec<_> = pending
        .iter()
        .enumerate()
        .flat_map(|(index, one)| [(one.read.asked, false, index), (one.at, true, index)])
        .collect();
    moments.sort_unstable();
    moments
}

impl<'a> Progress<'a> {
    /// The lowest position that an answer to this read may come from.
    fn least(&self, read: &Read) -> usize {
        let own = self.addresses.get(&*read.address).copied();
        let own = own.unwrap_or(0);
        match read.outcome {
            Outcome::Found { held: false, .. } => own.max(self.label),
            _ => own,
        }
    }

    fn advance(&mut self, pending: &Pending<'a>, heads: &Heads<'_>) -> Option<Violation> {
        let Outcome::Found { version, held, .. } = &pending.read.outcome else {
            return None;
        };
        // What nobody pushed breaks another promise.
        heads.first(version)?;
        let Read {
            server, address, ..
        } = pending.read;
        let Some(position) = heads.lowest(version, pending.from, pending.at) else {
            let what = if heads.first(version)?.at > pending.at {
                format!("{server} {address}: {version} was answered before it was pushed")
            } else {
                format!("{server} {address}: went back to {version}")
            };
            return Some(broken(Invariant::Monotonic, pending.at, what));
        };
        let own = self.addresses.entry(address).or_default();
        *own = position.max(*own);
        if !held {
            self.label = position.max(self.label);
        }
        None
    }
}
