//! Pins: which addresses a person holds at which commit, why, and until when.
//!
//! Readers share one immutable list and never wait for it. The [`Keeper`] alone changes it, when somebody asks for that and
//! when the time of a pin is over. A pin is on disk before it is in force.

mod address;
mod keeper;
mod list;
mod pin;
mod step;
mod store;
mod wish;

use std::{io, sync::Arc};

use arc_swap::ArcSwap;
use confbus_resolution::EnvironmentRequest;
use tokio::sync::{mpsc, oneshot};

pub(crate) use address::{Address, DEFAULT_PROFILE};
pub(crate) use keeper::Keeper;
pub(crate) use list::List;
pub(crate) use pin::{Pin, commit_as_text, label_of};
pub(crate) use step::{PinStep, PinWhat};
pub(crate) use store::Settings;
use store::Store;
pub(crate) use wish::{Wish, one_line};

/// Changes that may wait.
const QUEUE: usize = 16;

/// What is pinned now. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Pins {
    list: Arc<ArcSwap<List>>,
    orders: mpsc::Sender<Order>,
}

/// What the keeper is asked for.
#[derive(Debug)]
enum Order {
    Add {
        pin: Pin,
        reply: oneshot::Sender<Result<Arc<Pin>, PinError>>,
    },
    Release {
        id: String,
        by: String,
        reason: Option<String>,
        reply: oneshot::Sender<bool>,
    },
}

/// Why nothing is pinned.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PinError {
    /// What is wished for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// Each costs every read that it may concern.
    #[error("there are {} pins already; let one go first", list::MAX_PINS)]
    TooMany,
    /// After a restart it would not hold.
    #[error("the pin could not be saved, so it does not hold: {0}")]
    NotSaved(io::Error),
    /// Nobody is left to ask.
    #[error("the server is stopping")]
    Closed,
}

impl Pins {
    /// What an earlier server pinned, and who keeps it.
    pub(crate) fn open(settings: Settings) -> (Self, Keeper) {
        let store = Store::new(settings);
        let (held, ended) = List::of(store.load()).split(now());
        let list = Arc::new(ArcSwap::from_pointee(held));
        let (sender, orders) = mpsc::channel(QUEUE);
        let pins = Self {
            list: Arc::clone(&list),
            orders: sender,
        };
        let keeper = Keeper {
            list,
            orders,
            store,
            ended,
        };
        (pins, keeper)
    }

    /// All of them, the most specific first.
    pub(crate) fn all(&self) -> Arc<List> {
        self.list.load_full()
    }

    /// The pin that decides what a request with its label is answered from in the repository of this name. Does not wait.
    pub(crate) fn holding(
        &self,
        request: &EnvironmentRequest,
        repository: &str,
    ) -> Option<Arc<Pin>> {
        self.list.load().holding(request, repository).cloned()
    }

    /// Puts a pin in force, in place of the one that the same address may have; whoever reads after this is held.
    ///
    /// # Errors
    /// [`PinError`] when there are too many, it cannot be saved, or the server is stopping.
    pub(crate) async fn add(&self, pin: Pin) -> Result<Arc<Pin>, PinError> {
        self.ask(|reply| Order::Add { pin, reply }).await?
    }

    /// Lets go what a pin holds, for somebody of this name, who may say why; `false` when there is no such pin.
    ///
    /// # Errors
    /// [`PinError::Closed`] when the server is stopping.
    pub(crate) async fn release(
        &self,
        id: String,
        by: String,
        reason: Option<String>,
    ) -> Result<bool, PinError> {
        self.ask(|reply| Order::Release {
            id,
            by,
            reason,
            reply,
        })
        .await
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Order) -> Result<T, PinError> {
        let (reply, done) = oneshot::channel();
        let asked = self.orders.send(order(reply)).await;
        asked.map_err(|_| PinError::Closed)?;
        done.await.map_err(|_| PinError::Closed)
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
