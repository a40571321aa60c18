//! Work that takes a processor for itself is done aside from the threads that serve, and few do it at the same time.

use std::{num::NonZero, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Those who may wait for their turn.
const MOST_WAITING: usize = 256;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets few do at the same time what takes a processor for itself: the other half of them is left to reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Until it is dropped it is somebody's turn. It goes where the work goes, which may outlive whoever asked for it.
#[derive(Debug)]
pub(crate) struct Turn {
    _running: OwnedSemaphorePermit,
    _waiting: OwnedSemaphorePermit,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            running: Arc::new(Semaphore::new((processors / 2).max(1))),
        }
    }

    /// Nothing when too many wait, or one has waited too long.
    pub(crate) async fn take(&self) -> Option<Turn> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let running = Arc::clone(&self.running).acquire_owned();
        let running = tokio::time::timeout(PATIENCE, running).await;
        Some(Turn {
            _running: running.ok()?.ok()?,
            _waiting: waiting,
        })
    }
}

impl Turn {
    /// Does the work of this turn. Whoever asked may hang up meanwhile: the work goes on, and it is its turn until it is done.
    /// Nothing when it panicked, or the server is stopping.
    pub(crate) async fn spend<T: Send + 'static>(
        self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(self);
            done
        });
        done.await.ok()
    }
}

#[cfg(test)]
impl Turns {
    /// Those that could begin now.
    pub(crate) fn free(&self) -> usize {
        self.running.available_permits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long() {
        let turns = Turns {
            waiting: Arc::new(Semaphore::new(2)),
            running: Arc::new(Semaphore::new(1)),
        };
        let first = turns.take().await.expect("nobody is before");
        let (second, third) = tokio::join!(turns.take(), turns.take());
        assert!(second.is_none() && third.is_none());
        drop(first);
        assert!(turns.take().await.is_some());
    }

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_its_work() {
        let turns = Turns::new();
        let free = turns.free();
        let (started, starts) = tokio::sync::oneshot::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        let turn = turns.take().await.unwrap();
        let work = tokio::spawn(turn.spend(move || {
            started.send(()).unwrap();
            ends.recv()
        }));
        starts.await.unwrap();
        work.abort();
        assert!(work.await.is_err(), "whoever asked has hung up");
        assert_eq!(turns.free(), free - 1);
        end.send(()).unwrap();
        while turns.free() < free {
            tokio::task::yield_now().await;
        }
    }
}
