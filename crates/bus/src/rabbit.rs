//! The bus over RabbitMQ: a handle that any task may use, and a driver that keeps the connection.

mod connections;
mod credentials;
mod driver;
mod failure;
mod inbox;
mod keys;
mod link;
mod names;
mod publisher;
mod routing;
mod session;
mod settings;
mod tally;
mod tls;
mod topology;
mod verifier;
mod wire;

use std::{fmt, sync::Arc};

use tokio::sync::{broadcast, watch};

pub use connections::Connections;
pub use driver::RabbitDriver;
pub use keys::{KeyFile, Keys, UnusableKeys};
pub use names::spring_anonymous_name;
use publisher::Publisher;
pub use routing::Routing;
pub use settings::{Address, InvalidAddress, Password, PublisherStart, RabbitSettings};
use tally::{Tally, count};
pub use tls::{TlsSettings, Verification};

use crate::{
    Counters, Message, PublishError, Status,
    subscription::{CAPACITY, Signal, Subscription},
};

/// The handle: reads what the driver reports, and publishes through the publisher it lends.
#[derive(Clone)]
pub(crate) struct Rabbit {
    state: watch::Receiver<State>,
    /// Weak, so that subscriptions end with the driver.
    signals: broadcast::WeakSender<Signal>,
    tally: Arc<Tally>,
}

/// What the driver tells the handles.
struct State {
    status: Status,
    /// There exactly while connected.
    publisher: Option<Arc<Publisher>>,
}

pub(crate) fn new(settings: RabbitSettings) -> (Rabbit, RabbitDriver) {
    let signals = broadcast::Sender::new(CAPACITY);
    let tally = Arc::<Tally>::default();
    let (report, state) = watch::channel(State::disconnected("not started".into(), 0));
    let rabbit = Rabbit {
        state,
        signals: signals.downgrade(),
        tally: Arc::clone(&tally),
    };
    (rabbit, RabbitDriver::new(settings, signals, tally, report))
}

impl Rabbit {
    pub(crate) async fn publish(&self, message: &Message) -> Result<(), PublishError> {
        let publisher = self.state.borrow().publisher.clone();
        let Some(publisher) = publisher else {
            count(&self.tally.unpublished);
            return Err(PublishError::NotConnected);
        };
        publisher.publish(message).await
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        match self.signals.upgrade() {
            Some(signals) => Subscription::new(signals.subscribe()),
            None => Subscription::ended(),
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.tally.read()
    }

    pub(crate) fn status(&self) -> Status {
        self.state.borrow().status.clone()
    }
}

impl fmt::Debug for Rabbit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rabbit")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl State {
    fn connected(publisher: Arc<Publisher>, reconnects: u64) -> Self {
        Self {
            status: Status::Connected { reconnects },
            publisher: Some(publisher),
        }
    }

    fn disconnected(error: String, attempts: u64) -> Self {
        Self {
            status: Status::Disconnected { error, attempts },
            publisher: None,
        }
    }
}
