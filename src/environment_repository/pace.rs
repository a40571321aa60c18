use std::time::Duration;

/// Between the first tries to get anything to serve.
const FIRST_TRIES: Duration = Duration::from_secs(1);
/// Longest wait after failed looks: with the fifth that it varies, a host that is back is seen within a minute.
const MAX_INTERVAL: Duration = Duration::from_secs(50);

/// When a looker looks without being told.
#[derive(Debug)]
pub(super) struct Pace {
    /// Between two looks, varied by a fifth; `None` looks only when told, once there is something to serve.
    interval: Option<Duration>,
    /// Without anything to serve every second counts. Not for what requests open: they may name what does not exist.
    insists: bool,
    failures: u32,
}

impl Pace {
    pub(super) fn new(interval: Option<Duration>, insists: bool) -> Self {
        Self {
            interval,
            insists,
            failures: 0,
        }
    }

    /// Whether the first look comes without being told, whatever is on disk.
    pub(super) fn looks_at_once(&self) -> bool {
        self.insists
    }

    /// Notes how a look went; after failures they get rarer.
    pub(super) fn note(&mut self, succeeded: bool) {
        self.failures = if succeeded { 0 } else { self.failures + 1 };
    }

    /// How long to wait before the next look.
    pub(super) fn pause(&self, is_serving: bool) -> Option<Duration> {
        let interval = match (is_serving, self.insists) {
            (false, false) => return None,
            (false, true) => FIRST_TRIES,
            (true, _) => self.interval?,
        };
        Some(jittered(backed_off(interval, self.failures)))
    }
}

/// Twice as long after each failure.
fn backed_off(interval: Duration, failures: u32) -> Duration {
    let longest = MAX_INTERVAL.max(interval);
    interval
        .saturating_mul(2_u32.saturating_pow(failures.min(16)))
        .min(longest)
}

/// A fifth more or less, so that many servers do not ask the same host at the same moment.
fn jittered(interval: Duration) -> Duration {
    interval.mul_f64(0.8 + 0.4 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_make_looks_rarer_up_to_a_bound() {
        let interval = Duration::from_secs(30);
        let waits: Vec<_> = (0..6)
            .map(|failures| backed_off(interval, failures).as_secs())
            .collect();
        assert_eq!(waits, [30, 50, 50, 50, 50, 50]);
        assert_eq!(backed_off(Duration::from_secs(600), 3).as_secs(), 600);
    }

    #[test]
    fn jitter_stays_within_a_fifth() {
        for _ in 0..100 {
            let wait = jittered(Duration::from_secs(30));
            assert!((24.0..=36.0).contains(&wait.as_secs_f64()), "{wait:?}");
        }
    }

    #[test]
    fn only_what_the_operator_named_is_insisted_on() {
        assert!(Pace::new(None, true).pause(false).is_some());
        assert!(Pace::new(None, true).pause(true).is_none());
        let interval = Some(Duration::from_secs(30));
        assert!(Pace::new(interval, false).pause(false).is_none());
        assert!(Pace::new(interval, false).pause(true).is_some());
    }
}
