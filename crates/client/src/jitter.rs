//! Chance, so that a fleet does not do everything at once.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// `base`, give or take a fifth.
pub(crate) fn around(base: Duration) -> Duration {
    scaled(base, 0.8 + 0.4 * chance())
}

/// Between half of `base` and the whole.
pub(crate) fn below(base: Duration) -> Duration {
    scaled(base, 0.5 + 0.5 * chance())
}

/// The pause after the given number of failures: 1 s, 2 s, 4 s … 30 s, shortened by chance.
pub(crate) fn backoff(failures: u32) -> Duration {
    let seconds = 1_u64 << failures.saturating_sub(1).min(5);
    below(Duration::from_secs(seconds.min(30)))
}

/// The pause before a server is asked again that has not heard of something yet: 0.25 s, 0.5 s … 8 s, give or take a fifth:
/// by then a server that has its remote is sure, whether there is anything new or not.
/// `None` once that was tried so often that it may take long.
pub(crate) fn soon(tries: u32) -> Option<Duration> {
    let doubled = tries.checked_sub(1).filter(|doubled| *doubled < 6)?;
    Some(around(Duration::from_millis(250 << doubled)))
}

/// What is too long for a `Duration` is the longest one.
fn scaled(base: Duration, factor: f64) -> Duration {
    Duration::try_from_secs_f64(base.as_secs_f64() * factor).unwrap_or(Duration::MAX)
}

/// From 0 to 1. Every `RandomState` hashes with keys of its own.
fn chance() -> f64 {
    let bits = u32::try_from(RandomState::new().hash_one(0_u8) >> 32).unwrap_or_default();
    f64::from(bits) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_stays_within_its_bounds() {
        let base = Duration::from_secs(30);
        for _ in 0..1000 {
            assert!((24..=36).contains(&around(base).as_secs()));
            assert!((15..=30).contains(&below(base).as_secs()));
            // Half of all of these are too long.
            assert!(around(Duration::MAX) >= Duration::MAX / 2);
        }
    }

    #[test]
    fn who_lags_is_asked_again_soon_a_few_times() {
        for (tries, millis) in [
            (1, 250),
            (2, 500),
            (3, 1_000),
            (4, 2_000),
            (5, 4_000),
            (6, 8_000),
        ] {
            let pause = soon(tries).unwrap().as_millis();
            assert!(
                (millis * 4 / 5..=millis * 6 / 5).contains(&pause),
                "{tries}"
            );
        }
        assert_eq!((soon(0), soon(7), soon(u32::MAX)), (None, None, None));
    }

    #[test]
    fn pauses_double_up_to_half_a_minute() {
        for (failures, longest) in [(0, 1), (1, 1), (2, 2), (3, 4), (6, 30), (u32::MAX, 30)] {
            let pause = backoff(failures);
            assert!(
                pause <= Duration::from_secs(longest) && pause >= Duration::from_secs(longest) / 2,
                "{failures}: {pause:?}"
            );
        }
    }
}
