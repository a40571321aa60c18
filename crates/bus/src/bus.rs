use std::sync::Arc;

#[cfg(feature = "kafka")]
use crate::kafka::{self, KafkaDriver, KafkaSettings};
#[cfg(feature = "rabbit")]
use crate::rabbit::{self, RabbitDriver, RabbitSettings};
use crate::{Binder, Counters, Message, PublishError, Subscription, local::Local};

/// A handle on the bus, whatever carries its events; clones share it.
#[derive(Debug, Clone)]
pub struct Bus(Arc<dyn Binder>);

/// How the bus is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// In process: nothing can break.
    Local,
    /// Events come; and they go, too, if the publisher of the settings starts at once. Otherwise whether they do shows with
    /// the first.
    Connected {
        /// How often the connection was lost and made again since the start.
        reconnects: u64,
    },
    /// No events until the broker is back; the driver keeps trying.
    Disconnected {
        /// What is wrong, often in the broker's words, and what to do about it; never a password.
        error: String,
        /// Rounds over all addresses that failed since the connection was lost.
        attempts: u64,
    },
}

impl Bus {
    /// A bus of events that this binder carries.
    #[must_use]
    pub fn over(binder: impl Binder + 'static) -> Self {
        Self(Arc::new(binder))
    }

    /// A bus within this process.
    #[must_use]
    pub fn local() -> Self {
        Self::over(Local::new())
    }

    /// A bus over RabbitMQ. Nothing happens until the driver runs.
    #[cfg(feature = "rabbit")]
    pub fn rabbit(settings: RabbitSettings) -> (Self, RabbitDriver) {
        let (rabbit, driver) = rabbit::new(settings);
        (Self::over(rabbit), driver)
    }

    /// A bus over Kafka. Nothing happens until the driver runs.
    #[cfg(feature = "kafka")]
    pub fn kafka(settings: KafkaSettings) -> (Self, KafkaDriver) {
        let (kafka, driver) = kafka::new(settings);
        (Self::over(kafka), driver)
    }

    /// What carries the events: `local`, `rabbitmq`, `kafka`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.0.name()
    }

    /// Sends an event to every member, ourselves included.
    ///
    /// Over a broker this returns when it has taken the event, within the `publish_timeout` of its settings, or twice that when
    /// a connection for publishing has to be made first, and at once when the bus is not connected. That does not
    /// say that anybody listens. In process it returns when every
    /// subscription has the event.
    ///
    /// # Errors
    /// [`PublishError`], never from a bus in process.
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        self.0.publish(message).await
    }

    /// All events from now on, our own included.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        self.0.subscribe()
    }

    /// What came and went since the start; in process nothing is counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.0.counters()
    }

    /// How the bus is doing at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.0.status()
    }
}
