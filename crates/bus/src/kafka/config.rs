//! Our settings in the terms of librdkafka.

use rdkafka::{ClientConfig, ClientContext, config::RDKafkaLogLevel, error::KafkaError};
use tracing::{debug, trace};
use uuid::Uuid;

use super::{
    failure::Failure,
    settings::{Acks, KafkaSettings, Sasl},
    tls,
};
use crate::broker;

/// A broker that does not answer a request for so long is given up.
const REQUEST_TIMEOUT_MS: &str = "30000";

/// For how much of what was fetched there is room: many times the largest event, and as much as one message of others may have.
const FETCH_BYTES: &str = "4194304";
const FETCH_KBYTES: &str = "4096";
const LARGEST_ANSWER: &str = "16777216";

/// How many events may wait to be sent.
const WAITING: &str = "1000";

/// What all connections have in common. Files are read anew each time.
pub(super) async fn common(settings: &KafkaSettings) -> Result<ClientConfig, Failure> {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", settings.addresses())
        .set("client.id", settings.client_id.as_str())
        .set("socket.timeout.ms", REQUEST_TIMEOUT_MS)
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.max.ms", "5000")
        .set("receive.message.max.bytes", LARGEST_ANSWER);
    config.set_log_level(RDKafkaLogLevel::Info);
    let protocol = match (&settings.tls, &settings.sasl) {
        (None, None) => "plaintext",
        (Some(_), None) => "ssl",
        (None, Some(_)) => "sasl_plaintext",
        (Some(_), Some(_)) => "sasl_ssl",
    };
    config.set("security.protocol", protocol);
    if let Some(settings) = &settings.tls {
        tls::configure(&mut config, settings).await?;
    }
    if let Some(settings) = &settings.sasl {
        log_in(&mut config, settings).await?;
    }
    Ok(config)
}

async fn log_in(config: &mut ClientConfig, sasl: &Sasl) -> Result<(), Failure> {
    let username = match &sasl.username_file {
        Some(file) => broker::line(file).await.map_err(Failure::file(file))?,
        None => sasl.username.clone(),
    };
    let password = match &sasl.password_file {
        Some(file) => broker::line(file).await.map_err(Failure::file(file))?,
        None => sasl.password.reveal().to_owned(),
    };
    config
        .set("sasl.mechanism", sasl.mechanism.name())
        .set("sasl.username", username)
        .set("sasl.password", password);
    Ok(())
}

/// A group of its own each time, as Spring names it, so that every member gets every event; where it reads on is never kept.
pub(super) fn consumer(common: &ClientConfig) -> (ClientConfig, String) {
    let group = format!("anonymous.{}", Uuid::new_v4());
    let mut config = common.clone();
    config
        .set("group.id", &group)
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        // Where to begin is said for every partition; that something was lost in between has to be heard of.
        .set("auto.offset.reset", "error")
        .set("isolation.level", "read_uncommitted")
        .set("partition.assignment.strategy", "range,roundrobin")
        // So soon a new partition is found.
        .set("topic.metadata.refresh.interval.ms", "60000")
        .set("fetch.max.bytes", FETCH_BYTES)
        .set("max.partition.fetch.bytes", FETCH_BYTES)
        .set("fetch.message.max.bytes", FETCH_BYTES)
        .set("queued.max.messages.kbytes", FETCH_KBYTES);
    (config, group)
}

/// As Spring's: no waiting for others, no compression. One request at a time, which keeps the order when one is repeated.
pub(super) fn producer(common: &ClientConfig, settings: &KafkaSettings) -> ClientConfig {
    let acks = match settings.required_acks {
        Acks::All => "all",
        Acks::Leader => "1",
    };
    let mut config = common.clone();
    config
        .set("acks", acks)
        .set("linger.ms", "0")
        .set("max.in.flight", "1")
        .set("queue.buffering.max.messages", WAITING)
        .set(
            "message.timeout.ms",
            settings.publish_timeout.as_millis().max(1).to_string(),
        );
    config
}

/// What librdkafka says of itself: what matters of it is in our own lines.
pub(super) fn log(level: RDKafkaLogLevel, facility: &str, said: &str) {
    match level {
        RDKafkaLogLevel::Debug | RDKafkaLogLevel::Info => trace!(facility, said, "librdkafka"),
        _ => debug!(facility, said, "librdkafka"),
    }
}

/// Of clients whose errors come with the answers.
#[derive(Clone)]
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, said: &str) {
        log(level, facility, said);
    }

    fn error(&self, error: KafkaError, said: &str) {
        debug!(%error, said, "librdkafka");
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, time::Duration};

    use super::*;
    use crate::{KeyFile, Mechanism, TlsSettings, Verification};

    #[track_caller]
    fn check(config: &ClientConfig, expected: &[(&str, &str)]) {
        for (key, value) in expected {
            assert_eq!(config.get(key), Some(*value), "{key}");
        }
    }

    #[tokio::test]
    async fn every_member_hears_everything_from_when_it_comes() {
        let common = common(&KafkaSettings::default()).await.unwrap();
        let (config, group) = consumer(&common);
        assert!(group.starts_with("anonymous."), "{group}");
        assert_ne!(group, consumer(&common).1);
        check(
            &config,
            &[
                ("bootstrap.servers", "localhost:9092"),
                ("client.id", "confbus"),
                ("security.protocol", "plaintext"),
                ("group.id", &group),
                ("enable.auto.commit", "false"),
                ("auto.offset.reset", "error"),
                ("receive.message.max.bytes", LARGEST_ANSWER),
                ("max.partition.fetch.bytes", FETCH_BYTES),
                ("queued.max.messages.kbytes", FETCH_KBYTES),
            ],
        );
    }

    #[tokio::test]
    async fn an_event_is_sent_in_order_and_given_up_in_time() {
        let with = |change: fn(&mut KafkaSettings)| KafkaSettings::default().with(change);
        let common = common(&KafkaSettings::default()).await.unwrap();
        let usual = [
            ("acks", "all"),
            ("linger.ms", "0"),
            ("max.in.flight", "1"),
            ("message.timeout.ms", "5000"),
        ];
        check(&producer(&common, &KafkaSettings::default()), &usual);
        let settings = with(|kafka| kafka.required_acks = Acks::Leader);
        check(&producer(&common, &settings), &[("acks", "1")]);
        // To librdkafka, none is no end.
        let settings = with(|kafka| kafka.publish_timeout = Duration::ZERO);
        check(
            &producer(&common, &settings),
            &[("message.timeout.ms", "1")],
        );
    }

    fn sasl() -> Sasl {
        Sasl {
            mechanism: Mechanism::ScramSha512,
            username: "ana".to_owned(),
            password: "s3cret".into(),
            username_file: None,
            password_file: None,
        }
    }

    #[tokio::test]
    async fn what_is_spoken_is_what_was_set() {
        let spoken = async |tls: Option<TlsSettings>, sasl: Option<Sasl>| {
            let settings = KafkaSettings::default().with(|kafka| {
                kafka.tls = tls;
                kafka.sasl = sasl;
            });
            common(&settings).await.unwrap()
        };
        let tls = |verification| {
            Some(TlsSettings {
                verification,
                ..TlsSettings::default()
            })
        };
        let login = [
            ("security.protocol", "sasl_plaintext"),
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("sasl.username", "ana"),
            ("sasl.password", "s3cret"),
        ];
        check(&spoken(None, Some(sasl())).await, &login);
        let both = spoken(tls(Verification::Full), Some(sasl())).await;
        check(&both, &[("security.protocol", "sasl_ssl")]);
        for (verification, verifies, algorithm) in [
            (Verification::Full, "true", "https"),
            (Verification::AnyName, "true", "none"),
            (Verification::Off, "false", "none"),
        ] {
            let expected = [
                ("security.protocol", "ssl"),
                ("ssl.ca.location", "probe"),
                ("enable.ssl.certificate.verification", verifies),
                ("ssl.endpoint.identification.algorithm", algorithm),
            ];
            check(&spoken(tls(verification), None).await, &expected);
        }
    }

    #[tokio::test]
    async fn files_are_read_where_they_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let made = rcgen::generate_simple_self_signed(vec!["broker".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let trusted = file("ca.pem", &certificate);
        let own = file("own.pem", &certificate);
        let pem = |path: &Path| KeyFile {
            path: path.to_owned(),
            password: String::new().into(),
        };
        let settings = KafkaSettings::default().with(|kafka| {
            kafka.sasl = Some(Sasl {
                username_file: Some(file("user", "jo\n")),
                password_file: Some(file("password", "of a file\n")),
                ..sasl()
            });
            kafka.tls = Some(TlsSettings {
                trusted: Some(pem(&trusted)),
                certificate: Some(pem(&own)),
                private_key: Some(file("key.pem", &made.signing_key.serialize_pem())),
                ..TlsSettings::default()
            });
        });
        let config = common(&settings).await.unwrap();
        check(
            &config,
            &[("sasl.username", "jo"), ("sasl.password", "of a file")],
        );
        assert_eq!(config.get("ssl.ca.location"), None);
        for key in ["ssl.ca.pem", "ssl.certificate.pem"] {
            assert!(
                config.get(key).unwrap().contains("BEGIN CERTIFICATE"),
                "{key}"
            );
        }
        assert!(config.get("ssl.key.pem").unwrap().contains("PRIVATE KEY"));

        for missing in ["user", "password", "ca.pem", "own.pem", "key.pem"] {
            let path = folder.path().join(missing);
            let text = std::fs::read(&path).unwrap();
            std::fs::remove_file(&path).unwrap();
            let failure = common(&settings).await.unwrap_err().to_string();
            assert!(failure.contains(missing), "{failure}");
            std::fs::write(&path, text).unwrap();
        }
        std::fs::write(folder.path().join("key.pem"), "s3cret").unwrap();
        let failure = common(&settings).await.unwrap_err().to_string();
        assert!(
            failure.contains("key.pem") && !failure.contains("s3cret"),
            "{failure}"
        );
    }
}
