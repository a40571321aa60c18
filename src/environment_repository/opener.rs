use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use tracing::warn;

use super::{
    Known, Unannounced,
    generation::Generation,
    judgement::Judgement,
    repository::{Repository, Settings},
    upstream::Upstream,
};
use crate::{
    acceptance::Acceptance, git, lookups::Changed, metrics::Metrics, pins::Pins, tasks::Tasks,
    traces::Traces, waves::Waves,
};

/// How long the start waits for the disk.
const RESTORE: Duration = Duration::from_secs(5);

/// Who hears what happens to repositories.
#[derive(Debug, Clone)]
pub(crate) struct Hearers {
    /// Rung when files of this machine change.
    pub(crate) bell: mpsc::Sender<()>,
    /// Told how commits are to which labels moved.
    pub(crate) judgements: mpsc::Sender<Judgement>,
    /// Told whose answers changed though no label moved.
    pub(crate) changed: mpsc::Sender<Changed>,
    /// Counts.
    pub(crate) metrics: Arc<Metrics>,
    /// Told what a look did, where it is part of a trace.
    pub(crate) traces: Traces,
}

#[cfg(test)]
impl Hearers {
    /// Nobody.
    pub(crate) fn none() -> Self {
        Self {
            bell: mpsc::channel(1).0,
            judgements: mpsc::channel(1).0,
            changed: mpsc::channel(1).0,
            metrics: Arc::default(),
            traces: Traces::default(),
        }
    }
}

/// Opens repositories and keeps their looks running.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    pub(super) unannounced: Arc<Unannounced>,
    pub(super) generation: Generation,
    pub(super) pins: Pins,
    pub(super) waves: Waves,
    pub(super) hearers: Hearers,
    pub(super) tasks: Tasks,
    /// What Git repositories share.
    pub(super) git: git::Common,
    pub(super) acceptance: Acceptance,
    pub(super) known: Known,
}

impl Opener {
    /// Opens a repository at the start: what is on disk is in service before this returns, unless the disk is slow.
    pub(super) async fn open(&self, upstream: Upstream, settings: Settings) -> Repository {
        let (done, restored) = oneshot::channel();
        let repository = self.start(upstream, settings, true, move || {
            // Whoever opens it may have stopped waiting.
            _ = done.send(());
        });
        if tokio::time::timeout(RESTORE, restored).await.is_err() {
            warn!("the disk is slow; reads wait for the first look");
        }
        repository
    }

    /// Opens a repository that somebody asks for while the server runs; its first look brings what is on disk.
    pub(super) fn open_on_demand(&self, upstream: Upstream, settings: Settings) -> Repository {
        self.start(upstream, settings, false, || {})
    }

    fn start(
        &self,
        upstream: Upstream,
        settings: Settings,
        insists: bool,
        restored: impl FnOnce() + Send + 'static,
    ) -> Repository {
        let stop = self.tasks.shutdown().child_token();
        let (repository, looker, settler) =
            Repository::new(upstream, settings, self, stop.clone(), insists);
        let looks = looker.run(restored, stop.clone());
        self.tasks.spawn_until("looks", &stop, looks);
        let doubts = settler.run(stop.clone());
        self.tasks.spawn_until("doubts", &stop, doubts);
        repository
    }
}
