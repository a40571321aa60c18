use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, MissedTickBehavior},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::{
    Shared,
    book::{Book, Changes},
    entry::{Converged, Entry},
    news::Untold,
    now,
    store::Store,
};
use crate::metrics;

/// Entries that are taken from the queue at once.
const BATCH: usize = 256;
/// After a batch, so that a stream of reads does not wake this task for each of them: that would cost whoever answers more
/// than the answer.
const PAUSE: Duration = Duration::from_millis(2);
/// Between two looks at the clock: what is too old is forgotten, what changed is saved.
const TICK: Duration = Duration::from_secs(1);
/// The time between two saves is at least so many times what the last one took; so is that between two lists of whose
/// configuration was asked for.
const REST: u32 = 10;
/// Signs of life alone are not worth a save each second.
const SAVE_SIGNS: Duration = Duration::from_secs(30);

/// Writes the ledger.
pub(crate) struct Bookkeeper {
    pub(super) book: Book,
    pub(super) entries: mpsc::Receiver<Entry>,
    pub(super) shared: Arc<Shared>,
    pub(super) store: Store,
    /// How many instances were known when they were last counted.
    pub(super) counted: usize,
    /// Who wants to hear how moves of labels ended.
    pub(super) converged: Option<mpsc::Sender<Converged>>,
}

impl std::fmt::Debug for Bookkeeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bookkeeper").finish_non_exhaustive()
    }
}

impl Bookkeeper {
    /// Counts there what instances make of what they are told.
    pub(crate) fn counting(mut self, metrics: metrics::Fleet) -> Self {
        self.book.counts.fleet = metrics;
        self
    }

    /// Keeps in mind what other servers have yet to hear.
    pub(crate) fn sharing(mut self) -> Self {
        self.book.untold = Some(Untold::default());
        self
    }

    /// Tells there how moves of labels ended, and waits for nobody.
    pub(crate) fn telling(mut self, converged: mpsc::Sender<Converged>) -> Self {
        self.converged = Some(converged);
        self
    }

    /// Writes until `shutdown`, and saves what changed.
    pub(crate) async fn run(mut self, shutdown: CancellationToken) {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut saves = Saves::default();
        let mut dropped = 0;
        let mut batch = Vec::with_capacity(BATCH);
        // When it may be told again whose configuration was asked for.
        let mut list = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = shutdown.cancelled() => break,
                () = tokio::time::sleep_until(list), if self.book.has_new_coordinates => {
                    self.list_known(&mut list);
                }
                _ = tick.tick() => {
                    self.book.forget(now());
                    self.tell_converged();
                    // Who fell silent, or has another name, is told by no number.
                    self.count_instances();
                    self.tell_about_dropped(&mut dropped);
                    if saves.is_due(self.book.changes) {
                        self.save(&mut saves).await;
                    }
                }
                count = self.entries.recv_many(&mut batch, BATCH) => match count {
                    0 => break,
                    _ => {
                        self.write(&mut batch);
                        self.list_known(&mut list);
                        _ = shutdown.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
                    }
                },
            }
        }
        self.entries.close();
        while self.entries.recv_many(&mut batch, BATCH).await > 0 {
            self.write(&mut batch);
        }
        if self.book.changes != Changes::None {
            self.save(&mut saves).await;
        }
    }

    fn write(&mut self, batch: &mut Vec<Entry>) {
        let now = now();
        let unsaved = std::mem::replace(&mut self.book.changes, Changes::None);
        for entry in batch.drain(..) {
            self.book.write(entry, now);
        }
        if self.book.changes == Changes::Facts {
            self.shared.moves.send_modify(|number| *number += 1);
        }
        self.book.changes = self.book.changes.max(unsaved);
        if self.book.instances() != self.counted {
            self.count_instances();
        }
    }

    /// Tells whose configuration was asked for, if that is due. With ten thousand coordinates it takes some milliseconds, and
    /// each batch may have new ones.
    fn list_known(&mut self, due: &mut Instant) {
        let began = Instant::now();
        if !self.book.has_new_coordinates || began < *due {
            return;
        }
        self.book.has_new_coordinates = false;
        self.shared.known.store(Arc::new(self.book.known()));
        *due = Instant::now() + began.elapsed() * REST;
    }

    fn count_instances(&mut self) {
        self.counted = self.book.instances();
        self.shared.fleet.store(Arc::new(self.book.fleet(now())));
    }

    fn tell_converged(&mut self) {
        for converged in self.book.counts.take_converged() {
            if let Some(hearer) = &self.converged {
                _ = hearer.try_send(converged);
            }
        }
    }

    fn tell_about_dropped(&self, before: &mut u64) {
        let dropped = self.shared.dropped.load(Ordering::Relaxed);
        if dropped > *before {
            debug!(dropped, "more happened than the ledger could take down");
        }
        *before = dropped;
    }

    /// A failure costs memory of the past after a restart, nothing else.
    async fn save(&mut self, saves: &mut Saves) {
        self.book.changes = Changes::None;
        if !self.store.is_kept() {
            return;
        }
        let began = Instant::now();
        let (store, records) = (self.store.clone(), self.book.records().clone());
        let saved = tokio::task::spawn_blocking(move || store.save(records)).await;
        saves.ended(
            began,
            saved.unwrap_or_else(|cause| Err(std::io::Error::other(cause))),
        );
    }
}

/// When the ledger was saved, and how.
#[derive(Debug, Default)]
struct Saves {
    last: Option<Instant>,
    took: Duration,
    is_failing: bool,
}

impl Saves {
    fn is_due(&self, changes: Changes) -> bool {
        let pause = match changes {
            Changes::None => return false,
            Changes::Signs => SAVE_SIGNS,
            Changes::Facts => TICK,
        };
        let pause = pause.max(self.took * REST);
        self.last.is_none_or(|last| last.elapsed() >= pause)
    }

    /// A failure is told once.
    fn ended(&mut self, began: Instant, saved: std::io::Result<()>) {
        self.last = Some(Instant::now());
        self.took = began.elapsed();
        if let Err(error) = &saved
            && !self.is_failing
        {
            warn!(%error, "the ledger cannot be saved; it is kept in memory");
        }
        self.is_failing = saved.is_err();
    }
}
