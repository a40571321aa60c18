use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{List, Order, Pin, PinError, PinStep, Store, now};
use crate::{environment_repository::EnvironmentRepository, refresh::Refresh};

/// Between two looks at the clock, which somebody may set meanwhile.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Changes what is pinned, and tells everybody whose answers are others then.
#[derive(Debug)]
pub(crate) struct Keeper {
    pub(super) list: Arc<ArcSwap<List>>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) store: Store,
    /// Their time was over before this start, and nobody was told.
    pub(super) ended: Vec<Arc<Pin>>,
}

/// Who is to know when pins change.
struct Concerned {
    repository: EnvironmentRepository,
    refresh: Refresh,
}

impl Keeper {
    /// Keeps the pins until `shutdown`.
    pub(crate) async fn run(
        mut self,
        repository: EnvironmentRepository,
        refresh: Refresh,
        shutdown: CancellationToken,
    ) {
        let bringing = repository.bring_pinned();
        _ = shutdown.run_until_cancelled(bringing).await;
        let concerned = Concerned {
            repository,
            refresh,
        };
        let ended = std::mem::take(&mut self.ended);
        self.tell_of_ends(&ended, &concerned).await;
        let mut looked = now();
        loop {
            let next = self.list.load().next(looked);
            tokio::select! {
                () = shutdown.cancelled() => return,
                Some(order) = self.orders.recv() => self.carry_out(order, &concerned).await,
                () = pass(next) => {
                    self.let_go_of_ended(&concerned).await;
                    self.remind_since(&mut looked);
                }
            }
        }
    }

    /// Says again what is still pinned where a time to say so has come.
    fn remind_since(&self, looked: &mut i64) {
        let since = std::mem::replace(looked, now());
        for pin in self.list.load().iter() {
            if pin.next_reminder(since).is_some_and(|at| at <= *looked) {
                let Pin {
                    id,
                    address,
                    commit,
                    by,
                    reason,
                    until,
                    ..
                } = &**pin;
                info!(event = "pin.holds", id, %address, %commit, by, reason, until = shown(*until), "still pinned; it ends by itself, or when somebody lets it go");
            }
        }
    }

    async fn carry_out(&self, order: Order, concerned: &Concerned) {
        match order {
            Order::Add { pin, reply } => {
                // Whoever asked may have gone.
                _ = reply.send(self.add(pin, concerned).await);
            }
            Order::Release {
                id,
                by,
                reason,
                reply,
            } => {
                let released = self.release(&id, &by, reason.as_deref(), concerned);
                _ = reply.send(released.await);
            }
        }
    }

    async fn add(&self, pin: Pin, concerned: &Concerned) -> Result<Arc<Pin>, PinError> {
        let pin = Arc::new(pin);
        let next = Arc::new(self.list.load().with(Arc::clone(&pin))?);
        self.store.save(&next).await.map_err(PinError::NotSaved)?;
        self.list.store(next);
        let Pin {
            id,
            address,
            repository,
            commit,
            reason,
            by,
            until,
            ..
        } = &*pin;
        info!(event = "audit.pin", decision = "allowed", id, %address, repository, %commit, by, reason, until = shown(*until), "pinned");
        if !self.store.is_kept() {
            warn!(
                id,
                "the pin ends with this server: there is no folder to keep it in; set confbus.ledger.directory"
            );
        }
        concerned.tell(vec![PinStep::pinned(&pin)]).await;
        Ok(pin)
    }

    async fn release(
        &self,
        id: &str,
        by: &str,
        reason: Option<&str>,
        concerned: &Concerned,
    ) -> bool {
        let list = self.list.load_full();
        let Some(pin) = list.by_id(id) else {
            return false;
        };
        self.go_on_with(list.without(|other| other.id == id)).await;
        let step = PinStep::released(pin, by, reason);
        info!(event = "audit.pin", decision = "allowed", id, address = %pin.address, commit = %pin.commit, by, pinned_by = pin.by, reason = step.reason, "let go");
        concerned.tell(vec![step]).await;
        true
    }

    async fn let_go_of_ended(&self, concerned: &Concerned) {
        let (held, ended) = self.list.load().split(now());
        if !ended.is_empty() {
            self.go_on_with(held).await;
            self.tell_of_ends(&ended, concerned).await;
        }
    }

    /// To hold on because a disk is full would be worse than to hold again after a restart.
    async fn go_on_with(&self, next: List) {
        let next = Arc::new(next);
        if let Err(error) = self.store.save(&next).await {
            warn!(%error, "the pins cannot be saved; what is let go now is held again after a restart, as long as its time lasts");
        }
        self.list.store(next);
    }

    async fn tell_of_ends(&self, ended: &[Arc<Pin>], concerned: &Concerned) {
        for pin in ended {
            let (id, by, reason) = (&pin.id, &pin.by, &pin.reason);
            info!(event = "pin.ended", id, address = %pin.address, commit = %pin.commit, by, reason, "the time of the pin is over");
        }
        if !ended.is_empty() {
            let ended = ended.iter().map(|pin| PinStep::ended(pin));
            concerned.tell(ended.collect()).await;
        }
    }
}

impl Concerned {
    /// After the swap: answers so far are not given again, and applications look again.
    async fn tell(&self, pins: Vec<PinStep>) {
        self.repository.answers_change();
        self.refresh.tell_of_pins(pins).await;
    }
}

/// Resolves after so many milliseconds, or earlier.
async fn pass(milliseconds: Option<u64>) {
    match milliseconds {
        Some(left) => tokio::time::sleep(Duration::from_millis(left).min(LONGEST_SLEEP)).await,
        None => std::future::pending().await,
    }
}

/// A time for people; milliseconds since 1970 where it is beyond the calendar.
fn shown(milliseconds: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(milliseconds);
    time.map_or_else(|_| milliseconds.to_string(), |time| time.to_string())
}
