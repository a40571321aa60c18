use std::time::Duration;

use confbus_bus::{Address, RabbitSettings};
use confbus_protocol::{BusId, Member};

use super::SECOND;
use crate::settings::{Bus, reader::Reader};

/// RabbitMQ as soon as a broker is named, otherwise within the process.
pub(super) fn bus(reader: &mut Reader) -> Option<Bus> {
    let named = [
        "host",
        "port",
        "addresses",
        "username",
        "password",
        "virtual-host",
        "ssl.enabled",
    ]
    .iter()
    .any(|key| reader.has(&format!("spring.rabbitmq.{key}")));
    if !reader.flag("spring.cloud.bus.enabled", true) || !named {
        return Some(Bus::Local);
    }
    let ssl = reader.flag("spring.rabbitmq.ssl.enabled", false);
    let defaults = RabbitSettings::default();
    let mut settings = RabbitSettings {
        ssl,
        username: reader.text_or("spring.rabbitmq.username", &defaults.username),
        virtual_host: reader.text_or("spring.rabbitmq.virtual-host", &defaults.virtual_host),
        exchange: reader.text_or("spring.cloud.bus.destination", &defaults.exchange),
        connection_timeout: reader.duration(
            "spring.rabbitmq.connection-timeout",
            Duration::from_millis(1),
            defaults.connection_timeout,
        ),
        requested_heartbeat: reader.duration(
            "spring.rabbitmq.requested-heartbeat",
            SECOND,
            defaults.requested_heartbeat,
        ),
        connection_name: "confbus-server".into(),
        ..defaults
    };
    if let Some(password) = reader.text("spring.rabbitmq.password") {
        settings.password = password.into();
    }
    let addresses = addresses(reader, ssl)?;
    Some(Bus::Rabbit(Box::new(with_credentials_of_address(
        settings, addresses,
    ))))
}

fn addresses(reader: &mut Reader, ssl: bool) -> Option<Vec<RabbitSettings>> {
    let default_port = if ssl { 5671 } else { 5672 };
    let listed = reader.list("spring.rabbitmq.addresses");
    if listed.is_empty() {
        let host = reader.text_or("spring.rabbitmq.host", "localhost");
        let port = reader.number("spring.rabbitmq.port", default_port);
        return Some(vec![RabbitSettings {
            addresses: vec![Address { host, port }],
            ..RabbitSettings::default()
        }]);
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
        .inspect_err(|error| {
            reader.refuse(
                "spring.rabbitmq.addresses",
                error.to_string(),
                Some("host:port, by comma"),
            );
        })
        .ok()
}

/// As in Spring the first address may carry credentials and the virtual host for all of them.
fn with_credentials_of_address(
    settings: RabbitSettings,
    addresses: Vec<RabbitSettings>,
) -> RabbitSettings {
    let plain = RabbitSettings::default();
    let mut settings = settings;
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

/// Who we are on the bus.
pub(super) fn member(reader: &mut Reader) -> Option<Member> {
    let id = match reader.text("spring.cloud.bus.id") {
        Some(id) => BusId::new(id),
        None => {
            let application = reader.text_or("spring.application.name", "config-server");
            let index = reader
                .text("spring.application.index")
                .or_else(|| reader.text("server.port"))
                .unwrap_or_else(|| "8888".into());
            BusId::of_instance(
                &application,
                &reader.list("spring.profiles.active").join(","),
                &index,
                &uuid::Uuid::new_v4().simple().to_string(),
            )
        }
    };
    let member = id.map(|id| Member {
        id,
        config_names: Vec::new(),
    });
    member
        .inspect_err(|error| reader.refuse("spring.cloud.bus.id", error.to_string(), None))
        .ok()
}
