//! Background work with a name, a stop signal, and a policy: a task that fails or panics ends the process, because
//! a server that quietly stopped listening serves old configuration for ever.

use std::{future::Future, time::Duration};

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

    /// Resolves when a task has failed.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// Runs a task until it ends by itself; its failure stops all others.
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub(crate) fn spawn<F>(&self, name: &'static str, task: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        let guard = Guard {
            name,
            shutdown: self.shutdown.clone(),
            failed: self.failed.clone(),
            ended_well: false,
        };
        let supervised = async move {
            let mut guard = guard;
            match task.await {
                Ok(()) => guard.ended_well = true,
                Err(cause) => error!(error = format!("{cause:#}"), "background task failed"),
            }
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

/// Also runs when the task panics.
struct Guard {
    name: &'static str,
    shutdown: CancellationToken,
    failed: CancellationToken,
    ended_well: bool,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let ended_early = !self.ended_well && !self.shutdown.is_cancelled();
        if ended_early {
            error!(task = self.name, "the server stops because this task ended");
            self.failed.cancel();
        }
    }
}
