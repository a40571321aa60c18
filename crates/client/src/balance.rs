//! Whom to ask first.

use std::hash::{DefaultHasher, Hash, Hasher as _};

/// Which of several servers a request begins with; the others follow when it fails.
///
/// A client asks seldom, so this is about fleets: whom all instances of all applications ask, and not about single requests.
/// Whoever turns to another server is given nothing older than what runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Balance {
    /// With the first one of the list, or of the registry's answer. Spring's, and the default for a list.
    InOrder,
    /// Each instance with a server of its own, which it keeps while that is there; the default with a registry.
    Spread,
    /// With the next one each time.
    RoundRobin,
    /// With any.
    Random,
    /// With the one that owes this client the fewest answers; among equals, with the next one each time.
    LeastOutstanding,
}

impl Balance {
    /// As `CONFBUS_BALANCE` names it.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "in-order" => Self::InOrder,
            "spread" => Self::Spread,
            "round-robin" => Self::RoundRobin,
            "random" => Self::Random,
            "least-outstanding" => Self::LeastOutstanding,
            _ => return None,
        })
    }
}

/// A server as far as its turn depends on it.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: usize,
    pub(crate) address: String,
    /// Whether its breaker keeps requests away.
    pub(crate) is_open: bool,
    /// Requests without an answer yet.
    pub(crate) outstanding: usize,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asker<'a> {
    pub(crate) instance: &'a str,
    /// Counts requests.
    pub(crate) turn: usize,
    pub(crate) chance: u64,
}

/// The servers to ask, in order: without the open ones, unless there are no others.
pub(crate) fn order(balance: Balance, candidates: &[Candidate], asker: Asker<'_>) -> Vec<usize> {
    let closed = candidates.iter().filter(|candidate| !candidate.is_open);
    let mut worth: Vec<&Candidate> = closed.collect();
    if worth.is_empty() {
        worth = candidates.iter().collect();
    }
    let next = asker.turn % worth.len().max(1);
    match balance {
        Balance::InOrder => {}
        Balance::Spread => worth.sort_by_key(|one| hash(&(asker.instance, &one.address))),
        Balance::RoundRobin => worth.rotate_left(next),
        Balance::Random => worth.sort_by_key(|one| hash(&(asker.chance, one.id))),
        Balance::LeastOutstanding => {
            worth.rotate_left(next);
            worth.sort_by_key(|one| one.outstanding);
        }
    }
    worth.into_iter().map(|one| one.id).collect()
}

/// The same in every process.
fn hash(what: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn candidates(open: &[usize], outstanding: [usize; 4]) -> Vec<Candidate> {
        let all = outstanding.into_iter().enumerate();
        all.map(|(id, outstanding)| Candidate {
            id,
            address: format!("http://config-{id}:8888"),
            is_open: open.contains(&id),
            outstanding,
        })
        .collect()
    }

    fn asker(turn: usize) -> Asker<'static> {
        Asker {
            instance: "orders:8080:a",
            turn,
            chance: turn as u64,
        }
    }

    #[test]
    fn each_way_begins_with_another_one() {
        let all = candidates(&[], [0; 4]);
        assert_eq!(order(Balance::InOrder, &all, asker(3)), [0, 1, 2, 3]);
        assert_eq!(order(Balance::RoundRobin, &all, asker(0)), [0, 1, 2, 3]);
        assert_eq!(order(Balance::RoundRobin, &all, asker(6)), [2, 3, 0, 1]);
        let busy = candidates(&[], [2, 0, 1, 0]);
        let least = |turn| order(Balance::LeastOutstanding, &busy, asker(turn));
        assert_eq!((least(0), least(2)), (vec![1, 3, 2, 0], vec![3, 1, 2, 0]));
        let firsts = (0..100).map(|turn| order(Balance::Random, &all, asker(turn))[0]);
        assert_eq!(firsts.collect::<HashSet<_>>().len(), 4);
    }

    #[test]
    fn open_ones_are_left_out_unless_all_are() {
        for balance in [
            Balance::InOrder,
            Balance::Spread,
            Balance::RoundRobin,
            Balance::Random,
            Balance::LeastOutstanding,
        ] {
            let mut asked = order(balance, &candidates(&[1, 3], [0; 4]), asker(1));
            asked.sort_unstable();
            assert_eq!(asked, [0, 2], "{balance:?}");
            let asked = order(balance, &candidates(&[0, 1, 2, 3], [0; 4]), asker(1));
            assert_eq!(asked.len(), 4, "{balance:?}");
            assert!(order(balance, &[], asker(1)).is_empty());
        }
    }

    #[test]
    fn a_fleet_spreads_and_each_instance_keeps_its_server() {
        let all = candidates(&[], [0; 4]);
        let first = |all: &[Candidate], instance: usize| {
            let instance = &format!("orders:8080:{instance}");
            order(
                Balance::Spread,
                all,
                Asker {
                    instance,
                    ..asker(instance.len())
                },
            )[0]
        };
        let mut counts = [0; 4];
        (0..400).for_each(|instance| counts[first(&all, instance)] += 1);
        assert!(counts.iter().all(|count| *count > 50), "{counts:?}");
        // Only those move whose server is gone.
        let rest = &all[..3];
        for instance in 0..400 {
            let (before, after) = (first(&all, instance), first(rest, instance));
            assert!(before == after || before == 3, "{instance}");
        }
    }
}
