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
