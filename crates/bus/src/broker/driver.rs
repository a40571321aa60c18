use std::sync::Arc;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Ends, Inbox,
    backoff::{Backoff, LONGEST_PAUSE},
    count,
    handle::Report,
};

/// Makes connections to one broker.
pub(crate) trait Connector: Send + Sync {
    type Session: Session;

    /// Tries everything that is set once. When it returns a session, no later event is missed. The error is for an operator:
    /// without credentials, with the address.
    fn connect(&self) -> impl Future<Output = Result<Self::Session, String>> + Send;
}

/// A connection, from the first event to the loss.
pub(crate) trait Session: Send {
    type Publisher;

    fn publisher(&self) -> Arc<Self::Publisher>;

    /// A line for the log.
    fn tell(&self, reconnects: u64);

    /// Hands every event to the inbox until the connection is lost, and says why.
    fn relay(&mut self, inbox: &mut Inbox) -> impl Future<Output = String> + Send;

    /// Takes leave, within a bounded time.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// Connects, and connects again after every fault; then every subscriber hears that it should look again. Returns only on
/// `shutdown`.
pub(crate) async fn drive<C: Connector>(
    connector: C,
    ends: Ends<<C::Session as Session>::Publisher>,
    shutdown: CancellationToken,
) {
    let mut backoff = Backoff::default();
    let mut inbox = Inbox::new(ends.signals.clone(), Arc::clone(&ends.tally));
    for reconnects in 0.. {
        let connecting = connect(&connector, &ends, reconnects, &mut backoff);
        let Some(mut session) = shutdown.run_until_cancelled(connecting).await else {
            return;
        };
        session.tell(reconnects);
        ends.report.connected(session.publisher(), reconnects);
        inbox.look_again();

        let since = Instant::now();
        let relayed = shutdown
            .run_until_cancelled(session.relay(&mut inbox))
            .await;
        let is_lost = relayed.is_some();
        if let Some(error) = relayed {
            report_lost(&ends.report, error);
        }
        session.close().await;
        if !is_lost {
            return;
        }
        // A connection that does not last counts as a failed try, so that a flapping broker is not hammered.
        if since.elapsed() > LONGEST_PAUSE {
            backoff = Backoff::default();
        }
    }
}

/// Tries until it works; only the very first try is made at once.
async fn connect<C: Connector>(
    connector: &C,
    ends: &Ends<<C::Session as Session>::Publisher>,
    reconnects: u64,
    backoff: &mut Backoff,
) -> C::Session {
    let mut attempts = 0;
    loop {
        if reconnects + attempts > 0 {
            tokio::time::sleep(backoff.next_pause()).await;
        }
        match connector.connect().await {
            Ok(session) => {
                count(&ends.tally.connects);
                return session;
            }
            Err(error) => {
                count(&ends.tally.failed_connects);
                attempts += 1;
                report_failed(&ends.report, error, reconnects, attempts);
            }
        }
    }
}

fn report_lost<P>(report: &Report<P>, error: String) {
    warn!(
        event = "bus.lost",
        error, "lost the bus; trying to connect again"
    );
    report.disconnected(error, 0);
}

/// One line for an outage: after a loss there has been one already.
fn report_failed<P>(report: &Report<P>, error: String, reconnects: u64, attempts: u64) {
    if reconnects == 0 && attempts == 1 {
        warn!(
            event = "bus.unreachable",
            error, "cannot connect to the bus; trying again until it works"
        );
    } else {
        debug!(error, attempts, "cannot connect to the bus");
    }
    report.disconnected(error, attempts);
}
