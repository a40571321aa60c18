use std::{num::NonZero, time::Duration};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Checks that may wait for their turn.
const MOST_WAITING: usize = 256;
/// How long one waits.
const PATIENCE: Duration = Duration::from_secs(2);

/// Lets few do at the same time what takes a processor for itself: the other half of them is left to reads.
#[derive(Debug)]
pub(super) struct Turns {
    waiting: Semaphore,
    running: Semaphore,
}

/// Until it is dropped it is somebody's turn.
#[derive(Debug)]
pub(super) struct Turn<'t> {
    _running: SemaphorePermit<'t>,
    _waiting: SemaphorePermit<'t>,
}

impl Turns {
    pub(super) fn new() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self {
            waiting: Semaphore::new(MOST_WAITING),
            running: Semaphore::new((processors / 2).max(1)),
        }
    }

    /// Nothing when too many wait, or one has waited too long.
    pub(super) async fn take(&self) -> Option<Turn<'_>> {
        let waiting = self.waiting.try_acquire().ok()?;
        let running = tokio::time::timeout(PATIENCE, self.running.acquire()).await;
        Some(Turn {
            _running: running.ok()?.ok()?,
            _waiting: waiting,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_long() {
        let turns = Turns {
            waiting: Semaphore::new(2),
            running: Semaphore::new(1),
        };
        let first = turns.take().await.expect("nobody is before");
        let (second, third) = tokio::join!(turns.take(), turns.take());
        assert!(second.is_none() && third.is_none());
        drop(first);
        assert!(turns.take().await.is_some());
    }
}
