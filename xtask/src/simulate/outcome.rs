//! What comes of a simulated push.

use std::time::Duration;

/// Requests are counted for so many milliseconds.
const SLOT: f64 = 100.0;

/// Of one push and one server with its fleet.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// Within which the fleet asked.
    pub(super) window: Duration,
    /// After how many milliseconds each instance ran the commit, in order.
    pub(super) applied: Vec<f64>,
    /// After how many milliseconds the server had heard that of the last one.
    pub(super) converged: f64,
    pub(super) cpu: Cpu,
    pub(super) reads: usize,
    /// Requests for a configuration in the busiest tenth of a second, as requests a second.
    pub(super) peak: f64,
    /// Deliveries to clients.
    pub(super) messages: u64,
    /// What server and broker send.
    pub(super) bytes: u64,
}

/// Processor time in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Cpu {
    pub(super) server: f64,
    pub(super) broker: f64,
    pub(super) clients: f64,
}

impl Cpu {
    pub(super) fn sum(&self) -> f64 {
        self.server + self.broker + self.clients
    }
}

impl Outcome {
    /// Milliseconds until this share of all instances ran the commit; zero without any.
    pub(super) fn until(&self, share: f64) -> f64 {
        reached(&self.applied, share)
    }
}

/// The moment at which this share of sorted moments has come.
pub(super) fn reached(sorted: &[f64], share: f64) -> f64 {
    let count = (share * sorted.len() as f64).ceil() as usize;
    let last = count.clamp(1, sorted.len().max(1)) - 1;
    sorted.get(last).copied().unwrap_or_default()
}

/// The busiest slot, in requests a second.
pub(super) fn peak(moments: &[f64]) -> f64 {
    let slot = |moment: &f64| (moment / SLOT) as usize;
    let slots = moments.iter().map(slot).max().map_or(0, |last| last + 1);
    let mut counts = vec![0_u32; slots];
    for moment in moments {
        counts[slot(moment)] += 1;
    }
    let busiest = counts.into_iter().max().unwrap_or_default();
    f64::from(busiest) * 1e3 / SLOT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_reached_with_the_instance_that_completes_it() {
        let moments: Vec<_> = (1..=200).map(f64::from).collect();
        assert_eq!(reached(&moments, 0.5), 100.0);
        assert_eq!(reached(&moments, 0.99), 198.0);
        assert_eq!(reached(&moments, 1.0), 200.0);
        assert_eq!(reached(&[1.0, 2.0, 3.0], 0.5), 2.0);
        assert_eq!(reached(&[7.0], 0.5), 7.0);
        assert_eq!(reached(&[], 1.0), 0.0);
    }

    #[test]
    fn the_peak_is_that_of_the_busiest_slot() {
        assert_eq!(peak(&[]), 0.0);
        assert_eq!(peak(&[0.0, 99.0, 100.0]), 20.0);
    }
}
