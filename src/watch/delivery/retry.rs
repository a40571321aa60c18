//! Versions that were not delivered for a reason that may pass.

use std::{process::ExitStatus, time::Duration};

use super::Delivery;
use crate::{cli::OnChange, watch::process::Phase};

/// Failures since the last success.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Failures {
    /// How many.
    number: u32,
    /// Whether a version is in place that the program did not take.
    untold: bool,
}

impl Delivery {
    /// Counts a failure to put a version in place; tells when it is tried again.
    pub(super) fn try_again(&self) -> String {
        self.failures
            .send_modify(|failures| failures.number = failures.number.saturating_add(1));
        format!("will try again in {:?}", self.pause())
    }

    /// The same for a version that is in place, but was not taken.
    pub(super) fn tell_again(&self) -> String {
        self.failures.send_modify(|failures| failures.untold = true);
        self.try_again()
    }

    /// Nothing is to be tried again.
    pub(super) fn forget_failures(&self) {
        self.failures.send_replace(Failures::default());
    }

    /// How often in a row a version was not delivered for a reason that may pass.
    pub(crate) fn failures(&self) -> u32 {
        self.failures.borrow().number
    }

    /// Whether a version is in place that the program did not take.
    pub(crate) fn is_untold(&self) -> bool {
        self.failures.borrow().untold
    }

    /// Waits until there is such a failure, and then until it is time to try again.
    pub(crate) async fn time_to_try_again(&self) {
        // The sender is ours.
        _ = self
            .failures
            .subscribe()
            .wait_for(|failures| failures.number > 0)
            .await;
        tokio::time::sleep(self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let doublings = self.failures().saturating_sub(1).min(6);
        Duration::from_secs(1 << doublings)
    }

    /// Waits until the program has ended for good: nobody is about to start it again.
    pub(crate) async fn over(&self) -> ExitStatus {
        let Some(program) = &self.program else {
            return std::future::pending().await;
        };
        loop {
            let status = program.ended().await;
            if program.is_leaving() {
                return status;
            }
            // A delivery under way may be about to start it.
            let nobody_delivers = self.state.lock().await;
            if let Phase::Ended(status) = program.phase()
                && !self.will_start()
            {
                return status;
            }
            drop(nobody_delivers);
            program.running().await;
        }
    }

    fn will_start(&self) -> bool {
        self.is_untold() && self.plan.on_change == OnChange::Restart
    }
}
