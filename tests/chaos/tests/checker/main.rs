//! The checker finds what it should: every kind of fault that is planted into a good history, and nothing in a good one.

#![expect(clippy::unwrap_used, reason = "what is not there fails the test")]

mod faults;
mod good;
mod plant;

use confbus_chaos::checker::{Bounds, check};

const SEEDS: u64 = 60;

#[test]
fn a_good_history_breaks_nothing() {
    for seed in 0..SEEDS {
        let history = good::history(seed);
        let violations = check(&history, &Bounds::default());
        assert!(violations.is_empty(), "seed {seed}: {}", violations[0]);
    }
}

#[test]
fn every_planted_fault_is_found() {
    for (name, invariant, plant) in faults::ALL {
        let mut planted = 0;
        for seed in 0..SEEDS {
            let mut history = good::history(seed);
            let mut rng = fastrand::Rng::with_seed(seed);
            if plant(&mut history, &mut rng).is_none() {
                continue;
            }
            planted += 1;
            let violations = check(&history, &Bounds::default());
            assert!(
                violations.iter().any(|found| found.invariant == *invariant),
                "{name}, seed {seed}: {violations:?}"
            );
        }
        assert!(planted >= SEEDS / 4, "{name} was planted {planted} times");
    }
}

#[test]
fn a_fault_is_found_wherever_the_entries_stand_in_the_file() {
    let mut history = good::history(1);
    faults::answers_with_500(&mut history, &mut fastrand::Rng::with_seed(1)).unwrap();
    history.reverse();
    assert_eq!(check(&history, &Bounds::default()).len(), 1);
}
