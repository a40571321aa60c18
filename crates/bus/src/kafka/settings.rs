use std::{path::PathBuf, time::Duration};

use confbus_protocol::SpringLine;

use crate::{Address, Password, TlsSettings};

/// How to reach Kafka; the defaults are those of Spring's binder (`spring.cloud.stream.kafka.binder.*`, `spring.cloud.bus.*`),
/// of acks those of 5.0.2 and later; before, it asked the leader alone.
///
/// Made by `default()`, and completed by [`with`](Self::with).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct KafkaSettings {
    /// Brokers of one cluster, any of which names the others (`localhost:9092`).
    pub brokers: Vec<Address>,
    /// The topic, `spring.cloud.bus.destination` (`springCloudBus`).
    pub topic: String,
    /// Another topic to publish to (the same).
    pub output_topic: Option<String>,
    /// Whether a topic that is missing is created; without the permission to, it has to exist already (yes).
    pub auto_create_topics: bool,
    /// With how many partitions it is created (1, in which all events have one order).
    pub min_partition_count: u16,
    /// How many brokers keep it when it is created (none: as many as the broker's default says).
    pub replication_factor: Option<u16>,
    /// Who has to have an event before it counts as published (all).
    pub required_acks: Acks,
    /// Whether to speak TLS, and how (no). Without `trusted` the system's certificates vouch for the broker.
    pub tls: Option<TlsSettings>,
    /// How we prove who we are (not at all).
    pub sasl: Option<Sasl>,
    /// Whose order of keys events are written in (the newest line's).
    pub json: SpringLine,
    /// Bounds one try: finding a broker, the topic, and the consumer group (60 s).
    pub connection_timeout: Duration,
    /// How long a publish waits until the broker has the event (5 s).
    pub publish_timeout: Duration,
    /// What brokers call us in their logs and metrics (`confbus`).
    pub client_id: String,
}

/// Who has to have an event before it counts as published.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Acks {
    /// All brokers that keep up with the partition's leader.
    #[default]
    All,
    /// The partition's leader.
    Leader,
}

/// How we prove who we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sasl {
    /// By which mechanism.
    pub mechanism: Mechanism,
    /// Who we are.
    pub username: String,
    /// With what we prove it.
    pub password: Password,
    /// A file that holds the user name instead, read for every connection.
    pub username_file: Option<PathBuf>,
    /// A file that holds the password instead, read for every connection.
    pub password_file: Option<PathBuf>,
}

/// A mechanism of SASL that is built in. Kerberos and OAuth are not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// The password as it is, which only TLS hides.
    Plain,
    /// A proof that shows no password.
    ScramSha256,
    /// The same with the longer digest.
    ScramSha512,
}

impl Default for KafkaSettings {
    fn default() -> Self {
        Self {
            brokers: vec![Address {
                host: "localhost".into(),
                port: Self::PORT,
            }],
            topic: "springCloudBus".into(),
            output_topic: None,
            auto_create_topics: true,
            min_partition_count: 1,
            replication_factor: None,
            required_acks: Acks::default(),
            tls: None,
            sasl: None,
            json: SpringLine::default(),
            connection_timeout: Duration::from_secs(60),
            publish_timeout: Duration::from_secs(5),
            client_id: "confbus".into(),
        }
    }
}

impl KafkaSettings {
    /// Where a broker listens that names no port.
    pub const PORT: u16 = 9092;

    /// Where a broker is: `host`, `host:port`, `[::1]:port`, maybe behind the name of a listener. None for anything else.
    ///
    /// ```
    /// use confbus_bus::KafkaSettings;
    /// let shown = |text| KafkaSettings::address(text).map(|address| address.to_string());
    /// assert_eq!(shown("broker").as_deref(), Some("broker:9092"));
    /// assert_eq!(shown("SASL_SSL://[::1]:9093").as_deref(), Some("[::1]:9093"));
    /// assert_eq!(shown("ana:s3cret@broker:9092"), None);
    /// ```
    #[must_use]
    pub fn address(text: &str) -> Option<Address> {
        Self::address_at(text, Self::PORT)
    }

    /// The same with another port for those that name none.
    #[must_use]
    pub fn address_at(text: &str, default: u16) -> Option<Address> {
        let text = text.split_once("://").map_or(text, |(_, address)| address);
        let (host, port) = match text.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
        };
        let port = match port.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None if port.is_empty() => default,
            None => return None,
        };
        let is_host = !host.is_empty() && !host.contains(['/', '@', ' ', ',']);
        is_host.then(|| Address {
            host: host.to_owned(),
            port,
        })
    }

    /// Changes some of the settings.
    ///
    /// ```
    /// use confbus_bus::KafkaSettings;
    /// let settings = KafkaSettings::default().with(|kafka| kafka.topic = "teamBus".to_owned());
    /// assert_eq!((settings.topic.as_str(), settings.auto_create_topics), ("teamBus", true));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn publish_topic(&self) -> &str {
        self.output_topic.as_deref().unwrap_or(&self.topic)
    }

    /// All brokers, by comma.
    pub(super) fn addresses(&self) -> String {
        let addresses: Vec<_> = self.brokers.iter().map(Address::to_string).collect();
        addresses.join(",")
    }
}

impl Mechanism {
    /// The one that Kafka calls by this name.
    ///
    /// ```
    /// use confbus_bus::Mechanism;
    /// assert_eq!(Mechanism::named("SCRAM-SHA-512"), Some(Mechanism::ScramSha512));
    /// assert_eq!(Mechanism::named("GSSAPI"), None);
    /// ```
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::Plain, Self::ScramSha256, Self::ScramSha512]
            .into_iter()
            .find(|mechanism| mechanism.name() == name)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
        }
    }
}
