//! I1, I2, I3: each answer on its own.

use super::available::Lives;
use super::heads::Heads;
use super::{Invariant, Violation, broken};
use crate::history::{Entry, Outcome, Read, What};

pub(super) fn check(
    history: &[&Entry],
    heads: &Heads<'_>,
    lives: &Lives<'_>,
    violations: &mut Vec<Violation>,
) {
    for entry in history {
        if let What::Read(read) = &entry.what {
            let found = look(read, heads, lives, entry.at);
            violations.extend(found.map(|(invariant, what)| {
                let Read {
                    server, address, ..
                } = read;
                broken(invariant, entry.at, format!("{server} {address}: {what}"))
            }));
        }
    }
}

fn look(read: &Read, heads: &Heads<'_>, lives: &Lives<'_>, at: u64) -> Option<(Invariant, String)> {
    let unavailable = |why: String| Some((Invariant::Available, why));
    match &read.outcome {
        Outcome::Found {
            version, content, ..
        } => of_commit(heads, &read.address, version, content),
        _ if !lives.has_served(&read.server, read.asked) => None,
        Outcome::Other { status } => unavailable(format!("answered with {status}")),
        Outcome::Failed { .. } if !lives.ran(&read.server, (read.asked, at)) => None,
        Outcome::Failed { reason } => unavailable(format!("failed: {reason}")),
    }
}

/// Whether somebody may see this content under this version.
pub(super) fn of_commit(
    heads: &Heads<'_>,
    address: &str,
    version: &str,
    content: &str,
) -> Option<(Invariant, String)> {
    let Some(head) = heads.first(version) else {
        return Some((Invariant::Validated, format!("nobody pushed {version}")));
    };
    if head.is_broken(address) {
        let what = format!("{version} is visible, and its files are broken");
        return Some((Invariant::Validated, what));
    }
    let own = head.content(address);
    (own.map(|own| &**own) != Some(content)).then(|| {
        let what = format!("{content} is not what {version} holds");
        (Invariant::Atomic, what)
    })
}
