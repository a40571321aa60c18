//! `spring.cloud.stream.kafka.binder.*` and `spring.kafka.*`: where the brokers are, what the topic is like, who we are there.

mod security;
#[cfg(test)]
mod tests;

use std::time::Duration;

use confbus_bus::{Acks, Address, KafkaSettings};

use super::bindings::{INPUT, OUTPUT, only_json};
use crate::settings::reader::Reader;

const BINDER: &str = "spring.cloud.stream.kafka.binder";
const SPRING: &str = "spring.kafka";
const BROKERS: &str = "spring.cloud.stream.kafka.binder.brokers";
const BOOTSTRAP: &str = "spring.kafka.bootstrap-servers";

pub(super) fn kafka(reader: &mut Reader, mut settings: KafkaSettings) -> Option<KafkaSettings> {
    only_json(reader);
    say_what_has_no_effect(reader);
    let brokers = brokers(reader);
    let (tls, sasl) = security::security(reader)?;
    let binder = |option: &str| format!("{BINDER}.{option}");
    let topic = reader.text_or("spring.cloud.bus.destination", &settings.topic);
    let heard = reader.text_or(&format!("{INPUT}.destination"), &topic);
    let told = reader.text_or(&format!("{OUTPUT}.destination"), &topic);
    settings.output_topic = (told != heard).then_some(told);
    settings.topic = heard;
    settings.auto_create_topics = reader.flag(&binder("autoCreateTopics"), true);
    settings.min_partition_count = reader.number(&binder("minPartitionCount"), 1);
    settings.replication_factor = replication(reader, &binder("replicationFactor"));
    settings.required_acks = acks(reader, &binder("requiredAcks"));
    settings.connection_timeout = reader.duration(
        "confbus.kafka.connection-timeout",
        Duration::from_millis(1),
        settings.connection_timeout,
    );
    settings.tls = tls;
    settings.sasl = sasl;
    settings.brokers = brokers?;
    Some(settings)
}

fn brokers(reader: &mut Reader) -> Option<Vec<Address>> {
    let port = reader.number(&format!("{BINDER}.defaultBrokerPort"), KafkaSettings::PORT);
    let (key, listed) = match reader.list(BROKERS) {
        listed if listed.is_empty() => (BOOTSTRAP, reader.list(BOOTSTRAP)),
        listed => {
            reader.has_no_effect(
                BOOTSTRAP,
                &format!("`{BROKERS}` says where the brokers are"),
            );
            (BROKERS, listed)
        }
    };
    if listed.is_empty() {
        return Some(KafkaSettings::default().brokers);
    }
    let parsed: Option<Vec<_>> = listed
        .iter()
        .map(|broker| KafkaSettings::address_at(broker, port))
        .collect();
    if parsed.is_none() {
        let text = format!("`{key}` names something that is no broker");
        reader.refuse(key, text, Some("host:port, by comma"));
    }
    parsed
}

/// Spring's -1 leaves it to the broker.
fn replication(reader: &mut Reader, key: &str) -> Option<u16> {
    match reader.number(key, -1_i32) {
        -1 => None,
        count => {
            let count = u16::try_from(count).ok().filter(|count| *count > 0);
            if count.is_none() {
                let text = format!("`{key}` is neither -1 nor a number of brokers");
                reader.refuse(key, text, None);
            }
            count
        }
    }
}

fn acks(reader: &mut Reader, key: &str) -> Acks {
    match reader.text_or(key, "all").as_str() {
        "all" | "-1" => Acks::All,
        "1" => Acks::Leader,
        _ => {
            let text = format!("`{key}` is neither `all` nor `1`");
            let hint = "without an answer nobody would know whether an event went out";
            reader.refuse(key, text, Some(hint));
            Acks::All
        }
    }
}

fn say_what_has_no_effect(reader: &mut Reader) {
    let own = "every instance hears every event from its start on, in a group of its own: `anonymous.` and a UUID";
    reader.has_no_effect(&format!("{INPUT}.group"), own);
    let why = "events are hints: confbus commits nothing, tries nothing twice, and asks no more than one topic";
    for binding in [INPUT, OUTPUT] {
        let of_binding = ["destination", "group", "content-type"];
        reader.have_no_effect(&format!("{binding}."), &of_binding, why);
    }
    for bindings in ["springCloudBusInput", "springCloudBusOutput"] {
        let options = format!("spring.cloud.stream.kafka.bindings.{bindings}.");
        reader.have_no_effect(&options, &[], why);
    }
    let honoured = [
        "autoCreateTopics",
        "brokers",
        "defaultBrokerPort",
        "minPartitionCount",
        "replicationFactor",
        "requiredAcks",
    ];
    let honoured: Vec<_> = honoured
        .into_iter()
        .chain(security::BINDER_PROPERTIES)
        .collect();
    reader.have_no_effect(&format!("{BINDER}."), &honoured, why);
    for group in [
        "admin", "consumer", "jaas", "listener", "producer", "streams", "template",
    ] {
        reader.have_no_effect(&format!("{SPRING}.{group}."), &[], why);
    }
}
