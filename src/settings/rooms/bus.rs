mod binder;
mod bindings;
mod broker;
#[cfg(feature = "kafka")]
mod kafka;
mod member;
#[cfg(test)]
mod tests;

use confbus_bus::{PublisherStart, RabbitSettings, Routing};
use confbus_protocol::{Destination, SpringLine};

use binder::Binder;
pub(super) use member::member;

use crate::settings::{Bus, reader::Reader};

/// The broker of which anything is said, otherwise within the process.
pub(super) fn bus(reader: &mut Reader) -> Option<Bus> {
    say_what_has_no_effect(reader);
    let json = json(reader);
    let routing = routing(reader);
    let binder = binder::binder(reader);
    if !reader.flag("spring.cloud.bus.enabled", true) {
        return Some(Bus::Local);
    }
    match binder? {
        Binder::Local => Some(Bus::Local),
        Binder::Rabbit => rabbit(reader, json?, routing?),
        Binder::Kafka(asked_by) => over_kafka(reader, json?, &asked_by),
    }
}

fn rabbit(reader: &mut Reader, json: SpringLine, routing: Routing) -> Option<Bus> {
    let mut settings = RabbitSettings::default();
    settings.connection_name = "confbus-server".into();
    // A server that cannot tell anybody has to say so before it has something to tell.
    settings.publisher = PublisherStart::AtOnce;
    settings.json = json;
    settings.routing = routing;
    let settings = broker::broker(reader, settings)?;
    let settings = bindings::bindings(reader, settings)?;
    Some(Bus::Rabbit(Box::new(settings)))
}

#[cfg(feature = "kafka")]
fn over_kafka(reader: &mut Reader, json: SpringLine, _: &str) -> Option<Bus> {
    reader.has_no_effect("confbus.bus.routing", "Kafka has no routing keys");
    let settings = confbus_bus::KafkaSettings::default().with(|kafka| {
        kafka.client_id = "confbus-server".into();
        kafka.json = json;
    });
    let settings = kafka::kafka(reader, settings)?;
    Some(Bus::Kafka(Box::new(settings)))
}

#[cfg(not(feature = "kafka"))]
fn over_kafka(reader: &mut Reader, _: SpringLine, asked_by: &str) -> Option<Bus> {
    let text = format!("`{asked_by}` asks for Kafka, which is not part of this program");
    let hint = "build it with `--features kafka`, or name a RabbitMQ";
    reader.refuse_as(
        crate::settings::code::UNSUPPORTED,
        asked_by,
        text,
        Some(hint),
    );
    None
}

/// `spring.cloud.bus.ack.destination-service`: whom our acks are addressed to. Nobody looks at it.
pub(super) fn ack_destination(reader: &Reader) -> Destination {
    reader
        .text("spring.cloud.bus.ack.destination-service")
        .map_or_else(Destination::everyone, |given| Destination::complete(&given))
}

fn json(reader: &mut Reader) -> Option<SpringLine> {
    const KEY: &str = "confbus.bus.json";
    match reader.text_or(KEY, "boot-4").as_str() {
        "boot-4" => Some(SpringLine::Boot4),
        "boot-3" => Some(SpringLine::Boot3),
        _ => {
            let text = format!("`{KEY}` is neither `boot-3` nor `boot-4`");
            reader.refuse(KEY, text, None);
            None
        }
    }
}

fn routing(reader: &mut Reader) -> Option<Routing> {
    const KEY: &str = "confbus.bus.routing";
    match reader.text_or(KEY, "spring").as_str() {
        "spring" => Some(Routing::AsSpring),
        "application" => Some(Routing::PerApplication),
        _ => {
            let text = format!("`{KEY}` is neither `spring` nor `application`");
            reader.refuse(KEY, text, None);
            None
        }
    }
}

/// Settings of Spring's that a config server may have and that mean nothing here.
fn say_what_has_no_effect(reader: &mut Reader) {
    for (key, why) in [
        (
            "spring.cloud.bus.content-type",
            "Spring Cloud Bus 3 and later do not read it either; events are application/json",
        ),
        (
            "spring.cloud.bus.trace.enabled",
            "with RUST_LOG=confbus_bus=trace every event is logged",
        ),
    ] {
        reader.has_no_effect(key, why);
    }
    for listener in ["env", "shutdown"] {
        let key = format!("spring.cloud.bus.{listener}.enabled");
        if reader.flag(&key, false) {
            reader.has_no_effect(
                &key,
                "this server does nothing that others on the bus tell it, but look again",
            );
        }
    }
}
