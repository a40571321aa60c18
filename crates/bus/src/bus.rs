use std::time::Duration;

use confbus_protocol::BusEvent;

#[cfg(feature = "rabbit")]
use crate::rabbit::{self, Rabbit, RabbitDriver, RabbitSettings};
use crate::{Counters, local::Local, subscription::Subscription};

/// A handle on the bus; clones share it.
#[derive(Debug, Clone)]
pub struct Bus(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Local(Local),
    #[cfg(feature = "rabbit")]
    Rabbit(Rabbit),
}

/// An event and what travels beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What was said.
    pub event: BusEvent,
    /// The commit the sender speaks of. It travels as AMQP header `confbus-commit`, because some receivers drop an
    /// event with one JSON key more than they know.
    pub commit: Option<String>,
    /// The labels that name the commit now, and [`NO_LABEL`](confbus_protocol::NO_LABEL) where requests without one are answered
    /// from it: of others it says nothing. They travel as AMQP header `confbus-labels`, by blanks.
    pub labels: Vec<String>,
    /// How often the label that moved to the commit has moved at the sender, whose own this number is. It travels as AMQP
    /// header `confbus-generation`.
    pub generation: Option<u64>,
    /// The time within which those who act on it spread their questions, so that a large fleet does not ask all at once;
    /// zero for all at once. It travels as AMQP header `confbus-window`, in milliseconds, and is left out when it is zero.
    pub window: Duration,
    /// In which trace it is sent, as the W3C writes it. It travels as AMQP header `traceparent`, which tracing receivers go on
    /// with and all others ignore.
    pub traceparent: Option<String>,
}

/// How the bus is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// In process: nothing can break.
    Local,
    /// Events come; and they go, too, if [`RabbitSettings::publisher`] starts at once. Otherwise whether they do shows with
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

/// An event was not published, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PublishError {
    /// There is no connection at the moment; nothing was sent.
    #[error("the bus is not connected to the broker")]
    NotConnected,
    /// The connection for publishing could not be made, often in the broker's words; nothing was sent.
    #[error("the bus cannot publish: {0}")]
    NoPublisher(String),
    /// The broker takes no messages until its memory or disk alarm is over (`connection.blocked`); the event that met
    /// the alarm first is sent then.
    #[error("the broker is short of memory or disk and takes no messages")]
    Blocked,
    /// No confirm came in time: the event may have been sent.
    #[error("the broker did not confirm the event in time")]
    Timeout,
    /// The connection ended before the confirm: the event may have been sent.
    #[error("the broker ended the connection before it confirmed the event: {0}")]
    Lost(String),
    /// The broker could not take the event (`basic.nack`).
    #[error("the broker did not take the event")]
    Nack,
    /// The broker forbids it, which another try does not change.
    #[error("the broker refused the event: {0}")]
    Refused(String),
}

impl Message {
    /// An event that speaks of no commit and that all act on at once.
    #[must_use]
    pub fn of(event: BusEvent) -> Self {
        Self {
            event,
            commit: None,
            labels: Vec::new(),
            generation: None,
            window: Duration::ZERO,
            traceparent: None,
        }
    }
}

impl PublishError {
    /// Whether the same call may succeed later. An event that arrives twice does no harm.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotConnected
            | Self::NoPublisher(_)
            | Self::Blocked
            | Self::Timeout
            | Self::Lost(_)
            | Self::Nack => true,
            Self::Refused(_) => false,
        }
    }
}

impl Bus {
    /// A bus within this process.
    #[must_use]
    pub fn local() -> Self {
        Self(Kind::Local(Local::new()))
    }

    /// A bus over RabbitMQ. Nothing happens until the driver runs.
    #[cfg(feature = "rabbit")]
    pub fn rabbit(settings: RabbitSettings) -> (Self, RabbitDriver) {
        let (rabbit, driver) = rabbit::new(settings);
        (Self(Kind::Rabbit(rabbit)), driver)
    }

    /// Sends an event to every member, ourselves included.
    ///
    /// Over RabbitMQ this returns with the broker's confirm, within `RabbitSettings::publish_timeout`, or twice that when
    /// a connection for publishing has to be made first, and at once when the bus is not connected. A confirm does not
    /// say that anybody listens. In process it returns when every
    /// subscription has the event.
    ///
    /// # Errors
    /// [`PublishError`], never from a bus in process.
    #[cfg_attr(
        not(feature = "rabbit"),
        expect(clippy::unused_async, reason = "only a broker makes it wait")
    )]
    pub async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        match &self.0 {
            Kind::Local(local) => {
                local.publish(message.clone());
                Ok(())
            }
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => rabbit.publish(message).await,
        }
    }

    /// All events from now on, our own included.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        match &self.0 {
            Kind::Local(local) => local.subscribe(),
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => rabbit.subscribe(),
        }
    }

    /// What came and went since the start; in process nothing is counted.
    #[must_use]
    pub fn counters(&self) -> Counters {
        match &self.0 {
            Kind::Local(_) => Counters::default(),
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => rabbit.counters(),
        }
    }

    /// How the bus is doing at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        match &self.0 {
            Kind::Local(_) => Status::Local,
            #[cfg(feature = "rabbit")]
            Kind::Rabbit(rabbit) => rabbit.status(),
        }
    }
}
