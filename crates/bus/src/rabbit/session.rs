use std::sync::Arc;

use futures_util::StreamExt;
use lapin::{BasicProperties, Channel, Consumer, message::Delivery, types::ShortString};

use super::{
    PublisherStart,
    connections::Connections,
    failure::{Failure, Step, words},
    link::{Link, Role},
    publisher::Publisher,
    settings::RabbitSettings,
    topology::{consume, declare_exchange, queue_name, short},
    wire,
};
use crate::{Address, broker::Inbox};

/// All connections to one broker, from the first to the first that is lost.
pub(super) struct Session {
    pub(super) address: Address,
    pub(super) exchange: String,
    pub(super) queue: String,
    pub(super) publisher: Arc<Publisher>,
    consuming: Arc<Link>,
    channel: Channel,
    consumer: Consumer,
}

impl Session {
    /// Connects, declares, binds and consumes: when this returns, no event is missed.
    pub(super) async fn open(
        settings: &Arc<RabbitSettings>,
        address: &Address,
    ) -> Result<Self, Failure> {
        let limit = settings.connection_timeout;
        // On the heap, because lapin's futures are large.
        let opening = Box::pin(Self::open_all(settings, address));
        let opened = tokio::time::timeout(limit, opening).await;
        opened.unwrap_or(Err(Failure::NoAnswer(limit)))
    }

    async fn open_all(settings: &Arc<RabbitSettings>, address: &Address) -> Result<Self, Failure> {
        let exchange = short("the exchange's name", &settings.exchange)?;
        let queue = queue_name(settings);
        let queue_name = short("the queue's name", &queue)?;

        let consuming = Connections::lease(settings, address, Role::Consumer).await?;
        let channel = consuming
            .channel()
            .await
            .map_err(Failure::of(Step::Connect))?;
        if settings.declare_exchange {
            declare_exchange(&channel, exchange).await?;
        }
        let consumer = consume(&channel, settings, queue_name).await?;
        let publisher = Publisher::new(Arc::clone(settings), address.clone());
        if settings.publisher == PublisherStart::AtOnce {
            publisher.open().await?;
        }
        Ok(Self {
            address: address.clone(),
            exchange: settings.exchange.clone(),
            queue,
            publisher: Arc::new(publisher),
            consuming,
            channel,
            consumer,
        })
    }

    /// Hands every event to the inbox, until a connection is lost.
    pub(super) async fn relay(&mut self, inbox: &mut Inbox) -> Failure {
        let publishing = self.publisher.ended();
        tokio::pin!(publishing);
        loop {
            tokio::select! {
                delivery = self.consumer.next() => match delivery {
                    Some(Ok(delivery)) => take(inbox, &delivery),
                    Some(Err(error)) => return Failure::Ended(words(&error)),
                    None => return Failure::QueueGone,
                },
                failure = &mut publishing => return failure,
            }
        }
    }

    pub(super) async fn close(self) {
        tokio::join!(
            self.consuming.release(&self.channel),
            self.publisher.close()
        );
    }
}

fn take(inbox: &mut Inbox, delivery: &Delivery) {
    let Delivery {
        properties, data, ..
    } = delivery;
    inbox.take(wire::read(properties, data), data.len(), || {
        sender(properties)
    });
}

/// Who says that they sent it; Spring's applications do not say.
fn sender(properties: &BasicProperties) -> String {
    let said = [properties.app_id(), properties.user_id()];
    let said = said
        .iter()
        .find_map(|said| said.as_ref().map(ShortString::to_string));
    said.unwrap_or_else(|| "unnamed".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_has_the_name_it_gives_itself() {
        let plain = BasicProperties::default();
        assert_eq!(sender(&plain), "unnamed");
        assert_eq!(sender(&plain.with_app_id("billing".into())), "billing");
    }
}
