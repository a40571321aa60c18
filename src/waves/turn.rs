use aws_lc_rs::digest;
use serde::{Deserialize, Serialize};

/// An instance's place in the order in which it is given what is new: always the same for the same name, here and on every
/// other server, and spread evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Turn(u64);

impl Turn {
    /// Nobody comes after it.
    pub(super) const LAST: Self = Self(u64::MAX);

    /// The first eight bytes of the name's SHA-256.
    pub(super) fn of(name: &str) -> Self {
        let digest = digest::digest(&digest::SHA256, name.as_bytes());
        let first = digest.as_ref().iter().take(8);
        Self(first.fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

/// The last one of a share of those who are there, in order; at least one. Where nobody is there, by the share alone, for whoever
/// may come.
pub(super) fn last_of(percent: u8, fleet: &[Turn]) -> Turn {
    let share = usize::from(percent);
    let count = (fleet.len() * share).div_ceil(100).min(fleet.len());
    match count.checked_sub(1).and_then(|last| fleet.get(last)) {
        _ if percent >= 100 => Turn::LAST,
        Some(last) => *last,
        None => Turn(u64::MAX / 100 * u64::from(percent)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_always_has_the_same_turn() {
        // The first digits of what `sha256sum` says.
        assert_eq!(Turn::of("abc"), Turn(0xba78_16bf_8f01_cfea));
    }

    #[test]
    fn a_share_is_of_those_who_are_there_and_of_nobody_by_arithmetic() {
        let fleet: Vec<_> = (1..=10).map(Turn).collect();
        for (percent, last) in [(1, 1), (20, 2), (21, 3), (99, 10)] {
            assert_eq!(last_of(percent, &fleet), Turn(last), "{percent}");
        }
        assert_eq!(last_of(100, &fleet), Turn::LAST);
        assert_eq!(last_of(5, &fleet[..1]), Turn(1));
        assert_eq!(last_of(50, &[]), Turn(u64::MAX / 100 * 50));
    }

    #[test]
    fn turns_are_spread_evenly() {
        let turns = (0..10_000).map(|number| Turn::of(&format!("orders:dev:{number}:ab12")));
        let first_tenth = turns.filter(|turn| *turn <= last_of(10, &[])).count();
        assert!((900..1100).contains(&first_tenth), "{first_tenth}");
    }
}
