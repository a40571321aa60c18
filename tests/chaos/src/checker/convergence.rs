//! I6 and I7: who ends where, and in time.

use std::collections::BTreeMap;

use super::available::Lives;
use super::heads::Heads;
use super::{Bounds, Invariant, Violation, broken, micros};
use crate::history::{Entry, Micros, Outcome, What};

/// A client in one life, with all that it has applied.
struct Life<'a> {
    client: &'a str,
    address: &'a str,
    from: Micros,
    to: Micros,
    applied: Vec<(Micros, Option<&'a str>)>,
}

pub(super) fn check(
    history: &[&Entry],
    heads: &Heads<'_>,
    lives: &Lives<'_>,
    bounds: &Bounds,
    violations: &mut Vec<Violation>,
) {
    let Some(last) = heads.all().len().checked_sub(1) else {
        return;
    };
    let clients = lives_of(history);
    violations.extend(lost(heads, lives, &clients, bounds));
    let Some(healed) = lives.healed() else {
        let end = history.last().map_or(0, |entry| entry.at);
        violations.push(broken(Invariant::Convergent, end, "something still fails"));
        return;
    };
    let since = healed.max(heads.all()[last].at);
    let until = since.saturating_add(micros(bounds.healed));
    for life in &clients {
        let own = until.max(life.from.saturating_add(micros(bounds.healed)));
        if life.to < Micros::MAX || life.ends_at(heads, last, own) {
            continue;
        }
        let what = format!("{} did not get the last commit in time", life.client);
        violations.push(broken(Invariant::Convergent, until, what));
    }
    violations.extend(servers(history, heads, last, since, until));
}

/// I7: every state that lasts while nothing fails reaches every client.
fn lost(
    heads: &Heads<'_>,
    lives: &Lives<'_>,
    clients: &[Life<'_>],
    bounds: &Bounds,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (position, pair) in heads.all().windows(2).enumerate() {
        let (from, to) = (pair[0].at, pair[0].at.saturating_add(micros(bounds.calm)));
        if pair[1].at <= to || !lives.is_calm((from, to)) {
            continue;
        }
        let there = clients
            .iter()
            .filter(|life| life.from <= from && to <= life.to);
        for life in there.filter(|life| !life.ends_at(heads, position, to)) {
            let what = format!("{} was not reached by push {position}", life.client);
            violations.push(broken(Invariant::NoneLost, to, what));
        }
    }
    violations
}

/// Whether every server answers with the last commit, once there was time to get it.
fn servers(
    history: &[&Entry],
    heads: &Heads<'_>,
    last: usize,
    since: Micros,
    until: Micros,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut arrived: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in history {
        let What::Read(read) = &entry.what else {
            continue;
        };
        let arrived = arrived.entry(&read.server).or_default();
        let Outcome::Found { content, .. } = &read.outcome else {
            continue;
        };
        let is_last = heads.served(&read.address, last) == Some(content);
        *arrived |= is_last && read.asked >= since;
        if read.asked > until && !is_last {
            let what = format!("{} still answers with an older commit", read.server);
            violations.push(broken(Invariant::Convergent, entry.at, what));
        }
    }
    for (server, _) in arrived.into_iter().filter(|(_, arrived)| !arrived) {
        let what = format!("nobody saw {server} answer with the last commit");
        violations.push(broken(Invariant::Convergent, until, what));
    }
    violations
}

fn lives_of<'a>(history: &[&'a Entry]) -> Vec<Life<'a>> {
    let mut lives: Vec<Life<'a>> = Vec::new();
    for entry in history {
        match &entry.what {
            What::ClientStarted { client, address } => lives.push(Life {
                client,
                address,
                from: entry.at,
                to: Micros::MAX,
                applied: Vec::new(),
            }),
            What::ClientStopped { client } => {
                if let Some(life) = newest(&mut lives, client) {
                    life.to = entry.at;
                }
            }
            What::Applied {
                client, content, ..
            } => {
                if let Some(life) = newest(&mut lives, client) {
                    life.applied.push((entry.at, content.as_deref()));
                }
            }
            _ => {}
        }
    }
    lives
}

fn newest<'a, 'b>(lives: &'b mut [Life<'a>], client: &str) -> Option<&'b mut Life<'a>> {
    lives.iter_mut().rev().find(|life| life.client == client)
}

impl Life<'_> {
    /// Whether it ran at a moment what it should run when the label is at a position.
    fn ends_at(&self, heads: &Heads<'_>, position: usize, at: Micros) -> bool {
        let Some(wanted) = heads.wanted(self.address, position) else {
            return true;
        };
        let until = self.applied.iter().take_while(|applied| applied.0 <= at);
        until.last().and_then(|applied| applied.1) == Some(&**wanted)
    }
}
