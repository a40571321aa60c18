use std::sync::Arc;

use futures_util::StreamExt;
use lapin::{Channel, Consumer};

use super::{
    PublisherStart,
    connections::Connections,
    failure::{Failure, Step, words},
    inbox::Inbox,
    link::{Link, Role},
    publisher::Publisher,
    settings::{Address, RabbitSettings},
    tally::Tally,
    topology::{consume, declare_exchange, queue_name, short},
};

/// All connections to one broker, from the first to the first that is lost.
pub(super) struct Session {
    pub(super) address: Address,
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
        tally: &Arc<Tally>,
    ) -> Result<Self, Failure> {
        let limit = settings.connection_timeout;
        // On the heap, because lapin's futures are large.
        let opening = Box::pin(Self::open_all(settings, address, tally));
        let opened = tokio::time::timeout(limit, opening).await;
        opened.unwrap_or(Err(Failure::NoAnswer(limit)))
    }

    async fn open_all(
        settings: &Arc<RabbitSettings>,
        address: &Address,
        tally: &Arc<Tally>,
    ) -> Result<Self, Failure> {
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
        let publisher = Publisher::new(Arc::clone(settings), address.clone(), Arc::clone(tally));
        if settings.publisher == PublisherStart::AtOnce {
            publisher.open().await?;
        }
        Ok(Self {
            address: address.clone(),
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
                    Some(Ok(delivery)) => inbox.take(&delivery),
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
