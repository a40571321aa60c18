use std::time::Duration;

#[cfg(feature = "kafka")]
use confbus_bus::KafkaSettings;
#[cfg(feature = "amqp")]
use confbus_bus::RabbitSettings;

/// How the client hears that it should look again. Whichever it is, the poll goes on beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Transport {
    /// A stream of events from a confbus server. With a server that has none, the poll remains.
    Stream,
    /// Spring Cloud Bus over RabbitMQ; with the feature `amqp`. Unless it is said how the queue is bound,
    /// [`Routing::PerApplication`](crate::Routing::PerApplication) has it hear only what may be meant for this instance.
    #[cfg(feature = "amqp")]
    Amqp(Box<RabbitSettings>),
    /// Spring Cloud Bus over Kafka; with the feature `kafka`.
    #[cfg(feature = "kafka")]
    Kafka(Box<KafkaSettings>),
    /// Only the poll.
    Poll,
}

/// When the next server of the list is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FailOver {
    /// After any failure, a 404 too. Spring's default.
    Always,
    /// Only when no connection was made or no answer came in time; what a server says is final.
    ConnectionFailure,
}

/// What a client starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// What a server says. When there is a last good file and no server answers within this time, or as often as
    /// [`Retry`] says, the file; at once when every server refuses the connection. The default, with 10 s.
    Fresh {
        /// How long servers are asked before the file is taken.
        within: Duration,
    },
    /// What a server says, or not at all. Spring's `fail-fast`.
    FreshOrFail,
    /// The last good file, at once, when there is one; a server is asked in the background.
    LastGood,
}

impl Default for Start {
    fn default() -> Self {
        Self::Fresh {
            within: Duration::from_secs(10),
        }
    }
}

impl Transport {
    /// As a report and `CONFBUS_TRANSPORT` name it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Stream => "stream",
            #[cfg(feature = "amqp")]
            Self::Amqp(_) => "amqp",
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => "kafka",
            Self::Poll => "poll",
        }
    }
}

/// How often the first fetch is tried, and how long to wait in between.
///
/// ```
/// use std::time::Duration;
/// use confbus_client::Retry;
///
/// let mut retry = Retry::attempts(3);
/// retry.initial_interval = Duration::from_millis(100);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Retry {
    /// Rounds over all servers (6).
    pub max_attempts: u32,
    /// The first pause, shortened at random by up to a half like all of them (1 s).
    pub initial_interval: Duration,
    /// How much longer each pause is than the one before (1.1).
    pub multiplier: f64,
    /// The longest pause (2 s).
    pub max_interval: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            max_attempts: 6,
            initial_interval: Duration::from_secs(1),
            multiplier: 1.1,
            max_interval: Duration::from_secs(2),
        }
    }
}

impl Retry {
    /// So many rounds over all servers, and the default pauses.
    #[must_use]
    pub fn attempts(max_attempts: u32) -> Self {
        Self {
            max_attempts,
            ..Self::default()
        }
    }

    /// The pause after the given number of failures, before chance shortens it.
    pub(crate) fn pause(&self, failures: u32) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial_interval.as_secs_f64() * self.multiplier.powi(exponent);
        Duration::try_from_secs_f64(seconds)
            .unwrap_or(self.max_interval)
            .min(self.max_interval)
    }
}
