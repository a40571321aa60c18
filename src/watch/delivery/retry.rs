//! Versions that are in place but were not taken.

use std::{process::ExitStatus, time::Duration};

use super::Delivery;
use crate::{cli::OnChange, watch::process::Phase};

impl Delivery {
    /// Puts the version on the list; tells when it is tried again.
    pub(super) fn try_again(&self) -> String {
        self.untold
            .send_modify(|failures| *failures = failures.saturating_add(1));
        format!("will try again in {:?}", self.pause())
    }

    /// How often in a row a version was not taken.
    pub(crate) fn untold(&self) -> u32 {
        *self.untold.borrow()
    }

    /// Whether a version is in place that the program did not take.
    pub(crate) fn is_untold(&self) -> bool {
        *self.untold.borrow() > 0
    }

    /// Waits until there is such a version, and then until it is time to try again.
    pub(crate) async fn time_to_try_again(&self) {
        // The sender is ours.
        _ = self
            .untold
            .subscribe()
            .wait_for(|failures| *failures > 0)
            .await;
        tokio::time::sleep(self.pause()).await;
    }

    fn pause(&self) -> Duration {
        let doublings = self.untold.borrow().saturating_sub(1).min(6);
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
