use std::{fmt, sync::Arc};

use tokio::sync::{broadcast, watch};

use super::{Tally, count};
use crate::{
    Binder, Counters, Message, PublishError, Signal, Status, Subscription, binder::Publishing,
};

/// Sends events to one broker, as long as it is connected.
pub(crate) trait Publish: Send + Sync + 'static {
    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a>;
}

/// The handle: reads what the driver reports, and publishes through the publisher it lends.
pub(crate) struct Handle<P> {
    name: &'static str,
    state: watch::Receiver<State<P>>,
    /// Weak, so that subscriptions end with the driver.
    signals: broadcast::WeakSender<Signal>,
    tally: Arc<Tally>,
}

/// The driver's ends of everything that the handle has.
pub(crate) struct Ends<P> {
    pub(crate) signals: broadcast::Sender<Signal>,
    pub(crate) tally: Arc<Tally>,
    pub(super) report: Report<P>,
}

/// What the driver tells the handle.
struct State<P> {
    status: Status,
    /// There exactly while connected.
    publisher: Option<Arc<P>>,
}

/// What the handle sees; once nobody drives the bus, it sees that.
pub(super) struct Report<P>(watch::Sender<State<P>>);

pub(crate) fn pair<P>(name: &'static str) -> (Handle<P>, Ends<P>) {
    let signals = broadcast::Sender::new(Subscription::CAPACITY);
    let tally = Arc::<Tally>::default();
    let (report, state) = watch::channel(State::disconnected("not started".into(), 0));
    let handle = Handle {
        name,
        state,
        signals: signals.downgrade(),
        tally: Arc::clone(&tally),
    };
    let ends = Ends {
        signals,
        tally,
        report: Report(report),
    };
    (handle, ends)
}

impl<P: Publish> Binder for Handle<P> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a> {
        Box::pin(async move {
            let publisher = self.state.borrow().publisher.clone();
            let Some(publisher) = publisher else {
                count(&self.tally.unpublished);
                return Err(PublishError::NotConnected);
            };
            let published = publisher.publish(message).await;
            count(match published {
                Ok(()) => &self.tally.published,
                Err(_) => &self.tally.unpublished,
            });
            published
        })
    }

    fn subscribe(&self) -> Subscription {
        match self.signals.upgrade() {
            Some(signals) => signals.subscribe().into(),
            None => Subscription::ended(),
        }
    }

    fn status(&self) -> Status {
        self.state.borrow().status.clone()
    }

    fn counters(&self) -> Counters {
        self.tally.read()
    }
}

impl<P> fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle")
            .field("name", &self.name)
            .field("status", &self.state.borrow().status)
            .finish_non_exhaustive()
    }
}

impl<P> State<P> {
    fn disconnected(error: String, attempts: u64) -> Self {
        Self {
            status: Status::Disconnected { error, attempts },
            publisher: None,
        }
    }
}

impl<P> Report<P> {
    pub(super) fn connected(&self, publisher: Arc<P>, reconnects: u64) {
        self.0.send_replace(State {
            status: Status::Connected { reconnects },
            publisher: Some(publisher),
        });
    }

    pub(super) fn disconnected(&self, error: String, attempts: u64) {
        self.0.send_replace(State::disconnected(error, attempts));
    }
}

impl<P> Drop for Report<P> {
    fn drop(&mut self) {
        self.disconnected("the bus was stopped".into(), 0);
    }
}
