//! Waves: addresses whose instances are given a new commit step by step, so that one that is bad reaches few of them.
//!
//! What such an address is given is decided here and not by the label: readers share one immutable list of what everybody has
//! and of what some have already, and never wait for it. The [`Keeper`] alone moves it on, when a label has moved, when
//! those whose turn it was have answered, and when somebody decides. A commit that nobody has looked at yet reaches nobody.
//! What is in force is on disk before.

mod course;
mod keeper;
mod line;
mod lines;
mod rule;
mod store;
mod survey;
mod turn;
mod view;
mod wish;

use std::sync::Arc;

use arc_swap::ArcSwap;
use confbus_protocol::{BusId, CommitId, Label};
use confbus_resolution::EnvironmentRequest;
use tokio::sync::{mpsc, oneshot};

pub(crate) use keeper::Keeper;
pub(crate) use line::{Pause, Stage};
use lines::Lines;
pub(crate) use rule::{OnSilence, Rule};
pub(crate) use store::Settings;
use store::Store;
pub(crate) use view::WaveView;
pub(crate) use wish::{Decision, Wish};

/// Decisions that may wait.
const QUEUE: usize = 16;

/// What is under way. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Waves {
    lines: Arc<ArcSwap<Lines>>,
    orders: mpsc::Sender<Order>,
}

/// What the keeper is asked for.
#[derive(Debug)]
struct Order {
    wish: Wish,
    /// The name of whoever asks.
    by: String,
    /// The waves that it decided about, as they were.
    reply: oneshot::Sender<Vec<WaveView>>,
}

/// Why nothing is decided.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WaveError {
    /// What is wished for makes no sense.
    #[error("{0}")]
    Invalid(String),
    /// There is no such wave, or it is decided already.
    #[error("no wave of this address is under way")]
    NoWave,
    /// Nobody is left to ask.
    #[error("the server is stopping")]
    Closed,
}

impl Waves {
    /// How far an earlier server was, and who goes on with it.
    pub(crate) fn open(settings: Settings) -> (Self, Keeper) {
        let Settings { rules, file } = settings;
        let store = Store::new(file);
        let rules: Vec<_> = rules.into_iter().map(Arc::new).collect();
        let lines = Arc::new(ArcSwap::from_pointee(Lines::of(store.load(), &rules)));
        let (sender, orders) = mpsc::channel(QUEUE);
        let waves = Self {
            lines: Arc::clone(&lines),
            orders: sender,
        };
        let keeper = Keeper {
            rules,
            lines,
            orders,
            store,
        };
        (waves, keeper)
    }

    /// What a request with its label is answered from, where that is not for the label alone to say. `is_of` tells whether the
    /// label in service answers for the request's, `newest` is what it names, and `instance` is who asks. Does not wait.
    pub(crate) fn stage(
        &self,
        request: &EnvironmentRequest,
        repository: &str,
        is_of: impl Fn(&Label) -> bool,
        newest: CommitId,
        instance: Option<&BusId>,
    ) -> Option<Stage> {
        let lines = self.lines.load();
        let line = lines.deciding(request, repository, is_of)?;
        line.stage(newest, instance)
    }

    /// Whether what is answered to a request may depend on who asks. `is_of` tells whether a label in service of a repository
    /// may answer it. Does not wait.
    pub(crate) fn divide(
        &self,
        request: &EnvironmentRequest,
        is_of: impl Fn(&str, &Label) -> bool,
    ) -> bool {
        self.lines.load().divide(request, is_of)
    }

    /// All that are under way or stand still.
    pub(crate) fn all(&self) -> Vec<WaveView> {
        self.lines.load().views()
    }

    /// Ends the waves of an address in one way or the other, for somebody of this name, and tells what they were.
    ///
    /// # Errors
    /// [`WaveError`] when there is none, or the server is stopping.
    pub(crate) async fn decide(&self, wish: Wish, by: String) -> Result<Vec<WaveView>, WaveError> {
        let (reply, done) = oneshot::channel();
        let asked = self.orders.send(Order { wish, by, reply }).await;
        asked.map_err(|_| WaveError::Closed)?;
        let decided = done.await.map_err(|_| WaveError::Closed)?;
        if decided.is_empty() {
            return Err(WaveError::NoWave);
        }
        Ok(decided)
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
