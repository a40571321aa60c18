//! When to try again what a broker did not take.

use std::time::Duration;

use confbus_bus::PublishError;
use tokio::time::Instant;
use tracing::{info, warn};

use super::PACE;

/// The longest pause; whoever was given a permission meanwhile waits for no longer.
pub(super) const LONGEST: Duration = Duration::from_secs(160);

/// What a broker does not take is said again after pauses that grow, and at once over a new connection.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// In a row.
    tries: u32,
    until: Option<Instant>,
    /// Connections that there were then.
    connects: u64,
}

impl Refusals {
    /// Whether to try again.
    pub(super) fn are_over(&self, connects: u64) -> bool {
        let is_late = self.until.is_none_or(|until| until <= Instant::now());
        is_late || connects != self.connects
    }

    /// A try has failed. Of a connection that is lost others tell.
    pub(super) fn add(&mut self, why: &PublishError, connects: u64) {
        if matches!(why, PublishError::NotConnected) {
            return;
        }
        if self.tries == 0 {
            warn!(event = "replicas.untold", error.text = %why, "the bus does not take what servers tell each other; trying again");
        }
        let pause = PACE.saturating_mul(2_u32.saturating_pow(self.tries));
        self.until = Some(Instant::now() + pause.min(LONGEST));
        self.tries = self.tries.saturating_add(1);
        self.connects = connects;
    }

    /// The pause is over. What is refused next is one more in the row.
    pub(super) fn cut_short(&mut self) {
        self.until = None;
    }

    /// All is told.
    pub(super) fn end(&mut self) {
        if std::mem::take(self).tries > 0 {
            info!(event = "replicas.told", "servers tell each other again");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_and_end_with_a_connection() {
        let mut refusals = Refusals::default();
        assert!(refusals.are_over(1));
        for seconds in [1, 2, 4, 8, 16, 32, 64, 128, 160, 160] {
            refusals.add(&PublishError::Nack, 1);
            let pause = Duration::from_secs(seconds);
            tokio::time::advance(pause - Duration::from_millis(1)).await;
            assert!(!refusals.are_over(1), "{seconds}");
            assert!(refusals.are_over(2), "another connection");
            tokio::time::advance(Duration::from_millis(1)).await;
            assert!(refusals.are_over(1), "{seconds}");
        }
        refusals.end();
        refusals.add(&PublishError::NotConnected, 1);
        assert!(refusals.are_over(1), "it comes back by itself");
        refusals.add(&PublishError::Nack, 1);
        tokio::time::advance(PACE).await;
        assert!(refusals.are_over(1), "it begins anew");
    }
}
