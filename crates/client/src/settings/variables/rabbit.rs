use confbus_bus::{Address, RabbitSettings, Routing};

use super::Variables;

/// `spring.rabbitmq.*`, and the exchange from `spring.cloud.bus.destination`.
pub(super) fn settings(read: &mut Variables) -> RabbitSettings {
    let mut settings = addresses(read).unwrap_or_else(|| {
        let host = host(read);
        RabbitSettings::default().with(|rabbit| rabbit.addresses = vec![host])
    });
    // As in Spring, what an address says wins over what is said apart.
    let plain = RabbitSettings::default();
    if settings.username == plain.username
        && let Some(username) = read.text("SPRING_RABBITMQ_USERNAME")
    {
        settings.username = username;
    }
    if settings.password == plain.password
        && let Some(password) = read.text("SPRING_RABBITMQ_PASSWORD")
    {
        settings.password = password.into();
    }
    if settings.virtual_host == plain.virtual_host
        && let Some(virtual_host) = read.text("SPRING_RABBITMQ_VIRTUAL_HOST")
    {
        settings.virtual_host = virtual_host;
    }
    settings.ssl = read
        .flag("SPRING_RABBITMQ_SSL_ENABLED")
        .unwrap_or(settings.ssl);
    settings.exchange = read
        .text("SPRING_CLOUD_BUS_DESTINATION")
        .unwrap_or(settings.exchange);
    settings.routing = routing(read);
    "confbus-client".clone_into(&mut settings.connection_name);
    settings
}

fn routing(read: &mut Variables) -> Routing {
    const ROUTING: &str = "CONFBUS_BUS_ROUTING";
    match read.text(ROUTING).as_deref() {
        None | Some("spring") => Routing::AsSpring,
        Some("application") => Routing::PerApplication,
        Some(_) => {
            read.problem(ROUTING, "expected `spring` or `application`");
            Routing::AsSpring
        }
    }
}

fn host(read: &mut Variables) -> Address {
    let tls = read.flag("SPRING_RABBITMQ_SSL_ENABLED").unwrap_or_default();
    let host = read
        .text("SPRING_RABBITMQ_HOST")
        .unwrap_or_else(|| "localhost".to_owned());
    Address {
        host,
        port: read
            .parsed("SPRING_RABBITMQ_PORT")
            .unwrap_or(if tls { 5671 } else { 5672 }),
    }
}

/// A comma list; credentials, virtual host and TLS come from its first item.
fn addresses(read: &mut Variables) -> Option<RabbitSettings> {
    let name = "SPRING_RABBITMQ_ADDRESSES";
    let list = read.text(name)?;
    let mut found: Option<RabbitSettings> = None;
    for item in list
        .split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
    {
        let tls = read.flag("SPRING_RABBITMQ_SSL_ENABLED").unwrap_or_default();
        let scheme = if tls { "amqps" } else { "amqp" };
        let url = if item.contains("://") {
            item.to_owned()
        } else {
            format!("{scheme}://{item}")
        };
        match (RabbitSettings::from_url(&url), &mut found) {
            (Ok(next), Some(settings)) => settings.addresses.extend(next.addresses),
            (Ok(first), None) => found = Some(first),
            (Err(error), _) => read.problem(name, error),
        }
    }
    found
}
