//! What a server is, in the few lines that somebody reads who starts it. No credential is in them.

use super::{Bus, Settings, Sources, layers, variables};
use crate::{
    environment_repository::BackendSettings,
    git::Address,
    webhook::{Believed, Provider},
};

/// A line for each thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What is read, the strongest first.
    pub repository: String,
    /// Where it is to answer, who may read, and whether TLS is spoken.
    pub config: String,
    /// Where management is, if on a port of its own.
    pub manage: Option<String>,
    /// How members of the bus hear of each other.
    pub bus: String,
    /// Which registries are told where it is, if any.
    pub registry: Option<String>,
    /// Whose deliveries are believed.
    pub webhook: String,
    /// Where settings come from.
    pub settings: String,
}

impl Summary {
    /// Of a server with these settings, which came from there.
    #[must_use]
    pub fn of(settings: &Settings, sources: &Sources) -> Self {
        let scheme = if settings.http.tls.is_some() {
            "https"
        } else {
            "http"
        };
        let tls = if settings.http.tls.is_some() {
            "TLS"
        } else {
            "no TLS"
        };
        let manage = settings.management;
        let registries = settings.registration.places();
        Self {
            repository: repositories(settings),
            config: format!(
                "{scheme}://{}, {}, {tls}",
                settings.listen,
                readers(settings)
            ),
            manage: manage.map(|address| format!("{scheme}://{address}/_/")),
            bus: bus(&settings.bus),
            registry: (!registries.is_empty()).then(|| registries.join("; ")),
            webhook: webhook(settings),
            settings: origins(sources),
        }
    }
}

fn repositories(settings: &Settings) -> String {
    let all = settings.repository.backends.iter();
    let shown = all.flat_map(|backend| match backend {
        BackendSettings::Git(git) => {
            let uris = git
                .all()
                .filter_map(|one| Address::parse(one.uri.as_str()).ok());
            uris.map(|address| address.display_uri).collect()
        }
        BackendSettings::Native(native) => vec![native.files.display_uri.clone()],
        BackendSettings::Vault(_) => vec!["a Vault".to_owned()],
        BackendSettings::Lookups(store) => vec![store.place.shown()],
    });
    let mut shown: Vec<String> = shown.collect();
    shown.dedup();
    shown.join(", ")
}

fn readers(settings: &Settings) -> String {
    let access = &settings.access;
    if access.mode_none {
        return "open to everyone".to_owned();
    }
    let ways = [
        (!access.users.is_empty(), "passwords"),
        (!access.tokens.is_empty(), "tokens"),
        (access.jwt.is_some(), "tokens of an issuer"),
        (access.certificates, "client certificates"),
    ];
    let ways = ways.into_iter().filter(|(is_configured, _)| *is_configured);
    let ways: Vec<_> = ways.map(|(_, name)| name).collect();
    if ways.is_empty() {
        return "from this machine only".to_owned();
    }
    let rules = if access.rules.is_empty() {
        ""
    } else {
        ", by rules"
    };
    format!("with {}{rules}", ways.join(", "))
}

fn bus(bus: &Bus) -> String {
    match bus {
        Bus::Local => "in process and over the stream; no broker".to_owned(),
        Bus::Rabbit(rabbit) => {
            let addresses = rabbit.addresses.iter().map(ToString::to_string);
            let addresses: Vec<_> = addresses.collect();
            format!("{}, exchange {}", addresses.join(", "), rabbit.exchange)
        }
        #[cfg(feature = "kafka")]
        Bus::Kafka(kafka) => {
            let addresses: Vec<_> = kafka.brokers.iter().map(ToString::to_string).collect();
            format!("{}, topic {}", addresses.join(", "), kafka.topic)
        }
    }
}

fn webhook(settings: &Settings) -> String {
    match settings.http.webhook.believed() {
        Believed::Strangers(_) => "believed without a signature".to_owned(),
        Believed::ThisMachine => "believed from this machine".to_owned(),
        Believed::Signed(by) => format!("signed by {}", Provider::names(&by)),
        Believed::Nobody => "closed: no secret is set".to_owned(),
    }
}

fn origins(sources: &Sources) -> String {
    let file = sources.file.clone().or_else(layers::usual_file);
    let file = file.map(|file| file.display().to_string());
    let variables = sources.variables.iter();
    let variables = variables.filter(|(name, _)| variables::key_of_variable(name).is_some());
    let numbers = [
        (variables.count(), "variable"),
        (sources.arguments.len(), "argument"),
    ];
    let numbers = numbers.into_iter().filter(|(number, _)| *number > 0);
    let counted = numbers.map(|(number, what)| match number {
        1 => format!("1 {what}"),
        _ => format!("{number} {what}s"),
    });
    let all: Vec<_> = file.into_iter().chain(counted).collect();
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_told_without_secrets() {
        let secret = "s3cret-that-is-long-enough";
        let uri = format!("https://jo:{secret}@git.example/config");
        let eureka = format!("http://jo:{secret}@eureka:8761/eureka/");
        let said = [
            ("spring.cloud.config.server.git.uri", &*uri),
            ("eureka.client.service-url.defaultZone", &*eureka),
            ("spring.security.user.password", secret),
            ("spring.rabbitmq.host", "rabbit"),
            ("spring.rabbitmq.password", secret),
            (
                "spring.cloud.config.server.monitor.github.webhook-secret",
                secret,
            ),
            ("management.server.port", "8889"),
        ];
        let said = said.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let file = tempfile::NamedTempFile::with_suffix(".properties").unwrap();
        let sources = Sources {
            file: Some(file.path().to_owned()),
            arguments: said.into(),
            variables: vec![("SERVER_PORT".to_owned(), "8888".to_owned())],
        };
        let settings = Settings::load(&sources).unwrap();
        let path = file.path().display();
        let expected = Summary {
            repository: "https://git.example/config".to_owned(),
            config: "http://0.0.0.0:8888, with passwords, no TLS".to_owned(),
            manage: Some("http://0.0.0.0:8889/_/".to_owned()),
            bus: "rabbit:5672, exchange springCloudBus".to_owned(),
            registry: cfg!(feature = "eureka")
                .then(|| "Eureka at http://eureka:8761/eureka".to_owned()),
            webhook: "signed by github".to_owned(),
            settings: format!("{path}, 1 variable, 7 arguments"),
        };
        assert_eq!(Summary::of(&settings, &sources), expected);
    }
}
