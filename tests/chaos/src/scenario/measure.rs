//! Times of reads, and what servers take, before and during a fault.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::push_for;
use crate::figure::{Figure, percentile};
use crate::history::{Entry, Micros, Outcome, What};
use crate::rig::Rig;

/// How long nothing fails, for comparison.
const QUIET: Duration = Duration::from_secs(10);
/// What a p99 may be of the one it is compared with, and how much more on top for a machine with other work.
const WORSE: f64 = 2.0;
const NOISE: f64 = 10.0;

/// Reads of a time in which nothing failed.
pub(super) struct Quiet(f64);

impl Quiet {
    /// Lets pushes come, and nothing fail.
    pub(super) async fn measure(rig: &mut Rig) -> anyhow::Result<Self> {
        let since = rig.recorder.now();
        push_for(rig, QUIET, 0).await?;
        Ok(Self(p99(rig, since)?))
    }

    /// Compares with a time in which something failed, and that is over. Others use this machine, so what is quiet is
    /// measured once more, and the slower one counts.
    pub(super) async fn judge(self, rig: &mut Rig, faulty: f64) -> anyhow::Result<()> {
        let again = Self::measure(rig).await?;
        let quiet = self.0.max(again.0);
        rig.figure(Figure::new("p99 of reads, quiet", quiet, "ms"));
        rig.figure(Figure::new("p99 of reads, faulty", faulty, "ms"));
        rig.figure(Figure::new("faulty ÷ quiet", faulty / quiet, ""));
        ensure!(
            faulty <= quiet * WORSE + NOISE,
            "reads became slower: {faulty:.1} ms after {quiet:.1} ms"
        );
        Ok(())
    }
}

/// Of all reads from a moment until now, in milliseconds.
pub(super) fn p99(rig: &Rig, since: Micros) -> anyhow::Result<f64> {
    let took = |entry: &Entry| match &entry.what {
        What::Read(read)
            if read.asked >= since && matches!(read.outcome, Outcome::Found { .. }) =>
        {
            Some((entry.at - read.asked) as f64 / 1e3)
        }
        _ => None,
    };
    let mut times = rig.recorder.pick(since, took);
    percentile(&mut times, 99.0).context("nobody read")
}
