use std::time::Duration;

/// Fewer instances than these may all ask at once.
const FEW: usize = 50;
/// What one question costs this server, sockets included.
const A_QUESTION: Duration = Duration::from_micros(50);
/// Nobody waits longer than this for the sake of others.
const LONGEST: Duration = Duration::from_secs(1);

/// Within which time so many instances should ask: about as fast as they can be answered.
pub(super) fn window(instances: usize) -> Duration {
    if instances < FEW {
        return Duration::ZERO;
    }
    let instances = u32::try_from(instances).unwrap_or(u32::MAX);
    let whole = A_QUESTION.saturating_mul(instances).min(LONGEST);
    // The wire has milliseconds.
    Duration::from_millis(u64::try_from(whole.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_fleets_ask_at_once_and_large_ones_within_a_second() {
        for (instances, millis) in [
            (0, 0),
            (49, 0),
            (50, 2),
            (1_000, 50),
            (10_000, 500),
            (usize::MAX, 1_000),
        ] {
            assert_eq!(
                window(instances),
                Duration::from_millis(millis),
                "{instances}"
            );
        }
    }
}
