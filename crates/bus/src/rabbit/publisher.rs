use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use lapin::{
    Channel, Confirmation,
    options::{BasicPublishOptions, ConfirmSelectOptions},
    types::ShortString,
};
use tokio::sync::{Mutex, Notify, OnceCell};

use super::{
    connections::Connections,
    failure::{self, Failure, Step, words},
    link::{Link, Role},
    routing::Routing,
    settings::RabbitSettings,
    topology::{declare_exchange, short},
    wire,
};
use crate::{Address, Message, PublishError, binder::Publishing, broker::Publish};

/// Publishes over a connection of its own, since the broker may block it; it is made when it is needed first.
pub(super) struct Publisher {
    settings: Arc<RabbitSettings>,
    address: Address,
    open: OnceCell<Open>,
    opened: Notify,
    /// Something went wrong that only a new connection mends.
    doubtful: Notify,
}

struct Open {
    link: Arc<Link>,
    /// Ended by the broker when it refuses an event; the next event opens another.
    channel: Mutex<Channel>,
    exchange: ShortString,
    routing: Routing,
    /// Of events for several applications.
    routing_key: String,
}

impl Publisher {
    pub(super) fn new(settings: Arc<RabbitSettings>, address: Address) -> Self {
        Self {
            settings,
            address,
            open: OnceCell::new(),
            opened: Notify::new(),
            doubtful: Notify::new(),
        }
    }

    /// Makes the connection, if there is none.
    pub(super) async fn open(&self) -> Result<(), Failure> {
        if self.open.initialized() {
            return Ok(());
        }
        // On the heap, because lapin's futures are large.
        let opening = || Box::pin(Open::new(&self.settings, &self.address));
        self.open.get_or_try_init(opening).await?;
        self.opened.notify_one();
        Ok(())
    }

    async fn try_publish(&self, message: &Message) -> Result<(), PublishError> {
        let limit = self.settings.publish_timeout;
        let open = self.opened_within(limit).await?;
        if open.link.is_blocked() {
            return Err(PublishError::Blocked);
        }
        let body = message.event.to_json_of(self.settings.json);
        match tokio::time::timeout(limit, open.send(message, &body)).await {
            Ok(Ok(Confirmation::Nack(_))) => Err(PublishError::Nack),
            Ok(Ok(Confirmation::Ack(_) | Confirmation::NotRequested)) => Ok(()),
            Ok(Err(error)) if failure::is_forbidden(&error) => {
                Err(PublishError::Refused(words(&error)))
            }
            Ok(Err(error)) => Err(self.doubt(PublishError::Lost(words(&error)))),
            // The alarm was told to us in answer to this event.
            Err(_elapsed) if open.link.is_blocked() => Err(PublishError::Blocked),
            Err(_elapsed) => Err(self.doubt(PublishError::Timeout)),
        }
    }

    async fn opened_within(&self, limit: Duration) -> Result<&Open, PublishError> {
        let opened = tokio::time::timeout(limit, self.open()).await;
        let failed = |failure: Failure| PublishError::NoPublisher(failure.to_string());
        opened
            .unwrap_or(Err(Failure::NoAnswer(limit)))
            .map_err(failed)?;
        self.open.get().ok_or(PublishError::NotConnected)
    }

    /// Returns when this publisher is of no more use, and why.
    pub(super) async fn ended(&self) -> Failure {
        tokio::select! {
            failure = self.lost() => failure,
            () = self.doubtful.notified() => Failure::Doubtful,
        }
    }

    async fn lost(&self) -> Failure {
        loop {
            match self.open.get() {
                Some(open) => return open.link.ended().await,
                None => self.opened.notified().await,
            }
        }
    }

    pub(super) async fn close(&self) {
        if let Some(open) = self.open.get() {
            let channel = open.channel.lock().await.clone();
            open.link.release(&channel).await;
        }
    }

    fn doubt(&self, error: PublishError) -> PublishError {
        if let Some(open) = self.open.get() {
            open.link.give_up();
        }
        self.doubtful.notify_one();
        error
    }
}

impl Publish for Publisher {
    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a> {
        Box::pin(self.try_publish(message))
    }
}

impl Open {
    async fn new(settings: &Arc<RabbitSettings>, address: &Address) -> Result<Self, Failure> {
        let exchange = settings.publish_exchange();
        let link = Connections::lease(settings, address, Role::Publisher).await?;
        let channel = confirming(&link)
            .await
            .map_err(Failure::of(Step::OpenPublisher))?;
        let name = short("the exchange's name", exchange)?;
        // The one that we hear of was declared with its queue.
        if settings.declare_exchange && exchange != settings.exchange {
            declare_exchange(&channel, name.clone()).await?;
        }
        Ok(Self {
            link,
            channel: Mutex::new(channel),
            exchange: name,
            routing: settings.routing,
            // Checked here, so that no event meets one that is too long.
            routing_key: short("the routing key", settings.key_base())?.to_string(),
        })
    }

    async fn send(&self, message: &Message, body: &[u8]) -> lapin::Result<Confirmation> {
        let properties = wire::properties(message, SystemTime::now());
        let exchange = self.exchange.clone();
        let destination = message.event.destination_service.as_deref().unwrap_or("");
        let routing_key = self.routing.key(&self.routing_key, destination).into();
        let channel = self.channel().await?;
        // Not mandatory: an event that nobody listens to is no error.
        let options = BasicPublishOptions::default();
        let confirm = channel
            .basic_publish(exchange, routing_key, options, body, properties)
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
}

async fn confirming(link: &Link) -> lapin::Result<Channel> {
    let channel = link.channel().await?;
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await?;
    Ok(channel)
}
