//! Every connection is an open file to the system, which allows a process so many.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

use super::room::RESERVE;

/// What everything but connections needs: repositories, journals, workers, the broker.
const OTHERS: u64 = 256;
/// Fewer connections are of no use to anybody.
const LEAST: u64 = 64;

/// Asks the system for as many files as so many connections need, besides those of so many of other ports; how many
/// connections there may be then.
pub(crate) fn make_room(connections: usize, others: &[usize]) -> usize {
    let ports = others.len() + 1;
    let others = OTHERS + (others.iter().sum::<usize>() + ports * RESERVE) as u64;
    let wanted = connections as u64 + others;
    let allowed = raise(wanted);
    if allowed >= wanted {
        return connections;
    }
    let fewer = allowed.saturating_sub(others).max(LEAST);
    warn!(
        files = allowed,
        connections = fewer,
        "the system allows fewer files than `confbus.limits.connections` needs, so fewer connections are taken"
    );
    usize::try_from(fewer).unwrap_or(connections)
}

/// How many files may be open now.
fn raise(wanted: u64) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // Nothing said means no limit.
    let current = current.unwrap_or(u64::MAX);
    if current >= wanted {
        return current;
    }
    let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted));
    let limit = Rlimit {
        current: Some(raised),
        maximum,
    };
    setrlimit(Resource::Nofile, limit).map_or(current, |()| raised)
}
