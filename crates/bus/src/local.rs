use tokio::sync::broadcast;

use crate::{
    Binder, Counters, Message, Status,
    binder::Publishing,
    subscription::{Signal, Subscription},
};

/// A bus within this process.
#[derive(Debug)]
pub(crate) struct Local(broadcast::Sender<Signal>);

impl Local {
    pub(crate) fn new() -> Self {
        Self(broadcast::Sender::new(Subscription::CAPACITY))
    }
}

impl Binder for Local {
    fn name(&self) -> &'static str {
        "local"
    }

    fn publish<'a>(&'a self, message: &'a Message) -> Publishing<'a> {
        Box::pin(async {
            // The only error is that nobody listens, which is no error on a bus.
            _ = self.0.send(Signal::Message(message.clone()));
            Ok(())
        })
    }

    fn subscribe(&self) -> Subscription {
        self.0.subscribe().into()
    }

    fn status(&self) -> Status {
        Status::Local
    }

    fn counters(&self) -> Counters {
        Counters::default()
    }
}
