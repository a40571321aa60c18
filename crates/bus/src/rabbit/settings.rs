use std::{path::PathBuf, time::Duration};

use confbus_protocol::SpringLine;
use percent_encoding::percent_decode_str;
use url::{Host, Url};

use super::{connections::Connections, routing::Routing};
use crate::{Address, Password, TlsSettings};

const PORT: u16 = 5672;
const TLS_PORT: u16 = 5671;

/// How to reach RabbitMQ; the defaults are Spring's (`spring.rabbitmq.*`, `spring.cloud.bus.*`).
///
/// Made by [`from_url`](Self::from_url) or `default()`, and completed by [`with`](Self::with).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RabbitSettings {
    /// Brokers of one cluster, tried in turn (`localhost:5672`).
    pub addresses: Vec<Address>,
    /// Who we are (`guest`).
    pub username: String,
    /// With what we prove it (`guest`).
    pub password: Password,
    /// A file that holds the user name instead, read for every connection (none).
    pub username_file: Option<PathBuf>,
    /// A file that holds the password instead, read for every connection (none).
    pub password_file: Option<PathBuf>,
    /// The virtual host (`/`).
    pub virtual_host: String,
    /// Whether to speak TLS (no).
    pub ssl: bool,
    /// How TLS is spoken (certificate and host name are verified against the system's roots).
    pub tls: TlsSettings,
    /// The exchange, `spring.cloud.bus.destination` (`springCloudBus`).
    pub exchange: String,
    /// Another exchange to publish to (the same).
    pub output_exchange: Option<String>,
    /// The routing key of what is published (the name of the exchange, as Spring's).
    pub routing_key: Option<String>,
    /// Whether events for one application travel under a key of their own (no, as Spring's).
    pub routing: Routing,
    /// Whether to declare the exchange; without the permission to, it has to exist already (yes).
    pub declare_exchange: bool,
    /// What stands between the exchange and the random part in the name of our queue (`anonymous.`).
    pub anonymous_group_prefix: String,
    /// A durable queue `<exchange>.<group>` that outlives us and is shared by all of the group, so that each event reaches
    /// one of them and waits for those who are away (none: a queue of our own that is gone with us).
    pub group: Option<String>,
    /// Leave the exchange out of the queue's name (no).
    pub queue_name_group_only: bool,
    /// With which keys the queue is bound to the exchange; none leaves that to others (`#`).
    pub binding_keys: Vec<String>,
    /// When the connection for publishing is made (with the first event).
    pub publisher: PublisherStart,
    /// Whose order of keys events are written in (the newest line's).
    pub json: SpringLine,
    /// Bounds one try at one address: TCP, TLS, login and declarations (60 s).
    pub connection_timeout: Duration,
    /// A broker that was silent for twice this time is given up. Whole seconds; the broker may want less; zero leaves
    /// it to the broker (60 s).
    pub requested_heartbeat: Duration,
    /// How long a publish waits for the broker's confirm (5 s; Spring waits for none).
    pub publish_timeout: Duration,
    /// Whose connections are used (their own).
    pub connections: Connections,
    /// What the broker shows as the name of our connections (`confbus`).
    pub connection_name: String,
}

/// When the connection for publishing is made. It is apart from the one that events are heard on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PublisherStart {
    /// With the first event, as Spring does it: whoever only listens has one connection.
    #[default]
    WithFirstEvent,
    /// Together with the other: who is connected can publish.
    AtOnce,
}

/// The text is no address of a broker. Never shows the text, which may hold a password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a broker's address: {0}")]
pub struct InvalidAddress(&'static str);

impl Default for RabbitSettings {
    fn default() -> Self {
        Self {
            addresses: vec![Address {
                host: "localhost".into(),
                port: PORT,
            }],
            username: "guest".into(),
            password: "guest".into(),
            username_file: None,
            password_file: None,
            virtual_host: "/".into(),
            ssl: false,
            tls: TlsSettings::default(),
            exchange: "springCloudBus".into(),
            output_exchange: None,
            routing_key: None,
            routing: Routing::default(),
            declare_exchange: true,
            anonymous_group_prefix: "anonymous.".into(),
            group: None,
            queue_name_group_only: false,
            binding_keys: vec!["#".into()],
            publisher: PublisherStart::default(),
            json: SpringLine::default(),
            connection_timeout: Duration::from_secs(60),
            requested_heartbeat: Duration::from_secs(60),
            publish_timeout: Duration::from_secs(5),
            connections: Connections::default(),
            connection_name: "confbus".into(),
        }
    }
}

impl RabbitSettings {
    /// Takes address, credentials and virtual host from `amqp[s]://user:password@host:port/vhost`; what the URL leaves
    /// out, and everything else, is the default. Of the query `heartbeat` (s) and `connection_timeout` (ms) are read.
    ///
    /// ```
    /// use confbus_bus::RabbitSettings;
    /// let settings = RabbitSettings::from_url("amqps://orders:s3cret@broker.example/%2fteam")?;
    /// assert_eq!((settings.addresses[0].port, settings.virtual_host.as_str()), (5671, "/team"));
    /// # Ok::<_, confbus_bus::InvalidAddress>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidAddress`] when the text is no such URL.
    pub fn from_url(url: &str) -> Result<Self, InvalidAddress> {
        let url = Url::parse(url).map_err(|_quotes_nothing| InvalidAddress("it is not a URL"))?;
        let ssl = match url.scheme() {
            "amqp" => false,
            "amqps" => true,
            _ => {
                return Err(InvalidAddress(
                    "it starts with neither `amqp://` nor `amqps://`",
                ));
            }
        };
        let port = url.port().unwrap_or(if ssl { TLS_PORT } else { PORT });
        let mut settings = Self {
            addresses: vec![Address {
                host: host(&url)?,
                port,
            }],
            ssl,
            ..Self::default()
        };
        settings.take_credentials(&url)?;
        settings.take_query(&url)?;
        Ok(settings)
    }

    /// Changes some of the settings.
    ///
    /// ```
    /// use confbus_bus::RabbitSettings;
    /// let settings = RabbitSettings::default().with(|rabbit| rabbit.exchange = "teamBus".to_owned());
    /// assert_eq!((settings.exchange.as_str(), settings.username.as_str()), ("teamBus", "guest"));
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(super) fn publish_exchange(&self) -> &str {
        self.output_exchange.as_deref().unwrap_or(&self.exchange)
    }

    /// What all routing keys begin with.
    ///
    /// ```
    /// use confbus_bus::RabbitSettings;
    ///
    /// let mut settings = RabbitSettings::default();
    /// assert_eq!(settings.key_base(), "springCloudBus");
    /// settings.output_exchange = Some("elsewhere".to_owned());
    /// assert_eq!(settings.key_base(), "elsewhere");
    /// settings.routing_key = Some("config".to_owned());
    /// assert_eq!(settings.key_base(), "config");
    /// ```
    #[must_use]
    pub fn key_base(&self) -> &str {
        self.routing_key
            .as_deref()
            .unwrap_or_else(|| self.publish_exchange())
    }

    /// Whether a connection that was made by these settings is as good as one made by the others.
    pub(super) fn logs_in_as(&self, other: &Self) -> bool {
        self.username == other.username
            && self.password == other.password
            && self.username_file == other.username_file
            && self.password_file == other.password_file
            && self.virtual_host == other.virtual_host
            && self.ssl == other.ssl
            && self.tls == other.tls
            && self.requested_heartbeat == other.requested_heartbeat
    }

    fn take_credentials(&mut self, url: &Url) -> Result<(), InvalidAddress> {
        if !url.username().is_empty() {
            self.username = decode(url.username())?;
        }
        if let Some(password) = url.password() {
            self.password = decode(password)?.into();
        }
        if let Some(path) = url.path().strip_prefix('/').filter(|path| !path.is_empty()) {
            self.virtual_host = decode(path)?;
        }
        Ok(())
    }

    fn take_query(&mut self, url: &Url) -> Result<(), InvalidAddress> {
        for (key, value) in url.query_pairs() {
            let number = || {
                value.parse().map_err(|_quotes_nothing| {
                    InvalidAddress("a value in its query is not a number")
                })
            };
            match key.as_ref() {
                "heartbeat" => self.requested_heartbeat = Duration::from_secs(number()?),
                "connection_timeout" => self.connection_timeout = Duration::from_millis(number()?),
                _ => {
                    return Err(InvalidAddress(
                        "its query may only hold `heartbeat` and `connection_timeout`",
                    ));
                }
            }
        }
        Ok(())
    }
}

fn host(url: &Url) -> Result<String, InvalidAddress> {
    match url.host() {
        Some(Host::Domain(name)) if !name.is_empty() => decode(name),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
        Some(Host::Domain(_)) | None => Err(InvalidAddress("it names no host")),
    }
}

fn decode(text: &str) -> Result<String, InvalidAddress> {
    let decoded = percent_decode_str(text).decode_utf8();
    Ok(decoded
        .map_err(|_quotes_nothing| InvalidAddress("a percent-encoded part is not UTF-8"))?
        .into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_leaves_out_is_the_default() {
        assert_eq!(
            RabbitSettings::from_url("amqp://localhost").unwrap(),
            RabbitSettings::default()
        );
        assert_eq!(
            RabbitSettings::from_url("amqp://localhost/")
                .unwrap()
                .virtual_host,
            "/"
        );
    }

    #[test]
    fn a_url_is_decoded() {
        let settings = RabbitSettings::from_url(
            "amqps://or%40ders:p%2Fw@[::1]:5680/%2fteam?heartbeat=7&connection_timeout=1500",
        )
        .unwrap();
        assert_eq!(
            settings.addresses,
            [Address {
                host: "::1".into(),
                port: 5680
            }]
        );
        assert_eq!(settings.addresses[0].to_string(), "[::1]:5680");
        assert_eq!(
            (settings.username.as_str(), settings.password.reveal()),
            ("or@ders", "p/w")
        );
        assert_eq!(
            (settings.virtual_host.as_str(), settings.ssl),
            ("/team", true)
        );
        assert_eq!(settings.requested_heartbeat, Duration::from_secs(7));
        assert_eq!(settings.connection_timeout, Duration::from_millis(1500));
    }

    #[test]
    fn nothing_shows_the_password() {
        let shown = format!(
            "{:?}",
            RabbitSettings::from_url("amqp://orders:s3cret@broker").unwrap()
        );
        assert!(
            shown.contains("orders") && !shown.contains("s3cret"),
            "{shown}"
        );
        for wrong in [
            "http://orders:s3cret@broker",
            "orders:s3cret@broker",
            "amqp://orders:s3cret@broker:99999",
            "amqp://orders:s3cret@",
            "amqp://s3cret%ff@broker",
            "amqp://broker?s3cret=1",
            "amqp://broker?heartbeat=s3cret",
            "s3cret",
        ] {
            let error = RabbitSettings::from_url(wrong).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
