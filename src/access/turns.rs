use std::{num::NonZero, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Checks that may wait for their turn.
const MOST_WAITING: usize = 256;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets few do at the same time what takes a processor for itself: the other half of them is left to reads.
#[derive(Debug)]
pub(super) struct Turns {
    waiting: Arc<Semaphore>,
    running: Arc<Semaphore>,
}

/// Until it is dropped it is somebody's turn. It goes where the work goes, which may outlive whoever asked for it.
#[derive(Debug)]
pub(super) struct Turn {
    _running: OwnedSemaphorePermit,
    _waiting: OwnedSemaphorePermit,
}

impl Turns {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            waiting: Arc::new(Semaphore::new(MOST_WAITING)),
            running: Arc::new(Semaphore::new((processors / 2).max(1))),
        }
    }

    /// Nothing when too many wait, or one has waited too long.
    pub(super) async fn take(&self) -> Option<Turn> {
        let waiting = Arc::clone(&self.waiting).try_acquire_owned().ok()?;
        let running = Arc::clone(&self.running).acquire_owned();
        let running = tokio::time::timeout(PATIENCE, running).await;
        Some(Turn {
            _running: running.ok()?.ok()?,
            _waiting: waiting,
        })
    }
}

#[cfg(test)]
impl Turns {
    /// Checks that could begin now.
    pub(super) fn free(&self) -> usize {
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
}
