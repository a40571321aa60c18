//! TLS and SASL: Kafka's own names for them, which Spring passes on, and Spring Boot's.

use confbus_bus::{KeyFile, Login, Mechanism, Sasl, TlsSettings, Verification};

use super::{BINDER, SPRING};
use crate::settings::{code, reader::Reader};

const OURS: &str = "confbus.kafka";

/// Kafka's own properties that are read, below `configuration` of the binder.
pub(super) const BINDER_PROPERTIES: [&str; 13] = [
    "configuration.sasl.jaas.config",
    "configuration.sasl.mechanism",
    "configuration.security.protocol",
    "configuration.ssl.endpoint.identification.algorithm",
    "configuration.ssl.keystore.location",
    "configuration.ssl.keystore.password",
    "configuration.ssl.keystore.type",
    "configuration.ssl.key.password",
    "configuration.ssl.truststore.location",
    "configuration.ssl.truststore.password",
    "configuration.ssl.truststore.type",
    "configuration.ssl.enabled.protocols",
    "configuration.ssl.protocol",
];

pub(super) type Security = (Option<TlsSettings>, Option<Sasl>);

pub(super) fn security(reader: &mut Reader) -> Option<Security> {
    let own = format!("{SPRING}.security.protocol");
    let key = property(reader, "security.protocol").unwrap_or(own);
    let protocol = reader.text_or(&key, "PLAINTEXT").to_ascii_uppercase();
    let (has_tls, has_sasl) = match protocol.as_str() {
        "PLAINTEXT" => (false, false),
        "SSL" => (true, false),
        "SASL_PLAINTEXT" => (false, true),
        "SASL_SSL" => (true, true),
        _ => {
            let text = format!("`{key}` is none of PLAINTEXT, SSL, SASL_PLAINTEXT and SASL_SSL");
            reader.refuse(&key, text, None);
            return None;
        }
    };
    let tls = has_tls.then(|| tls(reader));
    let sasl = has_sasl.then(|| sasl(reader, &key));
    if matches!(tls, Some(None)) || matches!(sasl, Some(None)) {
        return None;
    }
    Some((tls.flatten(), sasl.flatten()))
}

/// Where a property of Kafka's is said; the binder's own comes first.
fn property(reader: &Reader, name: &str) -> Option<String> {
    [
        format!("{BINDER}.configuration.{name}"),
        format!("{SPRING}.properties.{name}"),
    ]
    .into_iter()
    .find(|key| reader.said(key).is_some())
}

fn sasl(reader: &mut Reader, asked_by: &str) -> Option<Sasl> {
    let mechanism = mechanism(reader, asked_by);
    let username_file = reader.file(&format!("{OURS}.username-file"));
    let password_file = reader.file(&format!("{OURS}.password-file"));
    let login = login(reader);
    let (username_file, password_file) = (username_file?, password_file?);
    let login = match login {
        Some(Ok(login)) => login,
        Some(Err(())) => return None,
        None if username_file.is_some() && password_file.is_some() => Login {
            username: String::new(),
            password: "".into(),
        },
        None => {
            let text = format!("`{asked_by}` asks for a login, and none is set");
            let hint = "spring.kafka.properties.sasl.jaas.config, or confbus.kafka.username-file and .password-file";
            reader.refuse(asked_by, text, Some(hint));
            return None;
        }
    };
    Some(Sasl {
        mechanism: mechanism?,
        username: login.username,
        password: login.password,
        username_file,
        password_file,
    })
}

/// Kafka's own default is Kerberos, which is not built in.
fn mechanism(reader: &mut Reader, asked_by: &str) -> Option<Mechanism> {
    let key = property(reader, "sasl.mechanism");
    let said = key.as_deref().and_then(|key| reader.text(key));
    let mechanism = said.as_deref().and_then(Mechanism::named);
    if mechanism.is_none() {
        let key = key.as_deref().unwrap_or(asked_by);
        let said = said.as_deref().unwrap_or("GSSAPI");
        let text = format!("`{key}` asks for the mechanism {said}, which is not built in");
        let hint = "sasl.mechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512";
        reader.refuse_as(code::UNSUPPORTED, key, text, Some(hint));
    }
    mechanism
}

fn login(reader: &mut Reader) -> Option<Result<Login, ()>> {
    let key = property(reader, "sasl.jaas.config")?;
    let login = Login::from_jaas(&reader.text(&key)?);
    Some(login.map_err(|error| reader.refuse(&key, format!("`{key}`: {error}"), None)))
}

fn tls(reader: &mut Reader) -> Option<TlsSettings> {
    let bundle = format!("{SPRING}.ssl.bundle");
    if reader.has(&bundle) {
        let hint =
            "name the files: confbus.kafka.trusted-certificates, .certificate and .private-key";
        let text = "bundles are not supported";
        reader.refuse_as(code::UNSUPPORTED, &bundle, text, Some(hint));
    }
    for key in ["ssl.enabled.protocols", "ssl.protocol"] {
        if let Some(key) = property(reader, key) {
            reader.has_no_effect(&key, "TLS 1.2 and 1.3 are spoken as OpenSSL does by itself");
        }
    }
    let trusted = key_file(reader, "trust-store", "truststore", "trusted-certificates");
    let certificate = key_file(reader, "key-store", "keystore", "certificate");
    let private_key = reader.file(&format!("{OURS}.private-key"));
    check_key_password(reader);
    Some(TlsSettings {
        trusted: trusted?,
        certificate: certificate?,
        private_key: private_key?,
        verification: verification(reader),
    })
}

/// A key has the password of its store, which Java's tools make so.
fn check_key_password(reader: &mut Reader) {
    let find = |kafkas: &str, boots: &str| {
        property(reader, kafkas).unwrap_or_else(|| format!("{SPRING}.ssl.{boots}"))
    };
    let key = find("ssl.key.password", "key-password");
    let store = find("ssl.keystore.password", "key-store-password");
    let said = reader.text(&key);
    if said.is_some() && said != reader.text(&store) {
        let text = format!("`{key}` is another password than `{store}`");
        let hint = "give the key the password of its store, or write it in the clear as confbus.kafka.private-key";
        reader.refuse_as(code::UNSUPPORTED, &key, text, Some(hint));
    }
}

/// An empty algorithm is Kafka's word for not looking at the name.
fn verification(reader: &mut Reader) -> Verification {
    let Some(key) = property(reader, "ssl.endpoint.identification.algorithm") else {
        return Verification::Full;
    };
    match reader
        .said(&key)
        .unwrap_or_default()
        .to_ascii_lowercase()
        .as_str()
    {
        "https" => Verification::Full,
        "" => {
            let any_name = "whoever has any certificate that is trusted is taken for a broker";
            reader.opens(&key, any_name);
            Verification::AnyName
        }
        _ => {
            let text = format!("`{key}` is neither `https` nor empty");
            reader.refuse(&key, text, None);
            Verification::Full
        }
    }
}

/// A store as Kafka or Spring Boot names it, or a file in PEM under a key of ours.
fn key_file(reader: &mut Reader, boots: &str, kafkas: &str, ours: &str) -> Option<Option<KeyFile>> {
    let find = |reader: &Reader, part: &str| {
        let kafkas = property(reader, &format!("ssl.{kafkas}.{part}"));
        kafkas.unwrap_or_else(|| format!("{SPRING}.ssl.{boots}-{part}"))
    };
    let of_type = find(reader, "type");
    let is_known = |name: &str| matches!(name, "JKS" | "PKCS12" | "PEM");
    if !is_known(&reader.text_or(&of_type, "PKCS12").to_ascii_uppercase()) {
        let text = format!("`{of_type}` is none of PKCS12 and PEM");
        reader.refuse(&of_type, text, None);
    }
    let path = match reader.file(&format!("{OURS}.{ours}"))? {
        Some(path) => Some(path),
        None => {
            let location = find(reader, "location");
            reader.file(&location)?
        }
    };
    let password = reader.text_or(&find(reader, "password"), "");
    Some(path.map(|path| KeyFile {
        path,
        password: password.into(),
    }))
}
