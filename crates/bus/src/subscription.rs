use tokio::sync::broadcast::{self, error::RecvError};

use crate::Message;

/// What a subscriber hears.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "hardly a signal is not a message"
)]
pub enum Signal {
    /// Events may have been lost: look again. Comes after every connect, the first included, when this subscriber fell
    /// behind, and for a message that is compressed and therefore not read.
    LookAgain,
    /// An event, maybe one of our own.
    Message(Message),
}

/// The events of a bus since [`Bus::subscribe`](crate::Bus::subscribe).
#[derive(Debug)]
pub struct Subscription(broadcast::Receiver<Signal>);

impl Subscription {
    /// Signals a slow subscriber may fall behind before it loses some: a burst of one event for each of 256 applications.
    pub const CAPACITY: usize = 256;

    /// A subscription to a bus that is gone.
    #[must_use]
    pub fn ended() -> Self {
        Self(broadcast::channel(1).1)
    }

    /// The next signal; `None` once the bus is gone: its driver has stopped, or in process its last handle was dropped.
    ///
    /// Dropping the future loses nothing, so it may stand in a `select!`.
    pub async fn next(&mut self) -> Option<Signal> {
        match self.0.recv().await {
            Ok(signal) => Some(signal),
            Err(RecvError::Lagged(missed)) => {
                tracing::debug!(missed, "a subscriber fell behind and has to look again");
                Some(Signal::LookAgain)
            }
            Err(RecvError::Closed) => None,
        }
    }
}

impl From<broadcast::Receiver<Signal>> for Subscription {
    fn from(receiver: broadcast::Receiver<Signal>) -> Self {
        Self(receiver)
    }
}
