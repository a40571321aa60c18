use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of the clock that all processes of a machine share and nobody sets.
pub(super) fn now() -> i64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec * 1_000_000_000 + now.tv_nsec
}

/// From a moment to a later one, in milliseconds.
pub(super) fn millis(from: i64, to: i64) -> f64 {
    (to - from) as f64 / 1e6
}
