//! `spring.rabbitmq.*`: where the broker is, who we are there, and how TLS is spoken with it.

use std::time::Duration;

use confbus_bus::{Address, KeyFile, RabbitSettings, TlsSettings, Verification};

use crate::settings::{code, reader::Reader, rooms::SECOND};

const SPRING: &str = "spring.rabbitmq";
const OURS: &str = "confbus.rabbitmq";

pub(super) fn broker(reader: &mut Reader, mut settings: RabbitSettings) -> Option<RabbitSettings> {
    say_what_has_no_effect(reader);
    let ssl = reader.flag(&format!("{SPRING}.ssl.enabled"), false);
    let username_file = reader.file(&format!("{OURS}.username-file"));
    let password_file = reader.file(&format!("{OURS}.password-file"));
    let tls = tls(reader);
    let password = reader.text(&format!("{SPRING}.password"));
    settings.ssl = ssl;
    settings.tls = tls?;
    settings.username = reader.text_or(&format!("{SPRING}.username"), &settings.username);
    settings.password = password.map_or(settings.password, Into::into);
    settings.username_file = username_file?;
    settings.password_file = password_file?;
    settings.virtual_host =
        reader.text_or(&format!("{SPRING}.virtual-host"), &settings.virtual_host);
    settings.connection_timeout = reader.duration(
        &format!("{SPRING}.connection-timeout"),
        Duration::from_millis(1),
        settings.connection_timeout,
    );
    settings.requested_heartbeat = reader.duration(
        &format!("{SPRING}.requested-heartbeat"),
        SECOND,
        settings.requested_heartbeat,
    );
    let addresses = addresses(reader, ssl)?;
    Some(with_credentials_of_address(settings, addresses))
}

fn addresses(reader: &mut Reader, ssl: bool) -> Option<Vec<RabbitSettings>> {
    let key = format!("{SPRING}.addresses");
    let listed = reader.list(&key);
    if listed.is_empty() {
        let host = reader.text_or(&format!("{SPRING}.host"), "localhost");
        let port = reader.number(&format!("{SPRING}.port"), if ssl { 5671 } else { 5672 });
        let address = vec![Address { host, port }];
        return Some(vec![
            RabbitSettings::default().with(|rabbit| rabbit.addresses = address),
        ]);
    }
    for unused in ["host", "port"] {
        let unused = format!("{SPRING}.{unused}");
        reader.has_no_effect(&unused, &format!("`{key}` says where the broker is"));
    }
    let scheme = if ssl { "amqps" } else { "amqp" };
    let parsed: Result<Vec<_>, _> = listed
        .iter()
        .map(|address| {
            RabbitSettings::from_url(&if address.contains("://") {
                address.clone()
            } else {
                format!("{scheme}://{address}")
            })
        })
        .collect();
    parsed
        .inspect_err(|error| reader.refuse(&key, error.to_string(), Some("host:port, by comma")))
        .ok()
}

/// As in Spring the first address may carry credentials and the virtual host for all of them.
fn with_credentials_of_address(
    mut settings: RabbitSettings,
    addresses: Vec<RabbitSettings>,
) -> RabbitSettings {
    let plain = RabbitSettings::default();
    if let Some(first) = addresses.first() {
        if first.username != plain.username {
            settings.username.clone_from(&first.username);
        }
        if first.password != plain.password {
            settings.password = first.password.clone();
        }
        if first.virtual_host != plain.virtual_host {
            settings.virtual_host.clone_from(&first.virtual_host);
        }
        settings.ssl |= first.ssl;
    }
    settings.addresses = addresses
        .into_iter()
        .flat_map(|one| one.addresses)
        .collect();
    settings
}

fn tls(reader: &mut Reader) -> Option<TlsSettings> {
    let bundle = format!("{SPRING}.ssl.bundle");
    if reader.has(&bundle) {
        let hint =
            "name the files: confbus.rabbitmq.trusted-certificates, .certificate and .private-key";
        reader.refuse_as(
            code::UNSUPPORTED,
            &bundle,
            "bundles are not supported",
            Some(hint),
        );
    }
    let trusted = key_file(reader, "trust-store", "trusted-certificates");
    let certificate = key_file(reader, "key-store", "certificate");
    let private_key = reader.file(&format!("{OURS}.private-key"));
    Some(TlsSettings {
        trusted: trusted?,
        certificate: certificate?,
        private_key: private_key?,
        verification: verification(reader),
    })
}

fn verification(reader: &mut Reader) -> Verification {
    let certificate = format!("{SPRING}.ssl.validate-server-certificate");
    let anybody = "whoever answers is taken for the broker, and told the password";
    if !reader.switch(&certificate, true, anybody) {
        return Verification::Off;
    }
    let name = format!("{SPRING}.ssl.verify-hostname");
    let any_name = "whoever has any certificate that is trusted is taken for the broker";
    if reader.switch(&name, true, any_name) {
        Verification::Full
    } else {
        Verification::AnyName
    }
}

/// A store as Spring names it, or a file in PEM under a key of ours.
fn key_file(reader: &mut Reader, springs: &str, ours: &str) -> Option<Option<KeyFile>> {
    let store = format!("{SPRING}.ssl.{springs}");
    let of_type = format!("{store}-type");
    let known_type = |name: &str| matches!(name, "JKS" | "PKCS12" | "PEM");
    if !known_type(&reader.text_or(&of_type, "PKCS12").to_ascii_uppercase()) {
        let text = format!("`{of_type}` is none of PKCS12 and PEM");
        reader.refuse(&of_type, text, None);
    }
    let path = match reader.file(&format!("{OURS}.{ours}"))? {
        Some(path) => Some(path),
        None => reader.file(&store)?,
    };
    let password = reader.text_or(&format!("{store}-password"), "");
    Some(path.map(|path| KeyFile {
        path,
        password: password.into(),
    }))
}

fn say_what_has_no_effect(reader: &mut Reader) {
    let by_rustls = "TLS 1.2 and 1.3 are spoken with the algorithms that rustls chooses";
    for key in ["algorithm", "key-store-algorithm", "trust-store-algorithm"] {
        reader.has_no_effect(&format!("{SPRING}.ssl.{key}"), by_rustls);
    }
    for (key, why) in [
        ("address-shuffle-mode", "addresses are tried in order"),
        (
            "channel-rpc-timeout",
            "`connection-timeout` bounds all of connecting",
        ),
        (
            "max-inbound-message-body-size",
            "64 KiB are read of a message, and no more",
        ),
        ("publisher-confirm-type", "every event is confirmed"),
        (
            "publisher-returns",
            "an event that nobody listens to is no error",
        ),
        ("requested-channel-max", "one channel a connection is used"),
    ] {
        reader.has_no_effect(&format!("{SPRING}.{key}"), why);
    }
    for group in ["cache", "dynamic", "listener", "stream", "template"] {
        let why = "there is nothing in confbus that it could be said of";
        reader.have_no_effect(&format!("{SPRING}.{group}."), &[], why);
    }
}
