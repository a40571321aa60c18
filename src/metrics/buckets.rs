use std::time::Duration;

/// Upper bounds of durations in seconds: from an answer out of memory to a look that misses its deadline.
pub(crate) const SECONDS: [f64; 24] = [
    1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2,
    5e-2, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0,
];

/// Upper bounds of numbers of instances.
pub(crate) const INSTANCES: [f64; 13] = [
    0.0, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 10_000.0,
];

/// Buckets of a histogram of durations; the last one has no end.
pub(super) const BUCKETS: usize = SECONDS.len() + 1;

/// The bucket of a duration.
pub(super) fn bucket(took: Duration) -> usize {
    let seconds = took.as_secs_f64();
    SECONDS.partition_point(|bound| *bound < seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        for (nanos, expected) in [
            (0, 0),
            (1_000, 0),
            (1_001, 1),
            (1_000_000, 9),
            (60_000_000_000, 23),
            (60_000_000_001, 24),
        ] {
            assert_eq!(bucket(Duration::from_nanos(nanos)), expected, "{nanos} ns");
        }
        assert!(SECONDS.is_sorted() && INSTANCES.is_sorted());
    }
}
