//! `spring.cloud.stream.…bindings.springCloudBus{Input,Output}.*`: names of exchanges and queues at the broker.

use confbus_bus::RabbitSettings;

use crate::settings::reader::Reader;

pub(super) const INPUT: &str = "spring.cloud.stream.bindings.springCloudBusInput";
pub(super) const OUTPUT: &str = "spring.cloud.stream.bindings.springCloudBusOutput";
const CONSUMER: &str = "spring.cloud.stream.rabbit.bindings.springCloudBusInput.consumer";
const PRODUCER: &str = "spring.cloud.stream.rabbit.bindings.springCloudBusOutput.producer";

/// Options that change what is declared, each with the one value that it may have here.
const FIXED: [(&str, &str); 5] = [
    ("exchangeType", "topic"),
    ("exchangeDurable", "true"),
    ("exchangeAutoDelete", "false"),
    ("delayedExchange", "false"),
    ("durableSubscription", "true"),
];

const HONOURED: [&str; 8] = [
    "anonymousGroupPrefix",
    "bindQueue",
    "bindingRoutingKey",
    "bindingRoutingKeyDelimiter",
    "declareExchange",
    "prefix",
    "queueNameGroupOnly",
    "routingKey",
];

pub(super) fn bindings(
    reader: &mut Reader,
    mut settings: RabbitSettings,
) -> Option<RabbitSettings> {
    only_json(reader);
    refuse_other_declarations(reader);
    say_what_has_no_effect(reader);
    let exchange = reader.text_or("spring.cloud.bus.destination", &settings.exchange);
    let heard = exchange_of(reader, INPUT, CONSUMER, &exchange);
    let told = exchange_of(reader, OUTPUT, PRODUCER, &exchange);
    let consumer = |option: &str| format!("{CONSUMER}.{option}");
    let queue_name_group_only = reader.flag(&consumer("queueNameGroupOnly"), false);
    let prefix = reader.text_or(&consumer("prefix"), "");
    // The prefix stands in front of every name; otherwise it is there with the exchange's.
    let in_front = |name: String| {
        if queue_name_group_only {
            format!("{prefix}{name}")
        } else {
            name
        }
    };
    let declares = reader.flag(&consumer("declareExchange"), settings.declare_exchange);
    let tells = reader.flag(&format!("{PRODUCER}.declareExchange"), declares);
    // Spring's default is the destination without the prefix of the producer.
    settings.routing_key = reader
        .text(&format!("{PRODUCER}.routingKey"))
        .or_else(|| reader.text(&format!("{OUTPUT}.destination")))
        .or(Some(exchange));
    settings.output_exchange = (told != heard).then_some(told);
    settings.exchange = heard;
    settings.declare_exchange = declares && tells;
    settings.anonymous_group_prefix = in_front(reader.text_or(
        &consumer("anonymousGroupPrefix"),
        &settings.anonymous_group_prefix,
    ));
    settings.group = reader.text(&format!("{INPUT}.group")).map(in_front);
    settings.queue_name_group_only = queue_name_group_only;
    settings.binding_keys = binding_keys(reader);
    Some(settings)
}

fn exchange_of(reader: &Reader, binding: &str, options: &str, bus: &str) -> String {
    let destination = reader.text_or(&format!("{binding}.destination"), bus);
    let prefix = reader.text_or(&format!("{options}.prefix"), "");
    format!("{prefix}{destination}")
}

fn binding_keys(reader: &mut Reader) -> Vec<String> {
    if !reader.flag(&format!("{CONSUMER}.bindQueue"), true) {
        return Vec::new();
    }
    let key = reader.text_or(&format!("{CONSUMER}.bindingRoutingKey"), "#");
    match reader.text(&format!("{CONSUMER}.bindingRoutingKeyDelimiter")) {
        Some(delimiter) => key.split(&delimiter).map(str::to_owned).collect(),
        None => vec![key],
    }
}

pub(super) fn only_json(reader: &mut Reader) {
    for binding in [INPUT, OUTPUT] {
        let key = format!("{binding}.content-type");
        let said = reader.text_or(&key, "application/json");
        let media_type = said.split(';').next().unwrap_or_default().trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            let text = format!("`{key}` is not application/json, which is all that confbus speaks");
            reader.refuse(&key, text, None);
        }
    }
}

fn refuse_other_declarations(reader: &mut Reader) {
    for options in [CONSUMER, PRODUCER] {
        for (option, only) in FIXED {
            let key = format!("{options}.{option}");
            if !reader.text_or(&key, only).eq_ignore_ascii_case(only) {
                let text = format!("`{key}` can only be `{only}`");
                let hint = "declare it beforehand, and set declareExchange to false; for queues give a group";
                reader.refuse(&key, text, Some(hint));
            }
        }
        let expression = format!("{options}.routingKeyExpression");
        if reader.has(&expression) {
            let hint = "write the routing key itself: …producer.routingKey";
            let text = format!("`{expression}`: expressions are not supported");
            reader.refuse(&expression, text, Some(hint));
        }
    }
}

/// Whatever else can be said of a binding is of polls, attempts, dead letters and partitions.
fn say_what_has_no_effect(reader: &mut Reader) {
    let why = "events are hints: confbus takes them without acknowledgement, one queue a process, and tries nothing twice";
    let honoured: Vec<_> = HONOURED
        .into_iter()
        .chain(FIXED.map(|(option, _)| option))
        .chain(["routingKeyExpression"])
        .collect();
    for options in [CONSUMER, PRODUCER] {
        reader.have_no_effect(&format!("{options}."), &honoured, why);
    }
    let of_binding = ["destination", "group", "content-type"];
    for binding in [INPUT, OUTPUT] {
        reader.have_no_effect(&format!("{binding}."), &of_binding, why);
    }
}
