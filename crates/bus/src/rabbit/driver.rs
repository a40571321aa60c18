use std::{fmt, sync::Arc};

use tokio_util::sync::CancellationToken;
use tracing::info;

use super::{RabbitSettings, publisher::Publisher, session::Session};
use crate::{
    Driver,
    binder::Running,
    broker::{self, Connector, Ends, Inbox},
};

/// Keeps the connection of a [`Bus`](crate::Bus) over RabbitMQ. Nothing happens until it [runs](Self::run).
#[must_use = "the bus is not connected until its driver runs"]
pub struct RabbitDriver {
    addresses: Addresses,
    ends: Ends<Publisher>,
}

/// Those of one cluster, tried in turn.
struct Addresses(Arc<RabbitSettings>);

impl RabbitDriver {
    pub(super) fn new(settings: RabbitSettings, ends: Ends<Publisher>) -> Self {
        Self {
            addresses: Addresses(Arc::new(settings)),
            ends,
        }
    }

    /// Connects, and connects again after every fault, with a new queue each time; then every subscriber hears
    /// [`Signal::LookAgain`](crate::Signal::LookAgain). A broker that cannot be reached is no failure:
    /// [`Bus::status`](crate::Bus::status) shows it and the driver keeps trying.
    ///
    /// Returns only on `shutdown`, after it took leave of the broker. Has to run on a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: CancellationToken) {
        broker::drive(self.addresses, self.ends, shutdown).await;
    }
}

impl Driver for RabbitDriver {
    fn run(self: Box<Self>, shutdown: CancellationToken) -> Running {
        Box::pin(Self::run(*self, shutdown))
    }
}

impl Connector for Addresses {
    type Session = Session;

    async fn connect(&self) -> Result<Session, String> {
        let mut problems = Vec::new();
        for address in &self.0.addresses {
            match Session::open(&self.0, address).await {
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
}

impl broker::Session for Session {
    type Publisher = Publisher;

    fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.publisher)
    }

    fn tell(&self, reconnects: u64) {
        info!(event = "bus.connected", address = %self.address, exchange = self.exchange, queue = self.queue, reconnects, "connected to the bus");
    }

    async fn relay(&mut self, inbox: &mut Inbox) -> String {
        let failure = self.relay(inbox).await;
        format!("{}: {failure}", self.address)
    }

    async fn close(self) {
        self.close().await;
    }
}

impl fmt::Debug for RabbitDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitDriver")
            .field("settings", &self.addresses.0)
            .finish_non_exhaustive()
    }
}
