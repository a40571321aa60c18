use std::{collections::BTreeMap, fmt::Display, str::FromStr, time::Duration};

use secrecy::{ExposeSecret as _, SecretString};

use crate::{Balance, LastGoodFile, LastGoodKey, Secrets};

use super::{FailOver, InvalidSettings, Retry, Settings, Start, Transport};

#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "amqp")]
mod rabbit;
mod registry;

/// Settings from variables; every problem is told at once.
pub(super) fn settings(
    variables: impl Iterator<Item = (String, String)>,
) -> Result<Settings, InvalidSettings> {
    let mut read = Variables::new(variables);
    let mut settings = Settings::new(
        read.text("SPRING_APPLICATION_NAME")
            .unwrap_or_else(|| "application".to_owned()),
    );
    coordinates(&mut settings, &mut read);
    servers(&mut settings, &mut read);
    discovery(&mut settings, &mut read);
    requests(&mut settings, &mut read);
    bus(&mut settings, &mut read);
    let file = read.text("CONFBUS_LAST_GOOD_DIR").map(LastGoodFile::new);
    settings.last_good = file.map(|file| file.secrets(secrets(&mut read)));

    let mut problems = read.problems;
    problems.extend(
        settings
            .checked()
            .err()
            .into_iter()
            .flat_map(|error| error.problems),
    );
    if problems.is_empty() {
        Ok(settings)
    } else {
        Err(InvalidSettings { problems })
    }
}

fn coordinates(settings: &mut Settings, read: &mut Variables) {
    settings.config_name = read.text("SPRING_CLOUD_CONFIG_NAME");
    settings.profiles = read.text("SPRING_PROFILES_ACTIVE");
    settings.config_profiles = read.text("SPRING_CLOUD_CONFIG_PROFILE");
    settings.label = read.text("SPRING_CLOUD_CONFIG_LABEL");
    if let Some(index) = read
        .text("SPRING_APPLICATION_INDEX")
        .or_else(|| read.text("SERVER_PORT"))
    {
        settings.index = index;
    }
}

fn servers(settings: &mut Settings, read: &mut Variables) {
    let imported = read
        .text("SPRING_CONFIG_IMPORT")
        .map(|import| imported(&import))
        .unwrap_or_default();
    let configured = read.text("SPRING_CLOUD_CONFIG_URI");
    settings.servers = if imported.is_empty() {
        configured.into_iter().map(Into::into).collect()
    } else {
        imported
    };
    settings.username = read.text("SPRING_CLOUD_CONFIG_USERNAME");
    settings.password = read.secret("SPRING_CLOUD_CONFIG_PASSWORD");
    settings.token = read.secret("SPRING_CLOUD_CONFIG_TOKEN");
    settings.headers = read.below("SPRING_CLOUD_CONFIG_HEADERS_");
    match read
        .text("SPRING_CLOUD_CONFIG_MULTIPLE_URI_STRATEGY")
        .map(|text| squeezed(&text))
        .as_deref()
    {
        None | Some("always") => {}
        Some("connectiontimeoutonly") => settings.fail_over = FailOver::ConnectionFailure,
        Some(_) => read.problem(
            "SPRING_CLOUD_CONFIG_MULTIPLE_URI_STRATEGY",
            "expected `always` or `connection-timeout-only`",
        ),
    }
}

/// A registry in place of addresses.
fn discovery(settings: &mut Settings, read: &mut Variables) {
    const BALANCE: &str = "CONFBUS_BALANCE";
    let balance = read.text(BALANCE);
    settings.balance = balance.as_deref().and_then(Balance::parse);
    if balance.is_some() && settings.balance.is_none() {
        read.problem(
            BALANCE,
            "expected `in-order`, `spread`, `round-robin`, `random` or `least-outstanding`",
        );
    }
    const ENABLED: &str = "SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED";
    if read.flag(ENABLED) != Some(true) {
        return;
    }
    let service = read.text("SPRING_CLOUD_CONFIG_DISCOVERY_SERVICE_ID");
    let service = service.unwrap_or_else(|| "configserver".to_owned());
    settings.discovery = registry::registry(read, ENABLED).map(|registry| (service, registry));
}

/// The servers of `optional:configserver:http://a:8888,http://b:8888?fail-fast=true`, other imports left out.
fn imported(import: &str) -> Vec<SecretString> {
    let servers = import
        .split_once("configserver:")
        .map_or("", |(_, servers)| servers);
    let is_server = |item: &&str| item.starts_with("http://") || item.starts_with("https://");
    servers
        .split([',', ';'])
        .map(str::trim)
        .filter(is_server)
        .map(SecretString::from)
        .collect()
}

fn requests(settings: &mut Settings, read: &mut Variables) {
    if read.flag("SPRING_CLOUD_CONFIG_FAIL_FAST") == Some(true) {
        settings.start = Start::FreshOrFail;
    }
    settings.report = read.flag("CONFBUS_REPORT").unwrap_or(settings.report);
    read.duration(
        "SPRING_CLOUD_CONFIG_REQUEST_CONNECT_TIMEOUT",
        &mut settings.connect_timeout,
    );
    read.duration(
        "SPRING_CLOUD_CONFIG_REQUEST_READ_TIMEOUT",
        &mut settings.request_timeout,
    );
    let Retry {
        max_attempts,
        initial_interval,
        multiplier,
        max_interval,
    } = &mut settings.retry;
    read.duration(
        "SPRING_CLOUD_CONFIG_RETRY_INITIAL_INTERVAL",
        initial_interval,
    );
    read.duration("SPRING_CLOUD_CONFIG_RETRY_MAX_INTERVAL", max_interval);
    *max_attempts = read
        .parsed("SPRING_CLOUD_CONFIG_RETRY_MAX_ATTEMPTS")
        .unwrap_or(*max_attempts);
    *multiplier = read
        .parsed("SPRING_CLOUD_CONFIG_RETRY_MULTIPLIER")
        .unwrap_or(*multiplier);
    if read.is_off("CONFBUS_LONGEST_WINDOW") {
        settings.longest_window = Duration::ZERO;
    } else {
        read.duration("CONFBUS_LONGEST_WINDOW", &mut settings.longest_window);
    }
    if read.is_off("CONFBUS_POLL_INTERVAL") {
        settings.poll = None;
    } else if let Some(poll) = &mut settings.poll {
        read.duration("CONFBUS_POLL_INTERVAL", poll);
    }
}

fn bus(settings: &mut Settings, read: &mut Variables) {
    settings.bus_id = read.text("SPRING_CLOUD_BUS_ID");
    settings.reactions.ack = read
        .flag("SPRING_CLOUD_BUS_ACK_ENABLED")
        .unwrap_or_default();
    settings.reactions.environment_change = read
        .flag("SPRING_CLOUD_BUS_ENV_ENABLED")
        .unwrap_or_default();
    let said = |names: [&'static str; 2]| names.into_iter().find(|name| read.text(name).is_some());
    let rabbit = said(["SPRING_RABBITMQ_HOST", "SPRING_RABBITMQ_ADDRESSES"]);
    // Whoever has not asked for Kafka here has it for something else.
    let brokers = said(KAFKA).filter(|_| cfg!(feature = "kafka"));
    settings.transport = match read
        .text("CONFBUS_TRANSPORT")
        .map(|text| squeezed(&text))
        .as_deref()
    {
        _ if read.flag("SPRING_CLOUD_BUS_ENABLED") == Some(false) => Transport::Poll,
        Some("stream") => Transport::Stream,
        Some("poll") => Transport::Poll,
        Some("amqp") => amqp(read, "CONFBUS_TRANSPORT"),
        Some("kafka") => kafka(read, "CONFBUS_TRANSPORT"),
        None => match (rabbit, brokers) {
            (Some(name), None) => amqp(read, name),
            (None, Some(name)) => kafka(read, name),
            (Some(name), Some(other)) => {
                let expected = format!(
                    "means RabbitMQ and {other} means Kafka: set CONFBUS_TRANSPORT=amqp or =kafka"
                );
                read.problem(name, expected);
                Transport::Stream
            }
            (None, None) => Transport::Stream,
        },
        Some(_) => {
            read.problem(
                "CONFBUS_TRANSPORT",
                "expected `stream`, `amqp`, `kafka` or `poll`",
            );
            Transport::Stream
        }
    };
}

/// Where the brokers of Kafka are; the first one that is there counts.
const KAFKA: [&str; 2] = [
    "SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS",
    "SPRING_KAFKA_BOOTSTRAP_SERVERS",
];

#[cfg(feature = "kafka")]
fn kafka(read: &mut Variables, _: &str) -> Transport {
    Transport::Kafka(Box::new(kafka::settings(read)))
}

#[cfg(not(feature = "kafka"))]
fn kafka(read: &mut Variables, asked_by: &str) -> Transport {
    read.problem(
        asked_by,
        "Kafka needs the feature `kafka` of confbus-client; turn it on, or set CONFBUS_TRANSPORT=stream",
    );
    Transport::Stream
}

#[cfg(feature = "amqp")]
fn amqp(read: &mut Variables, _: &str) -> Transport {
    Transport::Amqp(Box::new(rabbit::settings(read)))
}

#[cfg(not(feature = "amqp"))]
fn amqp(read: &mut Variables, asked_by: &str) -> Transport {
    read.problem(
        asked_by,
        "RabbitMQ needs the feature `amqp` of confbus-client; turn it on, or set CONFBUS_TRANSPORT=stream",
    );
    Transport::Stream
}

/// What the last good file holds of secrets.
fn secrets(read: &mut Variables) -> Secrets {
    const KEY_FILE: &str = "CONFBUS_LAST_GOOD_KEY_FILE";
    const SECRETS: &str = "CONFBUS_LAST_GOOD_SECRETS";
    let choice = read.text(SECRETS).map(|text| squeezed(&text));
    match (read.text(KEY_FILE), choice.as_deref()) {
        (Some(path), None) => match LastGoodKey::from_file(path) {
            Ok(key) => Secrets::Encrypt(key),
            Err(error) => {
                read.problem(KEY_FILE, error.problem());
                Secrets::LeaveOut
            }
        },
        (None, None | Some("leaveout")) => Secrets::LeaveOut,
        (None, Some("keep")) => Secrets::Keep,
        (None, Some(_)) => {
            read.problem(SECRETS, "expected `leave-out` or `keep`");
            Secrets::LeaveOut
        }
        (Some(_), Some(_)) => {
            read.problem(
                SECRETS,
                "means nothing beside a key: all secrets are encrypted",
            );
            Secrets::LeaveOut
        }
    }
}

/// Variables by their names without underscores, as Spring compares them.
struct Variables {
    values: BTreeMap<String, (String, SecretString)>,
    problems: Vec<String>,
}

impl Variables {
    fn new(variables: impl Iterator<Item = (String, String)>) -> Self {
        let set = variables.filter(|(_, value)| !value.trim().is_empty());
        Self {
            values: set
                .map(|(name, value)| (squeezed(&name), (name, value.into())))
                .collect(),
            problems: Vec::new(),
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        self.values
            .get(&squeezed(name))
            .map(|(_, value)| value.expose_secret().trim().to_owned())
    }

    fn secret(&self, name: &str) -> Option<SecretString> {
        self.text(name).map(SecretString::from)
    }

    /// Everything below a prefix, named by the rest: `…_HEADERS_X_TENANT` is `X-TENANT`.
    fn below(&self, prefix: &str) -> Vec<(String, SecretString)> {
        let values = self.values.values();
        let below = values.filter_map(|(name, value)| {
            Some((
                name.to_uppercase().strip_prefix(prefix)?.replace('_', "-"),
                value.clone(),
            ))
        });
        below.collect()
    }

    fn is_off(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("off"))
    }

    fn flag(&mut self, name: &str) -> Option<bool> {
        match self.text(name)?.to_lowercase().as_str() {
            "true" | "on" | "yes" | "1" => Some(true),
            "false" | "off" | "no" | "0" => Some(false),
            _ => {
                self.problem(name, "expected `true` or `false`");
                None
            }
        }
    }

    fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T> {
        let parsed = self.text(name)?.parse().ok();
        if parsed.is_none() {
            self.problem(name, "expected a number");
        }
        parsed
    }

    /// `500`, `500ms`, `30s` or `5m`, a bare number being milliseconds.
    fn duration(&mut self, name: &str, target: &mut Duration) {
        let Some(text) = self.text(name) else { return };
        match duration(&text) {
            Some(duration) if !duration.is_zero() => *target = duration,
            _ => self.problem(
                name,
                "expected a duration above zero: `500` or `500ms`, `30s`, `5m`",
            ),
        }
    }

    /// Names the variable and what was expected; its value stays out, because it may have been put there by mistake.
    fn problem(&mut self, name: &str, expected: impl Display) {
        self.problems.push(format!("{name}: {expected}"));
    }
}

fn duration(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at(
        text.find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len()),
    );
    let number: u64 = digits.parse().ok()?;
    match unit.trim() {
        "" | "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => Some(Duration::from_secs(number.checked_mul(60)?)),
        _ => None,
    }
}

fn squeezed(name: &str) -> String {
    name.chars()
        .filter(|c| !matches!(c, '_' | '-' | '.'))
        .flat_map(char::to_lowercase)
        .collect()
}
