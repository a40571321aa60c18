use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use confbus_protocol::Reactions;
use secrecy::SecretString;

use crate::{Balance, Discovery, LastGoodFile};

mod checked;
mod choices;
mod server;
mod variables;

pub(crate) use checked::{Coordinates, Requests};
pub use choices::{FailOver, Retry, Start, Transport};
pub(crate) use server::Server;

/// Whose configuration to ask for, where, and how. All durations are above zero and at most a day.
///
/// ```
/// use std::time::Duration;
/// use confbus_client::Settings;
///
/// let settings = Settings::new("orders")
///     .profiles("dev")
///     .server("http://config-1:8888,http://config-2:8888")
///     .credentials("orders", "s3cret")
///     .last_good_dir("/var/lib/orders")
///     .poll_every(Duration::from_secs(60));
/// assert!(!format!("{settings:?}").contains("s3cret"));
/// ```
#[derive(Clone)]
pub struct Settings {
    application: String,
    config_name: Option<String>,
    profiles: Option<String>,
    config_profiles: Option<String>,
    label: Option<String>,
    /// Their addresses may hold credentials.
    servers: Vec<SecretString>,
    /// The name of a service, and who knows who offers it.
    discovery: Option<(String, Arc<dyn Discovery>)>,
    balance: Option<Balance>,
    username: Option<String>,
    password: Option<SecretString>,
    token: Option<SecretString>,
    headers: Vec<(String, SecretString)>,
    fail_over: FailOver,
    pub(crate) start: Start,
    pub(crate) retry: Retry,
    connect_timeout: Duration,
    request_timeout: Duration,
    max_response_bytes: usize,
    pub(crate) poll: Option<Duration>,
    pub(crate) transport: Transport,
    bus_id: Option<String>,
    index: String,
    pub(crate) reactions: Reactions,
    pub(crate) last_good: Option<LastGoodFile>,
    pub(crate) report: bool,
    pub(crate) longest_window: Duration,
}

/// What is wrong with the settings: every problem, each with the name of its setting, never with a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid settings: {}", problems.join("; "))]
pub struct InvalidSettings {
    problems: Vec<String>,
}

impl Settings {
    /// Settings for an application at `http://localhost:8888`, with Spring's defaults.
    #[must_use]
    pub fn new(application: impl Into<String>) -> Self {
        Self {
            application: application.into(),
            config_name: None,
            profiles: None,
            config_profiles: None,
            label: None,
            servers: Vec::new(),
            discovery: None,
            balance: None,
            username: None,
            password: None,
            token: None,
            headers: Vec::new(),
            fail_over: FailOver::Always,
            start: Start::default(),
            retry: Retry::default(),
            // Spring's 10 s and 185 s would hold up a start for minutes before the next server is asked.
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(30),
            max_response_bytes: 16 << 20,
            poll: Some(Duration::from_secs(30)),
            transport: Transport::Stream,
            bus_id: None,
            index: "8080".to_owned(),
            reactions: Reactions::default(),
            last_good: None,
            report: true,
            longest_window: Duration::from_secs(1),
        }
    }

    /// Reads the variables of this process; see [`from_variables`](Self::from_variables).
    ///
    /// # Errors
    /// [`InvalidSettings`] with every problem.
    pub fn from_env() -> Result<Self, InvalidSettings> {
        // `vars` would panic on a variable that is not Unicode and not for us.
        let variables = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Self::from_variables(variables)
    }

    /// Reads Spring's variables, and ours where Spring has none. Empty ones count as not set.
    ///
    /// `SPRING_APPLICATION_NAME`, `SPRING_APPLICATION_INDEX`, `SPRING_PROFILES_ACTIVE`, `SERVER_PORT`,
    /// `SPRING_CONFIG_IMPORT` (`configserver:` and its addresses);
    /// `SPRING_CLOUD_CONFIG_` with `URI`, `NAME`, `PROFILE`, `LABEL`, `USERNAME`, `PASSWORD`, `TOKEN`, `FAIL_FAST`,
    /// `MULTIPLE_URI_STRATEGY`, `REQUEST_CONNECT_TIMEOUT`, `REQUEST_READ_TIMEOUT`, `HEADERS_…`, `DISCOVERY_ENABLED`, `DISCOVERY_SERVICE_ID`,
    /// `RETRY_{INITIAL_INTERVAL,MULTIPLIER,MAX_INTERVAL,MAX_ATTEMPTS}`;
    /// `SPRING_CLOUD_BUS_` with `ENABLED`, `ID`, `DESTINATION`, `ACK_ENABLED`, `ENV_ENABLED`;
    /// `SPRING_RABBITMQ_` with `HOST`, `PORT`, `ADDRESSES`, `USERNAME`, `PASSWORD`, `VIRTUAL_HOST`, `SSL_ENABLED`;
    /// `EUREKA_CLIENT_SERVICEURL_DEFAULTZONE` (with the feature `eureka`); `SPRING_CLOUD_CONSUL_` with `HOST`, `PORT`, `SCHEME`,
    /// `PATH`, `TOKEN` (`consul`); `SPRING_CLOUD_ZOOKEEPER_` with `CONNECT_STRING`, `DISCOVERY_ROOT` (`zookeeper`);
    /// `EUREKA_CLIENT_ENABLED`, `SPRING_CLOUD_CONSUL_ENABLED`, `SPRING_CLOUD_ZOOKEEPER_ENABLED`; `CONFBUS_BALANCE` (`in-order`, `spread`, `round-robin`,
    /// `random` or `least-outstanding`; see [`Balance`]),
    /// `SPRING_KAFKA_` with `BOOTSTRAP_SERVERS`, `SECURITY_PROTOCOL`, `SSL_TRUST_STORE_LOCATION`, `SSL_TRUST_STORE_PASSWORD`,
    /// `SSL_KEY_STORE_LOCATION`, `SSL_KEY_STORE_PASSWORD`, `PROPERTIES_SASL_MECHANISM` and `PROPERTIES_SASL_JAAS_CONFIG`;
    /// `SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS`;
    /// `CONFBUS_TRANSPORT` (`stream`, `amqp`, `kafka` or `poll`), `CONFBUS_POLL_INTERVAL` (`30s`, or `off`), `CONFBUS_REPORT` (`off`),
    /// `CONFBUS_LONGEST_WINDOW` (`1s`, or `off`), `CONFBUS_BUS_ROUTING` (`application`; see [`Transport::Amqp`]),
    /// `CONFBUS_LAST_GOOD_DIR`, `CONFBUS_LAST_GOOD_KEY_FILE` (see [`LastGoodKey::from_file`](crate::LastGoodKey::from_file)),
    /// `CONFBUS_LAST_GOOD_SECRETS` (`leave-out` or `keep`).
    ///
    /// Without `CONFBUS_TRANSPORT` a RabbitMQ host or address means `amqp`, with the feature `kafka` brokers of Kafka mean `kafka`,
    /// otherwise `stream`; `amqp` needs the feature of that name. Acks and environment
    /// changes are off unless asked for, unlike Spring's. As in Spring, underscores do not matter (`FAILFAST`).
    ///
    /// # Errors
    /// [`InvalidSettings`] with every problem.
    pub fn from_variables(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, InvalidSettings> {
        variables::settings(variables)
    }

    /// The profiles that are active, as a comma list. They are part of the bus id, too.
    #[must_use]
    pub fn profiles(mut self, profiles: impl Into<String>) -> Self {
        self.profiles = Some(profiles.into());
        self
    }

    /// Asks for another application than ours, or for several (`orders,billing`). Events for them reach us, too.
    #[must_use]
    pub fn config_name(mut self, names: impl Into<String>) -> Self {
        self.config_name = Some(names.into());
        self
    }

    /// A branch, a tag or a commit; of a comma list, the first that the server knows.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Adds a server, or several separated by commas: `http://user:password@host:8888/path`. They are asked in order.
    #[must_use]
    pub fn server(mut self, address: impl Into<String>) -> Self {
        self.servers.push(address.into().into());
        self
    }

    /// Looks the servers up in a registry, by the name of a service that they offer there; Spring's is `configserver`. Servers
    /// that are named besides are not asked.
    ///
    /// Credentials of these settings are sent to whoever is registered under that name and says none of its own.
    #[must_use]
    pub fn discovery(mut self, service: impl Into<String>, registry: impl Discovery) -> Self {
        self.discovery = Some((service.into(), Arc::new(registry)));
        self
    }

    /// Which server a request begins with ([`Balance::InOrder`]; [`Balance::Spread`] with a registry).
    #[must_use]
    pub fn balance(mut self, balance: Balance) -> Self {
        self.balance = Some(balance);
        self
    }

    /// User and password for every server, instead of those in the addresses.
    #[must_use]
    pub fn credentials(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self.password = Some(password.into().into());
        self
    }

    /// Sent as `X-Config-Token`.
    #[must_use]
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into().into());
        self
    }

    /// A further header of every request, such as `Authorization` with a bearer token.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into().into()));
        self
    }

    /// When the next server of the list is asked ([`FailOver::Always`]).
    #[must_use]
    pub fn fail_over(mut self, fail_over: FailOver) -> Self {
        self.fail_over = fail_over;
        self
    }

    /// What to start with ([`Start::Fresh`] within 10 s).
    #[must_use]
    pub fn start(mut self, start: Start) -> Self {
        self.start = start;
        self
    }

    /// How the first fetch is tried again. [`Start::Fresh`] may end the tries before.
    #[must_use]
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// How long a connection may take (2 s; Spring's is 10 s).
    #[must_use]
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a request may take until its last byte (30 s; Spring's is 185 s).
    #[must_use]
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// The largest answer that is read (16 MiB).
    #[must_use]
    pub fn max_response_bytes(mut self, bytes: usize) -> Self {
        self.max_response_bytes = bytes;
        self
    }

    /// How often to look again without being told, give or take a fifth (30 s). It bounds what a lost event costs.
    #[must_use]
    pub fn poll_every(mut self, period: Duration) -> Self {
        self.poll = Some(period);
        self
    }

    /// Looks again only when told to, and after a failure.
    #[must_use]
    pub fn without_poll(mut self) -> Self {
        self.poll = None;
        self
    }

    /// How to hear of changes ([`Transport::Stream`]).
    #[must_use]
    pub fn transport(mut self, transport: Transport) -> Self {
        self.transport = transport;
        self
    }

    /// The bus id, instead of `<application>[:<profiles>]:<index>:<random>`.
    #[must_use]
    pub fn bus_id(mut self, id: impl Into<String>) -> Self {
        self.bus_id = Some(id.into());
        self
    }

    /// What tells instances on one host apart in the bus id: usually the port (8080).
    #[must_use]
    pub fn index(mut self, index: impl Into<String>) -> Self {
        self.index = index.into();
        self
    }

    /// Answers events with an ack once the refresh was applied. Only a broker (`Transport::Amqp`, `Transport::Kafka`) can carry it; every ack goes to
    /// every instance, which is why it is off.
    #[must_use]
    pub fn acknowledge_events(mut self) -> Self {
        self.reactions.ack = true;
        self
    }

    /// Lets events of the bus set values (`/actuator/busenv`) above those of the server, until the process ends. Off:
    /// whoever may publish could change any key.
    #[must_use]
    pub fn accept_environment_changes(mut self) -> Self {
        self.reactions.environment_change = true;
        self
    }

    /// Whether the server is told who runs which version, and what was refused and why (`true`).
    ///
    /// Then each request names this instance by its bus id and the version it runs, and after each version that was
    /// accepted or refused a report is posted, with keys, places and reasons, and no value whose key
    /// looks secret. A server without a ledger,
    /// such as Spring's, is asked again after an hour.
    #[must_use]
    pub fn report(mut self, report: bool) -> Self {
        self.report = report;
        self
    }

    /// The longest window within which this instance spreads its question after an event, whatever the server says (1 s).
    ///
    /// The server names one when an event is for many instances, so that they do not ask all at once; each waits for its own
    /// part of it. Zero asks at once, always.
    #[must_use]
    pub fn longest_window(mut self, window: Duration) -> Self {
        self.longest_window = window;
        self
    }

    /// Keeps the newest accepted configuration on disk, for starts without a server.
    #[must_use]
    pub fn last_good(mut self, file: LastGoodFile) -> Self {
        self.last_good = Some(file);
        self
    }

    /// Keeps the last good file in this directory, and whatever else was said of it: without secrets, if nothing was.
    #[must_use]
    pub fn last_good_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        self.last_good = Some(match self.last_good.take() {
            Some(file) => file.within(directory),
            None => LastGoodFile::new(directory),
        });
        self
    }
}

impl InvalidSettings {
    #[cfg(any(feature = "consul", feature = "eureka", feature = "zookeeper"))]
    pub(crate) fn of(problem: String) -> Self {
        Self {
            problems: vec![problem],
        }
    }

    /// Every problem, one line each.
    #[must_use]
    pub fn problems(&self) -> &[String] {
        &self.problems
    }
}

/// Shows no password, token, header or address with credentials.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers: Vec<String> = self
            .servers(&mut Vec::new())
            .iter()
            .map(ToString::to_string)
            .collect();
        f.debug_struct("Settings")
            .field("application", &self.application)
            .field("config_name", &self.config_name)
            .field("profiles", &self.profiles)
            .field("label", &self.label)
            .field("servers", &servers)
            .field(
                "discovery",
                &self
                    .discovery
                    .as_ref()
                    .map(|(service, registry)| (service, registry.name())),
            )
            .field("start", &self.start)
            .field("poll", &self.poll)
            .field("transport", &self.transport)
            .field("bus_id", &self.bus_id)
            .field("reactions", &self.reactions)
            .field("last_good", &self.last_good)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
