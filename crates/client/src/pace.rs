use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use confbus_protocol::BusId;

/// Reports go out so long …
const AFTER: Duration = Duration::from_secs(1);
/// … and up to so many windows after the event was acted on: they cost the server as much as questions, and nobody waits
/// for them.
const WINDOWS: f64 = 10.0;

/// When this instance does what a whole fleet is told to do: each at a moment of its own within the window that the
/// server names.
pub(crate) struct Pace {
    /// Where in every window, from 0 to 1.
    share: f64,
    longest: Duration,
    /// The last window, in microseconds.
    window: AtomicU64,
}

impl Pace {
    /// `longest` bounds every window; zero is no window at all.
    pub(crate) fn new(id: &BusId, longest: Duration) -> Self {
        let mut hasher = DefaultHasher::new();
        id.as_str().hash(&mut hasher);
        let hash = u32::try_from(hasher.finish() >> 32).unwrap_or_default();
        Self {
            share: f64::from(hash) / f64::from(u32::MAX),
            longest,
            window: AtomicU64::new(0),
        }
    }

    /// How long to wait before the server is asked.
    pub(crate) fn until_asked(&self, window: Duration) -> Duration {
        let window = window.min(self.longest);
        let micros = u64::try_from(window.as_micros()).unwrap_or(u64::MAX);
        self.window.store(micros, Ordering::Relaxed);
        window.mul_f64(self.share)
    }

    /// How long to wait before a report goes out, so that it is in nobody's way who still asks.
    pub(crate) fn until_reported(&self) -> Duration {
        let window = Duration::from_micros(self.window.load(Ordering::Relaxed));
        if window.is_zero() {
            return window;
        }
        AFTER + window.mul_f64(WINDOWS * self.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn of(instance: usize) -> Pace {
        Pace::new(
            &BusId::new(format!("orders:8080:{instance}")).unwrap(),
            SECOND,
        )
    }

    #[test]
    fn a_fleet_fills_its_window_evenly() {
        let window = Duration::from_millis(100);
        let mut tenths = [0; 10];
        for instance in 0..1000 {
            let pause = of(instance).until_asked(window);
            assert_eq!(pause, of(instance).until_asked(window), "its own each time");
            tenths[(pause.as_millis() / 10).min(9) as usize] += 1;
        }
        assert!(
            tenths.iter().all(|count| (60..150).contains(count)),
            "{tenths:?}"
        );
    }

    #[test]
    fn no_server_makes_anybody_wait_longer_than_allowed() {
        let forbidden = Pace::new(&BusId::new("orders:8080:1").unwrap(), Duration::ZERO);
        assert_eq!(forbidden.until_asked(SECOND), Duration::ZERO);
        assert_eq!(forbidden.until_reported(), Duration::ZERO);
        let pace = of(7);
        assert!(pace.until_asked(Duration::from_secs(86_400)) <= SECOND);
        let reported = pace.until_reported();
        assert!((SECOND..=11 * SECOND).contains(&reported), "{reported:?}");
        pace.until_asked(Duration::ZERO);
        assert_eq!(pace.until_reported(), Duration::ZERO);
    }
}
