//! Background work with a name, a stop signal, and a policy: a task that ends before it is told to, by a panic for
//! example, ends the process, because a server that quietly stopped listening serves old configuration for ever.

use std::time::Duration;

use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{Instrument as _, error, info_span, warn};

/// All tasks of the server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    shutdown: CancellationToken,
    failed: CancellationToken,
}

impl Tasks {
    /// The signal on which every task ends.
    pub(crate) fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Resolves when a task has ended before its time.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Runs a task that ends on the stop signal; when it ends before that, all others are stopped.
    pub(crate) fn spawn(
        &self,
        name: &'static str,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        self.spawn_until(name, &self.shutdown, task);
    }

    /// Runs a task that ends on a stop signal of its own, a child of the common one.
    pub(crate) fn spawn_until(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        task: impl Future<Output = ()> + Send + 'static,
    ) {
        let guard = Guard {
            name,
            stop: stop.clone(),
            failed: self.failed.clone(),
        };
        let supervised = async move {
            let _guard = guard;
            task.await;
        };
        tokio::spawn(
            self.tracker
                .track_future(supervised.instrument(info_span!("task", name))),
        );
    }

    /// Asks all tasks to end and waits for them, but not longer than `grace`.
    pub(crate) async fn stop(&self, grace: Duration) {
        self.shutdown.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait())
            .await
            .is_err()
        {
            warn!(late = self.tracker.len(), "some tasks did not end in time");
        }
    }
}

/// Also dropped when the task panics.
struct Guard {
    name: &'static str,
    stop: CancellationToken,
    failed: CancellationToken,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !self.stop.is_cancelled() {
            error!(task = self.name, "this task ended, so the server stops");
            self.failed.cancel();
        }
    }
}
