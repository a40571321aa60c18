use std::{fmt, sync::Arc, time::Duration};

use tokio::{
    sync::{broadcast, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};
use uuid::Uuid;

use super::{
    RabbitSettings, State,
    failure::Failure,
    inbox::Inbox,
    session::Session,
    tally::{Tally, count},
};
use crate::Signal;

/// Soon, because most faults are short.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// Spring's `recoveryInterval`: a broker that comes back is found within this time.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Keeps the connection of a [`Bus`](crate::Bus) over RabbitMQ. Nothing happens until it [runs](Self::run).
#[must_use = "the bus is not connected until its driver runs"]
pub struct RabbitDriver {
    settings: Arc<RabbitSettings>,
    signals: broadcast::Sender<Signal>,
    tally: Arc<Tally>,
    report: Report,
}

impl RabbitDriver {
    pub(super) fn new(
        settings: RabbitSettings,
        signals: broadcast::Sender<Signal>,
        tally: Arc<Tally>,
        report: watch::Sender<State>,
    ) -> Self {
        Self {
            settings: Arc::new(settings),
            signals,
            tally,
            report: Report(report),
        }
    }

    /// Connects, and connects again after every fault, with a new queue each time; then every subscriber hears
    /// [`Signal::LookAgain`]. A broker that cannot be reached is no failure: [`Bus::status`](crate::Bus::status) shows
    /// it and the driver keeps trying.
    ///
    /// Returns only on `shutdown`, after it took leave of the broker. Has to run on a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut backoff = Backoff::default();
        let mut inbox = Inbox::new(self.signals.clone(), Arc::clone(&self.tally));
        for reconnects in 0.. {
            let connecting = self.connect(reconnects, &mut backoff);
            let Some(mut session) = shutdown.run_until_cancelled(connecting).await else {
                return;
            };
            self.report_connected(&session, reconnects);
            inbox.look_again();

            let since = Instant::now();
            let relayed = shutdown
                .run_until_cancelled(session.relay(&mut inbox))
                .await;
            if let Some(failure) = &relayed {
                self.report_lost(&session, failure);
            }
            session.close().await;
            if relayed.is_none() {
                return;
            }
            // A connection that does not last counts as a failed try, so that a flapping broker is not hammered.
            if since.elapsed() > LONGEST_PAUSE {
                backoff = Backoff::default();
            }
        }
    }

    /// Tries all addresses in turn until one answers; only the very first try is made at once.
    async fn connect(&self, reconnects: u64, backoff: &mut Backoff) -> Session {
        let mut attempts = 0;
        loop {
            if reconnects + attempts > 0 {
                tokio::time::sleep(backoff.next_pause()).await;
            }
            match self.try_addresses().await {
                Ok(session) => {
                    count(&self.tally.connects);
                    return session;
                }
                Err(error) => {
                    count(&self.tally.failed_connects);
                    attempts += 1;
                    self.report_failed(error, reconnects, attempts);
                }
            }
        }
    }

    async fn try_addresses(&self) -> Result<Session, String> {
        let mut problems = Vec::new();
        for address in &self.settings.addresses {
            match Session::open(&self.settings, address, &self.tally).await {
                Ok(session) => return Ok(session),
                Err(failure) => problems.push(format!("{address}: {failure}")),
            }
        }
        Err(if problems.is_empty() {
            "no address of a broker is set".into()
        } else {
            problems.join("; ")
        })
    }

    fn report_connected(&self, session: &Session, reconnects: u64) {
        info!(event = "bus.connected", address = %session.address, exchange = self.settings.exchange, queue = session.queue, reconnects, "connected to the bus");
        self.report
            .0
            .send_replace(State::connected(session.publisher.clone(), reconnects));
    }

    fn report_lost(&self, session: &Session, failure: &Failure) {
        let error = format!("{}: {failure}", session.address);
        warn!(
            event = "bus.lost",
            error, "lost the bus; trying to connect again"
        );
        self.report.0.send_replace(State::disconnected(error, 0));
    }

    /// One line for an outage: after a loss there has been one already.
    fn report_failed(&self, error: String, reconnects: u64, attempts: u64) {
        if reconnects == 0 && attempts == 1 {
            warn!(
                event = "bus.unreachable",
                error, "cannot connect to the bus; trying again until it works"
            );
        } else {
            debug!(error, attempts, "cannot connect to the bus");
        }
        self.report
            .0
            .send_replace(State::disconnected(error, attempts));
    }
}

impl fmt::Debug for RabbitDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitDriver")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

/// What the handles see; once nobody drives the bus, they see that.
struct Report(watch::Sender<State>);

impl Drop for Report {
    fn drop(&mut self) {
        self.0
            .send_replace(State::disconnected("the bus was stopped".into(), 0));
    }
}

/// Pauses that double up to a limit.
struct Backoff {
    longest: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            longest: FIRST_PAUSE,
        }
    }
}

impl Backoff {
    /// Half of it is left to chance, so that a fleet does not come back all at once.
    fn next_pause(&mut self) -> Duration {
        let longest = self.longest;
        self.longest = (longest * 2).min(LONGEST_PAUSE);
        // The first byte of a random UUID is as random as any.
        let chance = f64::from(Uuid::new_v4().as_bytes()[0]) / 255.0;
        longest.mul_f64(0.5 + 0.5 * chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds() {
        let mut backoff = Backoff::default();
        for longest in [250, 500, 1000, 2000, 4000, 5000, 5000].map(Duration::from_millis) {
            let pause = backoff.next_pause();
            assert!(
                longest / 2 <= pause && pause <= longest,
                "{pause:?} of {longest:?}"
            );
        }
    }
}
