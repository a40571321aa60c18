//! The server's own settings, for people: which value holds, and where it was said, if it was.

use confbus_protocol::{has_credentials, looks_secret};

use super::{
    Sources,
    layers::{Layers, Setting, uniform},
    problem::SettingsError,
    reader::{Reader, is_known},
    rooms,
};
use crate::http;

/// How keys end that sound like those of secrets and say where something is, or of which kind; in the spelling in which
/// all keys meet.
const PUBLIC: [&str; 13] = [
    "file",
    "keystore",
    "type",
    "algorithm",
    "checking",
    "hostkey",
    "clientauth",
    "defaultkey",
    "keypath",
    "pathtokey",
    "routingkey",
    "delimiter",
    "weaksecrets",
];
/// What lies below these is the user's own, and may be anything.
const OWN: [&str; 9] = [
    "eureka.instance.metadatamap",
    "spring.cloud.consul.discovery.healthcheckheaders",
    "spring.cloud.consul.discovery.metadata",
    "spring.cloud.zookeeper.discovery.metadata",
    "spring.cloud.config.server.overrides",
    "confbus.monitor.previoussecrets",
    "management.otlp.tracing.headers",
    "otel.exporter.otlp.headers",
    "otel.exporter.otlp.traces.headers",
];

/// Where a value comes from of which nothing was said.
const DEFAULT: &str = "default";

/// A setting in force: the strongest value that was said, or the default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidSetting {
    /// In Spring's spelling, as far as it is known.
    pub key: String,
    /// `None` where it may be a secret. What stands before an `@` or behind a `?` may be one, too, and is `••••••`.
    pub value: Option<String>,
    /// `application.yml:3:9`, the name of a variable, an argument, or `default`.
    pub place: String,
}

impl SaidSetting {
    /// All settings that the server knows and that have a value, in the order of their keys. Defaults of what only matters
    /// with another setting are there when that is said.
    ///
    /// # Errors
    /// [`SettingsError`] when a file cannot be read.
    pub fn all(sources: &Sources) -> Result<Vec<Self>, SettingsError> {
        let layers = Layers::read(sources)?;
        let mut said = of(&layers);
        let mut reader = Reader::new(layers);
        // What is wrong in them is told at a start.
        _ = rooms::settings(&mut reader);
        said.extend(assumed(&reader));
        said.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(said)
    }

    /// As the server shows it.
    pub(super) fn view(self) -> http::SettingView {
        http::SettingView {
            key: self.key,
            value: self.value,
            from: self.place,
        }
    }

    fn of(setting: &Setting) -> Self {
        Self {
            key: setting.key.clone(),
            value: shown(&setting.key, &setting.value),
            place: setting.place.clone(),
        }
    }
}

/// What was said, before encrypted values are replaced by what they mean, in the order of keys.
pub(super) fn of(layers: &Layers) -> Vec<SaidSetting> {
    let known = layers.all().filter(|setting| is_known(&setting.key));
    let mut said: Vec<_> = known.map(SaidSetting::of).collect();
    said.sort_by(|one, other| one.key.cmp(&other.key));
    said
}

/// The defaults that counted where nothing was said, in the order of keys.
pub(super) fn assumed(reader: &Reader) -> Vec<SaidSetting> {
    let assumed = reader.defaults().into_iter();
    let assumed = assumed.map(|(key, value)| SaidSetting {
        value: shown(&key, &value),
        key,
        place: DEFAULT.to_owned(),
    });
    assumed.collect()
}

fn shown(key: &str, value: &str) -> Option<String> {
    let all = uniform(key);
    // Git hosts take a token in place of a user.
    let is_user = all.starts_with("spring.cloud.config.server.") && all.ends_with(".username");
    let is_hidden = is_user
        || is_secret(key)
        || is_login_module(&all)
        || OWN.iter().any(|own| all.starts_with(own))
        || value.contains("{cipher}")
        || has_pair(value);
    let (before, behind) = match value.rsplit_once('@') {
        // Nobody can tell whether the `@` ends a password or belongs to what is asked.
        Some((before, _)) if before.contains('?') => return None,
        Some((_, behind)) => ("••••••@", behind),
        None => ("", value),
    };
    let shown = match behind.split_once('?') {
        Some((host, asked)) if !asked.is_empty() => format!("{before}{host}?••••••"),
        _ => format!("{before}{}", behind.trim_end_matches('?')),
    };
    let is_hidden = is_hidden || has_credentials(&shown.as_str().into());
    (!is_hidden).then_some(shown)
}

/// Java's way to write a login, among other words.
fn is_login_module(key: &str) -> bool {
    key.trim_end_matches(']').ends_with("jaas.config")
}

/// Whether something is said under the name of a secret: an `@` in it does not end it, as it ends the login of an address.
fn has_pair(value: &str) -> bool {
    let (named, _) = value.split_once('?').unwrap_or((value, ""));
    has_credentials(&named.replace("://", " ").into())
}

/// By the last name of a key.
fn is_secret(key: &str) -> bool {
    let list = key.strip_suffix(']').and_then(|key| key.rfind('['));
    let plain = list.map_or(key, |at| &key[..at]);
    let name = plain.rsplit('.').next().unwrap_or(plain);
    let spelled = uniform(name);
    let is_public = PUBLIC.iter().any(|end| spelled.ends_with(end));
    spelled.ends_with("hash") || looks_secret(name) && !is_public
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_a_secret_is_not_shown() {
        for (key, value, expected) in [
            ("server.port", "8888", Some("8888")),
            ("spring.cloud.config.server.git.password", "x", None),
            ("spring.cloud.config.server.git.private-key", "x", None),
            ("confbus.security.users.jo.password", "x", None),
            ("confbus.monitor.previous-secrets.github", "x", None),
            ("management.otlp.tracing.headers.x-team", "x", None),
            ("otel.exporter.otlp.headers", "x-team=x", None),
            ("eureka.instance.metadata-map.user", "x", None),
            ("spring.cloud.consul.discovery.metadata.user", "x", None),
            (
                "spring.cloud.consul.discovery.health-check-headers.a",
                "x",
                None,
            ),
            ("spring.cloud.consul.discovery.acl-token", "x", None),
            ("consul.token", "x", None),
            ("spring.cloud.zookeeper.discovery.metadata.user", "x", None),
            ("spring.cloud.config.server.overrides.a", "x", None),
            ("encrypt.key", "x", None),
            ("spring.cloud.config.server.git.username", "x", None),
            (
                "spring.cloud.config.server.composite[1].username",
                "x",
                None,
            ),
            ("spring.rabbitmq.username", "guest", Some("guest")),
            ("spring.rabbitmq.host", "{cipher}00", None),
            (
                "spring.cloud.config.server.git.uri",
                "https://jo:x@git.example/config?token=x",
                Some("••••••@git.example/config?••••••"),
            ),
            (
                "spring.rabbitmq.addresses",
                "jo:x@one:5672,jo:y@two:5672",
                Some("••••••@two:5672"),
            ),
            ("spring.rabbitmq.addresses", "jo:p?w@one", None),
            ("spring.rabbitmq.addresses", "one?token=p@w", None),
            ("spring.rabbitmq.host", "one;Password=x", None),
            ("spring.rabbitmq.host", "one;Password=p@ssw0rd", None),
            ("spring.rabbitmq.host", "amqp://one;Password=p@ssw0rd", None),
            (
                "spring.rabbitmq.host",
                "Module required password=\"p@ss?w0rd\";",
                None,
            ),
            (
                "spring.kafka.properties.sasl.jaas.config",
                "Module required x=\"p@ssw0rd\";",
                None,
            ),
            (
                "spring.kafka.properties[sasl.jaas.config]",
                "Module required x=\"p@ssw0rd\";",
                None,
            ),
            (
                "spring.cloud.stream.kafka.binder.configuration.sasl.jaas.config",
                "Module",
                None,
            ),
            (
                "spring.cloud.config.server.composite[0].password",
                "x",
                None,
            ),
            ("confbus.security.users.jo.apikey", "x", None),
            ("confbus.security.tokens.ci.hash", "x", None),
            ("server.ssl.key-store", "own.p12", Some("own.p12")),
            ("encrypt.key-store.location", "a.p12", Some("a.p12")),
            ("confbus.rabbitmq.password-file", "/run/x", Some("/run/x")),
            ("server.ssl.client-auth", "need", Some("need")),
        ] {
            assert_eq!(shown(key, value).as_deref(), expected, "{key}");
        }
    }
}
