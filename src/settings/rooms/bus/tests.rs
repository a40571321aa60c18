use std::fs;

use confbus_bus::{RabbitSettings, Routing, Verification};
use confbus_protocol::SpringLine;

use super::{bus, member};
use crate::settings::{Bus, reader::Reader};

const INPUT: &str = "spring.cloud.stream.bindings.springCloudBusInput";
const OUTPUT: &str = "spring.cloud.stream.bindings.springCloudBusOutput";
const CONSUMER: &str = "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer";
const PRODUCER: &str = "spring.cloud.stream.rabbit.bindings.springCloudBusOutput.producer";

pub(super) fn reader(said: &[(&str, &str)], variables: &[(&str, &str)]) -> Reader {
    let owned = |pairs: &[(&str, &str)]| {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    };
    Reader::of(owned(said), owned(variables))
}

/// The settings of RabbitMQ, and what is warned of.
fn rabbit(said: &[(&str, &str)]) -> (RabbitSettings, Vec<String>) {
    let mut reader = reader(&[said, &[("spring.rabbitmq.host", "broker")]].concat(), &[]);
    let bus = bus(&mut reader);
    let (problems, warnings) = reader.finish();
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Bus::Rabbit(settings)) = bus else {
        panic!("a broker is named")
    };
    let warnings = warnings.iter().map(ToString::to_string);
    (*settings, warnings.collect())
}

fn refused(key: &str, value: &str) -> String {
    let mut reader = reader(&[("spring.rabbitmq.host", "broker"), (key, value)], &[]);
    bus(&mut reader);
    let (problems, _) = reader.finish();
    problems.iter().map(ToString::to_string).collect()
}

fn id(said: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let member = member(&mut reader(said, variables)).unwrap();
    member.id.as_str().to_owned()
}

#[test]
fn a_broker_that_is_named_in_whatever_way_is_used() {
    for (key, value) in [
        ("spring.rabbitmq.host", "broker"),
        ("spring.rabbitmq.addresses[0]", "broker:5672"),
        ("spring.rabbitmq.ssl.enabled", "true"),
        ("confbus.rabbitmq.password-file", file!()),
    ] {
        let bus = bus(&mut reader(&[(key, value)], &[]));
        assert!(matches!(bus, Some(Bus::Rabbit(_))), "{key}");
    }
    let off = [
        ("spring.cloud.bus.enabled", "false"),
        ("spring.rabbitmq.host", "broker"),
    ];
    assert!(matches!(bus(&mut reader(&off, &[])), Some(Bus::Local)));
    assert!(matches!(bus(&mut reader(&[], &[])), Some(Bus::Local)));
}

#[cfg(not(feature = "kafka"))]
#[test]
fn a_program_without_kafka_says_so() {
    let mut reader = reader(&[("spring.kafka.bootstrap-servers", "broker")], &[]);
    assert!(bus(&mut reader).is_none());
    let (problems, _) = reader.finish();
    let said = problems[0].to_string();
    assert!(
        said.contains("spring.kafka.bootstrap-servers") && said.contains("--features kafka"),
        "{said}"
    );
}

#[test]
fn several_addresses_share_the_credentials_of_the_first() {
    let (settings, warnings) = rabbit(&[(
        "spring.rabbitmq.addresses",
        "amqps://orders:s3cret@one.example/%2fteam, two.example:5680",
    )]);
    let addresses: Vec<_> = settings.addresses.iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["one.example:5671", "two.example:5680"]);
    assert_eq!(settings.username, "orders");
    assert_eq!(settings.virtual_host, "/team");
    assert!(settings.ssl);
    assert!(
        warnings[0].contains("`spring.rabbitmq.host` has no effect"),
        "{warnings:?}"
    );
}

#[test]
fn names_at_the_broker_are_springs() {
    let (settings, warnings) = rabbit(&[]);
    assert_eq!(settings.exchange, "springCloudBus");
    assert_eq!(settings.output_exchange, None);
    assert_eq!(settings.routing_key.as_deref(), Some("springCloudBus"));
    assert_eq!(
        (settings.group, settings.binding_keys),
        (None, vec!["#".to_owned()])
    );
    assert!(warnings.is_empty(), "{warnings:?}");

    let consumer = |option: &str| format!("{CONSUMER}.{option}");
    let (settings, _) = rabbit(&[
        ("spring.cloud.bus.destination", "bus"),
        (&consumer("prefix"), "in-"),
        (&format!("{INPUT}.group"), "audit"),
        (&consumer("queueNameGroupOnly"), "true"),
        (&consumer("bindingRoutingKey"), "a|b"),
        (&consumer("bindingRoutingKeyDelimiter"), "|"),
        (&consumer("declareExchange"), "false"),
        (&format!("{OUTPUT}.destination"), "elsewhere"),
        (&format!("{PRODUCER}.prefix"), "out-"),
    ]);
    assert_eq!(settings.exchange, "in-bus");
    assert_eq!(settings.output_exchange.as_deref(), Some("out-elsewhere"));
    assert_eq!(settings.routing_key.as_deref(), Some("elsewhere"));
    assert_eq!(settings.group.as_deref(), Some("in-audit"));
    assert_eq!(settings.binding_keys, ["a", "b"]);
    assert!(!settings.declare_exchange);
    let (settings, _) = rabbit(&[(&consumer("bindQueue"), "false")]);
    assert!(settings.binding_keys.is_empty());
}

#[test]
fn what_has_no_effect_is_said_by_name() {
    for key in [
        "spring.cloud.bus.content-type",
        "spring.cloud.bus.trace.enabled",
        "spring.cloud.bus.env.enabled",
        "spring.cloud.bus.shutdown.enabled",
        "spring.rabbitmq.ssl.algorithm",
        "spring.rabbitmq.publisher-confirm-type",
        "spring.rabbitmq.listener.simple.prefetch",
        &format!("{CONSUMER}.maxAttempts"),
        &format!("{CONSUMER}.quorum.enabled"),
        &format!("{PRODUCER}.compress"),
        &format!("{INPUT}.consumer.concurrency"),
    ] {
        let (_, warnings) = rabbit(&[(key, "true")]);
        let said = warnings
            .iter()
            .any(|line| line.contains(key) && line.contains("has no effect"));
        assert!(said, "{key}: {warnings:?}");
    }
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    for (key, value) in [
        (format!("{INPUT}.content-type"), "application/cbor"),
        (format!("{OUTPUT}.content-type"), "text/plain"),
        (format!("{CONSUMER}.exchangeType"), "fanout"),
        (format!("{PRODUCER}.exchangeDurable"), "false"),
        (format!("{CONSUMER}.durableSubscription"), "false"),
        (format!("{PRODUCER}.routingKeyExpression"), "headers.key"),
        ("spring.rabbitmq.ssl.bundle".into(), "mine"),
        ("spring.rabbitmq.ssl.trust-store".into(), "classpath:ca.jks"),
        ("spring.rabbitmq.ssl.key-store-type".into(), "BKS"),
        ("confbus.rabbitmq.password-file".into(), "/nowhere"),
        ("confbus.bus.json".into(), "boot-5"),
        ("confbus.bus.routing".into(), "round-robin"),
    ] {
        let problems = refused(&key, value);
        assert!(problems.contains(&key), "{key}: {problems}");
    }
    assert_eq!(
        refused(
            &format!("{OUTPUT}.content-type"),
            "application/json;charset=UTF-8"
        ),
        ""
    );
}

#[test]
fn certificates_and_credentials_lie_in_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        path.display().to_string()
    };
    let (settings, warnings) = rabbit(&[
        ("spring.rabbitmq.ssl.enabled", "true"),
        ("spring.rabbitmq.ssl.verify-hostname", "false"),
        (
            "spring.rabbitmq.ssl.trust-store",
            &format!("file:{}", path("ca.p12")),
        ),
        ("spring.rabbitmq.ssl.trust-store-password", "s3cret"),
        ("confbus.rabbitmq.certificate", &path("client.pem")),
        ("confbus.rabbitmq.private-key", &path("client.key")),
        ("confbus.rabbitmq.username-file", &path("user")),
        ("confbus.rabbitmq.password-file", &path("password")),
        ("confbus.bus.json", "boot-3"),
        ("confbus.bus.routing", "application"),
    ]);
    assert_eq!(settings.addresses[0].port, 5671);
    assert_eq!(settings.json, SpringLine::Boot3);
    assert_eq!(settings.routing, Routing::PerApplication);
    assert_eq!(settings.tls.verification, Verification::AnyName);
    assert!(
        settings
            .tls
            .trusted
            .as_ref()
            .unwrap()
            .path
            .ends_with("ca.p12")
    );
    assert!(
        settings
            .tls
            .certificate
            .as_ref()
            .unwrap()
            .path
            .ends_with("client.pem")
    );
    assert!(
        settings
            .tls
            .private_key
            .as_ref()
            .unwrap()
            .ends_with("client.key")
    );
    assert!(settings.username_file.is_some() && settings.password_file.is_some());
    assert!(
        warnings.iter().any(|line| line.contains("verify-hostname")),
        "{warnings:?}"
    );
    assert!(!format!("{settings:?} {warnings:?}").contains("s3cret"));
    let (settings, _) = rabbit(&[("spring.rabbitmq.ssl.validate-server-certificate", "false")]);
    assert_eq!(settings.tls.verification, Verification::Off);
}

#[test]
fn ids_are_made_as_spring_makes_them() {
    assert_eq!(id(&[("spring.cloud.bus.id", "as:it:is")], &[]), "as:it:is");
    let random = "?".repeat(32);
    let named = ("spring.application.name", "configs");
    for (said, expected) in [
        (&[][..], "config-server:8888:"),
        (&[named], "configs:8888:"),
        (&[named, ("server.port", "0")], "configs:0:"),
        (
            &[
                named,
                ("server.port", "1"),
                ("spring.application.index", "7"),
            ],
            "configs:7:",
        ),
        (
            &[named, ("spring.profiles.active", "dev, cloud")],
            "configs:dev, cloud:8888:",
        ),
        (
            &[
                named,
                ("spring.profiles.active", "dev"),
                ("vcap.application.name", "cf"),
                ("vcap.application.instance_index", "3"),
            ],
            "cf:3:",
        ),
    ] {
        let id = id(said, &[]);
        assert!(
            id.starts_with(expected) && id.len() == expected.len() + random.len(),
            "{id}"
        );
    }
    let platform = r#"{"name":"cf","instance_index":2,"instance_id":"ab-cd","limits":{"mem":512}}"#;
    assert_eq!(
        id(&[named], &[("VCAP_APPLICATION", platform)]),
        "cf:2:ab-cd"
    );
}
