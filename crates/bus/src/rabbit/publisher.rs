use std::time::{Duration, SystemTime};

use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::sync::{Mutex, Notify};

use super::{
    failure::{self, Failure, Step, words},
    link::{Link, Role},
    settings::{Address, RabbitSettings},
    wire,
};
use crate::{Message, PublishError};

/// A connection to publish on, apart from the one that consumes: the broker may block it.
pub(super) struct Publisher {
    link: Link,
    /// Ended by the broker when it refuses an event; the next event opens another.
    channel: Mutex<Channel>,
    exchange: ShortString,
    limit: Duration,
    /// Something went wrong that only a new connection mends.
    doubtful: Notify,
}

impl Publisher {
    pub(super) async fn open(
        settings: &RabbitSettings,
        address: &Address,
        exchange: ShortString,
    ) -> Result<Self, Failure> {
        let link = Link::open(settings, address, Role::Publisher).await?;
        let channel = confirming(&link)
            .await
            .map_err(Failure::of(Step::OpenPublisher))?;
        Ok(Self {
            link,
            channel: Mutex::new(channel),
            exchange,
            limit: settings.publish_timeout,
            doubtful: Notify::new(),
        })
    }

    pub(super) async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        if self.link.is_blocked() {
            return Err(PublishError::Blocked);
        }
        match tokio::time::timeout(self.limit, self.send(message)).await {
            Ok(Ok(Confirmation::Nack(_))) => Err(PublishError::Nack),
            Ok(Ok(Confirmation::Ack(_) | Confirmation::NotRequested)) => Ok(()),
            Ok(Err(error)) if failure::is_forbidden(&error) => {
                Err(PublishError::Refused(words(&error)))
            }
            Ok(Err(error)) => Err(self.doubt(PublishError::Lost(words(&error)))),
            // The alarm was told to us in answer to this event.
            Err(_elapsed) if self.link.is_blocked() => Err(PublishError::Blocked),
            Err(_elapsed) => Err(self.doubt(PublishError::Timeout)),
        }
    }

    /// Returns when this publisher is of no more use, and why.
    pub(super) async fn ended(&self) -> Failure {
        tokio::select! {
            failure = self.link.ended() => failure,
            () = self.doubtful.notified() => Failure::Doubtful,
        }
    }

    pub(super) async fn close(&self) {
        self.link.close().await;
    }

    async fn send(&self, message: &Message) -> lapin::Result<Confirmation> {
        let properties = wire::properties(message, SystemTime::now());
        let (exchange, routing_key) = (self.exchange.clone(), self.exchange.clone());
        let channel = self.channel().await?;
        // Not mandatory: an event that nobody listens to is no error.
        let options = BasicPublishOptions::default();
        let confirm = channel
            .basic_publish(
                exchange,
                routing_key,
                options,
                &message.event.to_json(),
                properties,
            )
            .await?;
        confirm.await
    }

    async fn channel(&self) -> lapin::Result<Channel> {
        let mut channel = self.channel.lock().await;
        if !channel.status().connected() {
            *channel = confirming(&self.link).await?;
        }
        Ok(channel.clone())
    }

    fn doubt(&self, error: PublishError) -> PublishError {
        self.doubtful.notify_one();
        error
    }
}

async fn confirming(link: &Link) -> lapin::Result<Channel> {
    let channel = link.channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    Ok(channel)
}
