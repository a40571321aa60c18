//! What is declared at the broker, exactly as Spring does: whatever differs, the broker refuses to one of the two.

use lapin::{
    Channel, Consumer, ExchangeKind,
    options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};

use super::{
    failure::{Failure, Step},
    names::spring_anonymous_name,
    settings::RabbitSettings,
};

pub(super) fn short(what: &'static str, text: &str) -> Result<ShortString, Failure> {
    ShortString::try_new(text).map_err(|_too_long| Failure::TooLong(what))
}

/// Without a group a name of our own making, so that operators know it, and new each time: the broker may still hold
/// the old one.
pub(super) fn queue_name(settings: &RabbitSettings) -> String {
    let exchange = &settings.exchange;
    match &settings.group {
        Some(group) if settings.queue_name_group_only => group.clone(),
        Some(group) => format!("{exchange}.{group}"),
        None => {
            let name = spring_anonymous_name(exchange, &settings.anonymous_group_prefix);
            let group_only = name[exchange.len() + 1..].to_owned();
            if settings.queue_name_group_only {
                group_only
            } else {
                name
            }
        }
    }
}

pub(super) async fn declare_exchange(
    channel: &Channel,
    exchange: ShortString,
) -> Result<(), Failure> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    let declared = channel
        .exchange_declare(
            exchange,
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        )
        .await;
    declared.map_err(Failure::of(Step::DeclareExchange))
}

/// Declares the queue, binds it, and consumes: when this returns, no event is missed.
pub(super) async fn consume(
    channel: &Channel,
    settings: &RabbitSettings,
    queue: ShortString,
) -> Result<Consumer, Failure> {
    declare_queue(channel, settings, queue.clone()).await?;
    for key in &settings.binding_keys {
        let bound = channel
            .queue_bind(
                queue.clone(),
                short("the exchange's name", &settings.exchange)?,
                short("a binding key", key)?,
                QueueBindOptions::default(),
                FieldTable::default(),
            )
            .await;
        bound.map_err(Failure::of(Step::BindQueue))?;
    }
    // An event is a hint, so nothing is acknowledged, and nothing that we cannot handle ever stands in the way.
    let unacknowledged = BasicConsumeOptions {
        no_ack: true,
        ..BasicConsumeOptions::default()
    };
    let consumer = channel
        .basic_consume(queue, "".into(), unacknowledged, FieldTable::default())
        .await;
    consumer.map_err(Failure::of(Step::Consume))
}

/// Of the connection alone, or, with a group, durable: nothing between, which RabbitMQ 4 does not like any more.
async fn declare_queue(
    channel: &Channel,
    settings: &RabbitSettings,
    queue: ShortString,
) -> Result<(), Failure> {
    let of_a_group = settings.group.is_some();
    let options = QueueDeclareOptions {
        durable: of_a_group,
        exclusive: !of_a_group,
        auto_delete: !of_a_group,
        ..QueueDeclareOptions::default()
    };
    let declared = channel
        .queue_declare(queue, options, FieldTable::default())
        .await;
    declared
        .map(|_| ())
        .map_err(Failure::of(Step::DeclareQueue))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_are_named_as_spring_names_them() {
        let mut settings = RabbitSettings {
            exchange: "bus".into(),
            ..RabbitSettings::default()
        };
        let random = "?".repeat(22);
        let mut check = |group: Option<&str>, group_only, expected: &str| {
            settings.group = group.map(str::to_owned);
            settings.queue_name_group_only = group_only;
            let name = queue_name(&settings);
            match expected.strip_suffix(&random) {
                Some(start) => assert!(
                    name.starts_with(start) && name.len() == expected.len(),
                    "{name}"
                ),
                None => assert_eq!(name, expected),
            }
        };
        check(None, false, &format!("bus.anonymous.{random}"));
        check(None, true, &format!("anonymous.{random}"));
        check(Some("audit"), false, "bus.audit");
        check(Some("audit"), true, "audit");
    }
}
