use std::{
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use arc_swap::ArcSwap;
use futures_util::{FutureExt, future::BoxFuture};
use tokio::sync::watch;
use tracing::{debug, debug_span, error};

use crate::{Rejection, Snapshot, bind::guarded, restart::RestartKeys, sections::Sections};

/// What is running now, and who has to agree before something else does.
pub(crate) struct Store {
    current: ArcSwap<Snapshot>,
    sections: Mutex<Sections>,
    /// One application of a configuration at a time.
    applying: tokio::sync::Mutex<()>,
    announced: watch::Sender<Snapshot>,
    pub(crate) restart: RestartKeys,
}

/// What an accepted configuration did.
pub(crate) struct Applied {
    /// The keys that moved, sorted.
    pub(crate) changed: Vec<String>,
    /// The keys that wait for a restart, sorted.
    pub(crate) restart: Vec<String>,
}

/// A part of the configuration that was bound to a type.
pub(crate) trait Section: Send + Sync {
    /// Builds the next value aside; `None` when it is the one that is there.
    fn prepare(self: Arc<Self>, next: &Snapshot) -> Result<Option<Move>, Rejection>;
}

/// The step of one section to its next value.
pub(crate) struct Move {
    /// What has to agree once everything is built.
    pub(crate) probe: Option<Probe>,
    /// Swaps the value in, and returns what nobody needs any more: its `Drop` is code of the application.
    pub(crate) swap: Swap,
}

pub(crate) type Replaced = Box<dyn Send>;

type Probe = BoxFuture<'static, Result<(), Rejection>>;
type Swap = Box<dyn FnOnce() -> Replaced + Send>;

/// Whether probes have a say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probes {
    Asked,
    Skipped,
}

/// The right to apply configurations: nothing moves meanwhile that its holder does not move.
pub(crate) struct Turn<'s> {
    store: &'s Store,
    _one_at_a_time: tokio::sync::MutexGuard<'s, ()>,
}

impl Turn<'_> {
    /// Moves everyone to the next configuration, or nobody. Without probes it is ready at once.
    ///
    /// Cancel-safe: nobody moves before everybody agreed.
    pub(crate) async fn apply(
        &self,
        next: &Snapshot,
        probes: Probes,
    ) -> Result<Applied, Rejection> {
        #[cfg(feature = "metrics")]
        let begun = std::time::Instant::now();
        let applied = self.apply_to_all(next, probes).await;
        #[cfg(feature = "metrics")]
        crate::metrics::applied(applied.is_ok(), begun.elapsed());
        applied
    }

    async fn apply_to_all(&self, next: &Snapshot, probes: Probes) -> Result<Applied, Rejection> {
        let store = self.store;
        let old = store.snapshot();
        let moved = AssertUnwindSafe(store.move_to(next, probes)).catch_unwind();
        let panicked = |_| Err(Rejection::new("the application's own code panicked"));
        let replaced = moved.await.unwrap_or_else(panicked)?;
        store.announced.send_replace(next.clone());
        replaced.into_iter().for_each(drop_guarded);
        let changes = old.changes_to(next).into_iter();
        Ok(Applied {
            changed: changes.map(|change| change.key).collect(),
            restart: store.restart.pending(next),
        })
    }
}

/// It may block and panic, so no lock is held and the next one is dropped all the same.
fn drop_guarded(replaced: Replaced) {
    let dropped = guarded("", || {
        drop(replaced);
        Ok(())
    });
    if dropped.is_err() {
        error!("the `Drop` of a value that was replaced panicked");
    }
}

impl Store {
    pub(crate) fn new(first: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(first.clone()),
            sections: Mutex::default(),
            applying: tokio::sync::Mutex::default(),
            announced: watch::Sender::new(first),
            restart: RestartKeys::default(),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.current.load())
    }

    pub(crate) fn announced(&self) -> watch::Receiver<Snapshot> {
        self.announced.subscribe()
    }

    /// Waits until nobody else applies a configuration.
    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn {
            store: self,
            _one_at_a_time: self.applying.lock().await,
        }
    }

    /// A turn at once, if nobody else has it.
    pub(crate) fn try_turn(&self) -> Option<Turn<'_>> {
        let one_at_a_time = self.applying.try_lock().ok()?;
        Some(Turn {
            store: self,
            _one_at_a_time: one_at_a_time,
        })
    }

    /// Moves everyone who agrees, or nobody. Returns what was replaced.
    async fn move_to(&self, next: &Snapshot, probes: Probes) -> Result<Vec<Replaced>, Rejection> {
        lock(&self.sections).prune();
        let mut plan = Plan::default();
        loop {
            debug_span!("bind").in_scope(|| self.prepare(next, &mut plan))?;
            for probe in plan.probes.drain(..) {
                if probes == Probes::Asked {
                    probe.await?;
                }
            }
            if let Some(replaced) = self.swap(next, &mut plan) {
                return Ok(replaced);
            }
        }
    }

    /// Asks every section that was not asked yet.
    fn prepare(&self, next: &Snapshot, plan: &mut Plan) -> Result<(), Rejection> {
        loop {
            // The application's own checks run without the lock, so they may bind; what they bind is asked, too.
            let (unasked, asked) = lock(&self.sections).since(plan.asked);
            if asked == plan.asked {
                return Ok(());
            }
            plan.asked = asked;
            for section in unasked.iter().filter_map(Weak::upgrade) {
                if let Some(step) = section.prepare(next)? {
                    plan.probes.extend(step.probe);
                    plan.swaps.push(step.swap);
                }
            }
        }
    }

    /// Moves everyone, unless somebody came meanwhile who was not asked.
    fn swap(&self, next: &Snapshot, plan: &mut Plan) -> Option<Vec<Replaced>> {
        let sections = lock(&self.sections);
        if sections.came() != plan.asked {
            return None;
        }
        debug!(
            version = next.version(),
            sections = plan.swaps.len(),
            "swap"
        );
        self.current.store(Arc::new(next.clone()));
        Some(plan.swaps.drain(..).map(|swap| swap()).collect())
    }

    /// The configuration that is running, with which every section agrees: not in the middle of a swap.
    pub(crate) fn base(&self) -> Snapshot {
        let _no_swap = lock(&self.sections);
        self.snapshot()
    }

    /// Has a section asked from now on, unless the configuration moved since it was built.
    pub(crate) fn install<S: Section + 'static>(&self, section: &Arc<S>, base: &Snapshot) -> bool {
        let mut sections = lock(&self.sections);
        let is_current = self.current.load().is(base);
        if is_current {
            sections.push(section);
        }
        is_current
    }
}

/// What an application of a configuration has gathered.
#[derive(Default)]
struct Plan {
    /// How many sections had come when the last one was asked.
    asked: u64,
    probes: Vec<Probe>,
    swaps: Vec<Swap>,
}

/// No code runs under our locks that could leave something half done, so a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
