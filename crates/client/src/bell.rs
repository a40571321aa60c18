use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use confbus_protocol::Properties;
use tokio::sync::{Notify, watch};

use crate::{error::RefreshError, overrides::Overrides, store::lock};

/// Asks the refresher for a round.
pub(crate) struct Bell {
    /// Holds one ring: a hundred events during one round make one more.
    rung: Notify,
    /// Rounds that have begun.
    begun: AtomicU64,
    finished: watch::Receiver<Round>,
    overrides: Mutex<Overrides>,
}

/// The refresher's end of the bell.
pub(crate) struct Rounds {
    bell: Arc<Bell>,
    finished: watch::Sender<Round>,
}

#[derive(Clone)]
struct Round {
    number: u64,
    outcome: Result<(), RefreshError>,
}

impl Bell {
    pub(crate) fn new() -> (Arc<Self>, Rounds) {
        let (finished, receiver) = watch::channel(Round {
            number: 0,
            outcome: Ok(()),
        });
        let bell = Arc::new(Self {
            rung: Notify::new(),
            begun: AtomicU64::new(0),
            finished: receiver,
            overrides: Mutex::default(),
        });
        (Arc::clone(&bell), Rounds { bell, finished })
    }

    /// Asks for a round and does not wait for it.
    pub(crate) fn ring(&self) {
        self.rung.notify_one();
    }

    /// Asks for a round that begins after this call, and waits for its end.
    pub(crate) async fn refresh(&self) -> Result<(), RefreshError> {
        let begun = self.begun.load(Ordering::SeqCst);
        let mut finished = self.finished.clone();
        self.ring();
        let round = finished.wait_for(|round| round.number > begun).await;
        round.map_or(Err(RefreshError::Stopped), |round| round.outcome.clone())
    }

    /// Sets values above those of the server; `None` takes one back.
    pub(crate) fn set_overrides(&self, values: impl IntoIterator<Item = (String, Option<String>)>) {
        lock(&self.overrides).set(values);
    }
}

impl Rounds {
    /// Waits until somebody rings.
    pub(crate) async fn asked(&self) {
        self.bell.rung.notified().await;
    }

    /// Whoever asks from now on waits for the round after this one.
    pub(crate) fn begin(&self) -> u64 {
        self.bell.begun.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn end(&self, number: u64, outcome: Result<(), RefreshError>) {
        self.finished.send_replace(Round { number, outcome });
    }

    pub(crate) fn overrides(&self) -> Properties {
        lock(&self.bell.overrides).values()
    }

    /// Takes back what was tried and is not applied.
    pub(crate) fn take_back(&self, tried: &Properties, applied: &Properties) {
        lock(&self.bell.overrides).take_back(tried, applied);
    }
}
