use std::time::Duration;

use crate::pins::Address;

/// How an address is given what is new.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) address: Address,
    /// Shares of its instances, in percent: ever more, and at last 100.
    pub(crate) steps: Vec<u8>,
    /// How long a step waits for those whose turn it is.
    pub(crate) wait: Duration,
    /// The share of rejections, in hundredths of a percent, at which a wave stops by itself; one rejection at least.
    pub(crate) stop_at: u32,
    pub(crate) on_silence: OnSilence,
}

/// What becomes of a step when its time is over and not everybody has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnSilence {
    /// It waits on, for answers or for somebody who decides.
    Wait,
    /// The next one begins.
    Go,
}

impl Rule {
    pub(super) fn first_step(&self) -> u8 {
        self.steps.first().copied().unwrap_or(100)
    }

    /// The step after a share; `None` after the last one.
    pub(super) fn step_after(&self, percent: u8) -> Option<u8> {
        self.steps.iter().copied().find(|step| *step > percent)
    }

    /// Whether so many of those who were asked are too many.
    pub(super) fn is_stopped_by(&self, rejected: usize, asked: usize) -> bool {
        rejected > 0 && rejected as u64 * 10_000 >= u64::from(self.stop_at) * asked as u64
    }

    /// In milliseconds.
    pub(super) fn wait_millis(&self) -> i64 {
        i64::try_from(self.wait.as_millis()).unwrap_or(i64::MAX)
    }
}
