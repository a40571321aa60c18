use confbus_bus::{Address, KafkaSettings, KeyFile, Login, Mechanism, Sasl, TlsSettings};

use super::{KAFKA, Variables};

const PROTOCOL: &str = "SPRING_KAFKA_SECURITY_PROTOCOL";
const MECHANISM: &str = "SPRING_KAFKA_PROPERTIES_SASL_MECHANISM";
const LOGIN: &str = "SPRING_KAFKA_PROPERTIES_SASL_JAAS_CONFIG";

/// `spring.kafka.*`, and the topic from `spring.cloud.bus.destination`.
pub(super) fn settings(read: &mut Variables) -> KafkaSettings {
    let mut settings = KafkaSettings::default();
    if let Some(brokers) = brokers(read) {
        settings.brokers = brokers;
    }
    settings.topic = read
        .text("SPRING_CLOUD_BUS_DESTINATION")
        .unwrap_or(settings.topic);
    let protocol = read.text(PROTOCOL).unwrap_or_default().to_uppercase();
    let (tls, sasl) = match protocol.as_str() {
        "" | "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            read.problem(
                PROTOCOL,
                "expected PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL",
            );
            (false, false)
        }
    };
    settings.tls = tls.then(|| self::tls(read));
    if sasl {
        settings.sasl = self::sasl(read);
    }
    "confbus-client".clone_into(&mut settings.client_id);
    settings
}

/// A comma list of `host:port`.
fn brokers(read: &mut Variables) -> Option<Vec<Address>> {
    let name = KAFKA.into_iter().find(|name| read.text(name).is_some())?;
    let list = read.text(name)?;
    let listed = list
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty());
    let parsed: Option<Vec<_>> = listed.map(KafkaSettings::address).collect();
    if parsed.is_none() {
        read.problem(name, "expected host:port, by comma");
    }
    parsed
}

fn tls(read: &Variables) -> TlsSettings {
    let file = |store: &str| {
        let path = read.text(&format!("SPRING_KAFKA_SSL_{store}_LOCATION"))?;
        let password = read.text(&format!("SPRING_KAFKA_SSL_{store}_PASSWORD"));
        Some(KeyFile {
            path: path.strip_prefix("file:").unwrap_or(&path).into(),
            password: password.unwrap_or_default().into(),
        })
    };
    TlsSettings {
        trusted: file("TRUST_STORE"),
        certificate: file("KEY_STORE"),
        ..TlsSettings::default()
    }
}

fn sasl(read: &mut Variables) -> Option<Sasl> {
    let named = read.text(MECHANISM);
    let Some(mechanism) = named.as_deref().and_then(Mechanism::named) else {
        read.problem(MECHANISM, "expected PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512");
        return None;
    };
    match Login::from_jaas(&read.text(LOGIN).unwrap_or_default()) {
        Ok(login) => Some(Sasl {
            mechanism,
            username: login.username,
            password: login.password,
            username_file: None,
            password_file: None,
        }),
        Err(error) => {
            read.problem(LOGIN, error);
            None
        }
    }
}
