use std::time::Duration;

use uuid::Uuid;

/// Soon, because most faults are short.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Spring's `recoveryInterval`: a broker that comes back is found within this time.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Pauses that double up to a limit.
pub(super) struct Backoff {
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            longest: FIRST_PAUSE,
        }
    }
}

impl Backoff {
    /// Half of it is left to chance, so that a fleet does not come back all at once.
    pub(super) fn next_pause(&mut self) -> Duration {
        let longest = self.longest;
        self.longest = (longest * 2).min(LONGEST_PAUSE);
        // The first byte of a random UUID is as random as any.
        let chance = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
        longest.mul_f64(0.5 + 0.5 * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        for longest in [250, 500, 1000, 2000, 4000, 5000, 5000].map(Duration::from_millis) {
            let pause = backoff.next_pause();
            assert!(
                longest / 2 <= pause && pause <= longest,
                "{pause:?} of {longest:?}"
            );
        }
    }
}
