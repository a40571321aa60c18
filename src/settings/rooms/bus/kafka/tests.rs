use std::fs;

use confbus_bus::{Acks, KafkaSettings, Mechanism, Verification};

use super::super::{bus, tests::reader};
use crate::settings::Bus;

const JAAS: &str = "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"ana\" password=\"s3cret\";";

/// The settings of Kafka, and what is warned of.
fn kafka(said: &[(&str, &str)]) -> (KafkaSettings, Vec<String>) {
    let named = ("spring.kafka.bootstrap-servers", "broker");
    let mut reader = reader(&[&[named], said].concat(), &[]);
    let bus = bus(&mut reader);
    let (problems, warnings) = reader.finish();
    assert!(problems.is_empty(), "{problems:?}");
    let Some(Bus::Kafka(settings)) = bus else {
        panic!("a broker is named")
    };
    let warnings = warnings.iter().map(ToString::to_string);
    (*settings, warnings.collect())
}

fn refused(said: &[(&str, &str)]) -> String {
    let mut reader = reader(said, &[]);
    assert!(
        bus(&mut reader).is_none() || !reader.finish().0.is_empty(),
        "{said:?}"
    );
    let mut again = self::reader(said, &[]);
    bus(&mut again);
    let (problems, _) = again.finish();
    problems.iter().map(ToString::to_string).collect()
}

/// Which one is taken.
fn chosen(said: &[(&str, &str)]) -> &'static str {
    match bus(&mut reader(said, &[])) {
        Some(Bus::Local) => "local",
        Some(Bus::Rabbit(_)) => "rabbit",
        Some(Bus::Kafka(_)) => "kafka",
        None => "none",
    }
}

#[test]
fn the_broker_that_is_named_is_taken_and_of_two_the_default_one() {
    let rabbit = ("spring.rabbitmq.host", "one");
    let kafka = ("spring.kafka.bootstrap-servers", "two");
    let default = |which| ("spring.cloud.stream.default-binder", which);
    for (said, expected) in [
        (&[][..], "local"),
        (&[rabbit], "rabbit"),
        (&[kafka], "kafka"),
        (
            &[("spring.cloud.stream.kafka.binder.brokers", "two")],
            "kafka",
        ),
        (&[("confbus.kafka.password-file", file!())], "kafka"),
        (&[default("kafka")], "kafka"),
        (&[default("rabbit")], "rabbit"),
        (&[rabbit, kafka, default("kafka")], "kafka"),
        (&[rabbit, kafka, default("rabbit")], "rabbit"),
        (&[kafka, ("spring.cloud.bus.enabled", "false")], "local"),
    ] {
        assert_eq!(chosen(said), expected, "{said:?}");
    }
    let both = refused(&[rabbit, kafka]);
    for place in [
        "spring.rabbitmq.host",
        "spring.kafka.bootstrap-servers",
        "default-binder",
    ] {
        assert!(both.contains(place), "{place}: {both}");
    }
    assert!(refused(&[default("pulsar")]).contains("neither `rabbit` nor `kafka`"));
}

#[test]
fn names_at_the_broker_are_springs() {
    let (settings, warnings) = kafka(&[]);
    assert_eq!(
        (settings.topic.as_str(), settings.output_topic),
        ("springCloudBus", None)
    );
    assert!(settings.auto_create_topics);
    assert_eq!(
        (settings.min_partition_count, settings.replication_factor),
        (1, None)
    );
    assert_eq!(settings.required_acks, Acks::All);
    assert_eq!((settings.tls, settings.sasl), (None, None));
    assert_eq!(settings.client_id, "confbus-server");
    assert!(warnings.is_empty(), "{warnings:?}");
    let binder = "spring.cloud.stream.kafka.binder";
    let (settings, _) = kafka(&[
        ("spring.cloud.bus.destination", "bus"),
        (
            "spring.cloud.stream.bindings.springCloudBusOutput.destination",
            "told",
        ),
        (&format!("{binder}.auto-create-topics"), "false"),
        (&format!("{binder}.minPartitionCount"), "3"),
        (&format!("{binder}.replicationFactor"), "2"),
        (&format!("{binder}.requiredAcks"), "1"),
    ]);
    assert_eq!(
        (settings.topic.as_str(), settings.output_topic.as_deref()),
        ("bus", Some("told"))
    );
    assert!(!settings.auto_create_topics);
    assert_eq!(
        (settings.min_partition_count, settings.replication_factor),
        (3, Some(2))
    );
    assert_eq!(settings.required_acks, Acks::Leader);
}

#[test]
fn brokers_are_listed_as_kafka_lists_them() {
    let binder = "spring.cloud.stream.kafka.binder";
    let (settings, warnings) = kafka(&[
        (
            &format!("{binder}.brokers"),
            "one, two:9093, SASL_SSL://[::1]:9094",
        ),
        (&format!("{binder}.defaultBrokerPort"), "9192"),
    ]);
    let brokers: Vec<_> = settings.brokers.iter().map(ToString::to_string).collect();
    assert_eq!(brokers, ["one:9192", "two:9093", "[::1]:9094"]);
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("bootstrap-servers` has no effect")),
        "{warnings:?}"
    );
    for wrong in ["one:no", "ana:s3cret@one:9092", "one,:9092", "[::1"] {
        let problems = refused(&[("spring.kafka.bootstrap-servers", wrong)]);
        assert!(
            problems.contains("bootstrap-servers"),
            "{wrong}: {problems}"
        );
        assert!(!problems.contains("s3cret"), "{problems}");
    }
}

#[test]
fn tls_and_login_have_kafkas_names_or_springs() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        path.display().to_string()
    };
    let properties = "spring.kafka.properties";
    let (settings, warnings) = kafka(&[
        ("spring.kafka.security.protocol", "SASL_SSL"),
        (&format!("{properties}.sasl.mechanism"), "SCRAM-SHA-512"),
        (&format!("{properties}.sasl.jaas.config"), JAAS),
        (
            &format!("{properties}.ssl.truststore.location"),
            &path("ca.p12"),
        ),
        (&format!("{properties}.ssl.truststore.password"), "s3cret"),
        (
            "spring.kafka.ssl.key-store-location",
            &format!("file:{}", path("client.p12")),
        ),
        (
            &format!("{properties}.ssl.endpoint.identification.algorithm"),
            "",
        ),
        (&format!("{properties}.ssl.keystore.password"), "s3cret"),
        (&format!("{properties}.ssl.key.password"), "s3cret"),
    ]);
    assert!(!format!("{settings:?} {warnings:?}").contains("s3cret"));
    let sasl = settings.sasl.unwrap();
    assert_eq!(
        (sasl.mechanism, sasl.username.as_str()),
        (Mechanism::ScramSha512, "ana")
    );
    assert!(sasl.password == "s3cret".into());
    let tls = settings.tls.unwrap();
    assert!(tls.trusted.unwrap().path.ends_with("ca.p12"));
    assert!(tls.certificate.unwrap().path.ends_with("client.p12"));
    assert_eq!(tls.verification, Verification::AnyName);
    assert!(
        warnings
            .iter()
            .any(|line| line.contains("identification.algorithm")),
        "{warnings:?}"
    );
    let (settings, _) = kafka(&[
        (
            "spring.cloud.stream.kafka.binder.configuration.security.protocol",
            "SASL_PLAINTEXT",
        ),
        (
            "spring.cloud.stream.kafka.binder.configuration.sasl.mechanism",
            "PLAIN",
        ),
        ("confbus.kafka.username-file", &path("user")),
        ("confbus.kafka.password-file", &path("password")),
    ]);
    let sasl = settings.sasl.unwrap();
    assert!(sasl.username_file.is_some() && sasl.password_file.is_some());
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let named = ("spring.kafka.bootstrap-servers", "broker");
    let sasl = ("spring.kafka.security.protocol", "SASL_PLAINTEXT");
    let jaas = ("spring.kafka.properties.sasl.jaas.config", JAAS);
    let mechanism = |name| ("spring.kafka.properties.sasl.mechanism", name);
    for (said, expected) in [
        (
            vec![("spring.kafka.security.protocol", "TLS")],
            "none of PLAINTEXT",
        ),
        (vec![sasl, jaas], "GSSAPI"),
        (vec![sasl, jaas, mechanism("OAUTHBEARER")], "OAUTHBEARER"),
        (vec![sasl, mechanism("PLAIN")], "none is set"),
        (
            vec![
                sasl,
                mechanism("PLAIN"),
                ("spring.kafka.properties.sasl.jaas.config", "s3cret"),
            ],
            "sasl.jaas.config",
        ),
        (
            vec![
                ("spring.kafka.security.protocol", "SSL"),
                ("spring.kafka.ssl.bundle", "mine"),
            ],
            "bundles",
        ),
        (
            vec![
                ("spring.kafka.security.protocol", "SSL"),
                ("spring.kafka.ssl.key-store-password", "store"),
                ("spring.kafka.properties.ssl.key.password", "s3cret"),
            ],
            "ssl.key.password",
        ),
        (
            vec![
                ("spring.kafka.security.protocol", "SSL"),
                ("spring.kafka.ssl.key-password", "s3cret"),
            ],
            "key-password",
        ),
        (
            vec![("spring.cloud.stream.kafka.binder.requiredAcks", "0")],
            "requiredAcks",
        ),
        (
            vec![("spring.cloud.stream.kafka.binder.replicationFactor", "0")],
            "replicationFactor",
        ),
    ] {
        let problems = refused(&[&[named], said.as_slice()].concat());
        assert!(problems.contains(expected), "{said:?}: {problems}");
        assert!(!problems.contains("s3cret"), "{problems}");
    }
}

#[test]
fn what_has_no_effect_is_said_by_name() {
    for key in [
        "spring.cloud.stream.bindings.springCloudBusInput.group",
        "spring.cloud.stream.kafka.bindings.springCloudBusInput.consumer.startOffset",
        "spring.cloud.stream.kafka.binder.autoAddPartitions",
        "spring.kafka.consumer.max-poll-records",
    ] {
        let (_, warnings) = kafka(&[(key, "1")]);
        let said = warnings
            .iter()
            .any(|line| line.contains(key) && line.contains("has no effect"));
        assert!(said, "{key}: {warnings:?}");
    }
}
