use std::{fmt, sync::Arc};

use tokio_util::sync::CancellationToken;

use super::{KafkaSettings, publisher::Publisher, session::Session};
use crate::{
    Driver,
    binder::Running,
    broker::{self, Connector, Ends},
};

/// Keeps the consumer of a [`Bus`](crate::Bus) over Kafka. Nothing happens until it [runs](Self::run).
#[must_use = "the bus is not connected until its driver runs"]
pub struct KafkaDriver {
    cluster: Cluster,
    ends: Ends<Publisher>,
}

struct Cluster(Arc<KafkaSettings>);

impl KafkaDriver {
    pub(super) fn new(settings: KafkaSettings, ends: Ends<Publisher>) -> Self {
        Self {
            cluster: Cluster(Arc::new(settings)),
            ends,
        }
    }

    /// Connects, and connects again once no broker is left, with a new consumer group each time; then every subscriber hears
    /// [`Signal::LookAgain`](crate::Signal::LookAgain). As long as one broker is there, librdkafka finds its way by itself, and
    /// nothing is lost. A cluster that cannot be reached is no failure: [`Bus::status`](crate::Bus::status) shows it and the
    /// driver keeps trying.
    ///
    /// Returns only on `shutdown`, after it has left the group. Has to run on a Tokio runtime with I/O and time.
    pub async fn run(self, shutdown: CancellationToken) {
        broker::drive(self.cluster, self.ends, shutdown).await;
    }
}

impl Driver for KafkaDriver {
    fn run(self: Box<Self>, shutdown: CancellationToken) -> Running {
        Box::pin(Self::run(*self, shutdown))
    }
}

impl Connector for Cluster {
    type Session = Session;

    async fn connect(&self) -> Result<Session, String> {
        let opened = Session::open(&self.0).await;
        opened.map_err(|failure| format!("{}: {failure}", self.0.addresses()))
    }
}

impl fmt::Debug for KafkaDriver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaDriver")
            .field("settings", &self.cluster.0)
            .finish_non_exhaustive()
    }
}
