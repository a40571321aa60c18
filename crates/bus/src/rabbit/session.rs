use std::sync::Arc;

use futures_util::StreamExt;
use lapin::{
    Channel, Consumer, ExchangeKind,
    message::Delivery,
    options::{BasicConsumeOptions, ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions},
    types::{FieldTable, ShortString},
};
use tokio::sync::broadcast;
use tracing::{debug, warn};

use super::{
    failure::{Failure, Step, words},
    link::{Link, Role},
    names::spring_anonymous_name,
    publisher::Publisher,
    settings::{Address, RabbitSettings},
    wire::{self, Unread},
};
use crate::Signal;

/// Both connections, from the first to the first that is lost.
pub(super) struct Session {
    pub(super) address: Address,
    pub(super) queue: String,
    pub(super) publisher: Arc<Publisher>,
    consuming: Link,
    consumer: Consumer,
}

impl Session {
    /// Connects, declares, binds and consumes: when this returns, no event is missed.
    pub(super) async fn open(
        settings: &RabbitSettings,
        address: &Address,
    ) -> Result<Self, Failure> {
        let limit = settings.connection_timeout;
        // On the heap, because lapin's futures are large.
        let opening = Box::pin(Self::open_both(settings, address));
        let opened = tokio::time::timeout(limit, opening).await;
        opened.unwrap_or(Err(Failure::NoAnswer(limit)))
    }

    async fn open_both(settings: &RabbitSettings, address: &Address) -> Result<Self, Failure> {
        let exchange = short("the exchange's name", &settings.exchange)?;
        // A name of our own making, so that operators know it, and new each time: the broker may still hold the old one.
        let queue = spring_anonymous_name(&settings.exchange, &settings.anonymous_group_prefix);
        let queue_name = short("the queue's name", &queue)?;

        let consuming = Link::open(settings, address, Role::Consumer).await?;
        let channel = consuming
            .channel()
            .await
            .map_err(Failure::of(Step::Connect))?;
        if settings.declare_exchange {
            declare_exchange(&channel, exchange.clone())
                .await
                .map_err(Failure::of(Step::DeclareExchange))?;
        }
        let consumer = consume(&channel, exchange.clone(), queue_name).await?;
        let publisher = Arc::new(Publisher::open(settings, address, exchange).await?);
        Ok(Self {
            address: address.clone(),
            queue,
            publisher,
            consuming,
            consumer,
        })
    }

    /// Hands every event to the subscribers, until a connection is lost.
    pub(super) async fn relay(&mut self, signals: &broadcast::Sender<Signal>) -> Failure {
        let publishing = self.publisher.ended();
        tokio::pin!(publishing);
        loop {
            tokio::select! {
                delivery = self.consumer.next() => match delivery {
                    Some(Ok(delivery)) => forward(&delivery, signals),
                    Some(Err(error)) => return Failure::Ended(words(&error)),
                    None => return Failure::QueueGone,
                },
                failure = &mut publishing => return failure,
            }
        }
    }

    pub(super) async fn close(self) {
        tokio::join!(self.consuming.close(), self.publisher.close());
    }
}

fn short(what: &'static str, text: &str) -> Result<ShortString, Failure> {
    ShortString::try_new(text).map_err(|_too_long| Failure::TooLong(what))
}

/// Exactly as Spring does, or the broker refuses one of the two.
async fn declare_exchange(channel: &Channel, exchange: ShortString) -> lapin::Result<()> {
    let options = ExchangeDeclareOptions {
        durable: true,
        ..ExchangeDeclareOptions::default()
    };
    channel
        .exchange_declare(
            exchange,
            ExchangeKind::Topic,
            options,
            FieldTable::default(),
        )
        .await
}

async fn consume(
    channel: &Channel,
    exchange: ShortString,
    queue: ShortString,
) -> Result<Consumer, Failure> {
    let ours_alone = QueueDeclareOptions {
        exclusive: true,
        auto_delete: true,
        ..QueueDeclareOptions::default()
    };
    let declared = channel
        .queue_declare(queue.clone(), ours_alone, FieldTable::default())
        .await;
    declared.map_err(Failure::of(Step::DeclareQueue))?;

    let bound = channel
        .queue_bind(
            queue.clone(),
            exchange,
            "#".into(),
            QueueBindOptions::default(),
            FieldTable::default(),
        )
        .await;
    bound.map_err(Failure::of(Step::BindQueue))?;

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

fn forward(delivery: &Delivery, signals: &broadcast::Sender<Signal>) {
    let signal = match wire::read(&delivery.properties, &delivery.data) {
        Ok(message) => Signal::Message(message),
        // A hint that we cannot read is still a hint.
        Err(unread @ Unread::Compressed) => {
            debug!(reason = %unread, "a message on the bus is taken for a hint to look again");
            Signal::LookAgain
        }
        Err(unread) => {
            warn!(reason = %unread, bytes = delivery.data.len(), "a message on the bus is no event and was dropped");
            return;
        }
    };
    // The only error is that nobody listens, which is no error on a bus.
    _ = signals.send(signal);
}
