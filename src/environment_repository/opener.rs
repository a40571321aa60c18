use std::sync::Arc;

use tokio::sync::mpsc;

use super::{
    Remembered, Unannounced,
    repository::{Repository, Settings},
    upstream::Upstream,
};
use crate::tasks::Tasks;

/// Opens repositories and keeps their looks running.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    pub(super) unannounced: Arc<Unannounced>,
    /// Rung when files of this machine change.
    pub(super) bell: mpsc::Sender<()>,
    pub(super) tasks: Tasks,
}

impl Opener {
    /// Opens a repository at the start: what is on disk is in service before this returns.
    pub(super) async fn open(
        &self,
        upstream: Upstream,
        settings: Settings,
        remembered: Remembered,
    ) -> Repository {
        let stop = self.tasks.shutdown().child_token();
        let (repository, mut looker) =
            Repository::new(upstream, settings, remembered, self, stop.clone(), true);
        looker.restore().await;
        self.tasks
            .spawn_until("looks", &stop, looker.run(stop.clone()));
        repository
    }

    /// Opens a repository that somebody asks for while the server runs; its first look brings what is on disk.
    pub(super) fn open_on_demand(
        &self,
        upstream: Upstream,
        settings: Settings,
        remembered: Remembered,
    ) -> Repository {
        let stop = self.tasks.shutdown().child_token();
        let (repository, mut looker) =
            Repository::new(upstream, settings, remembered, self, stop.clone(), false);
        let until = stop.clone();
        self.tasks.spawn_until("looks", &stop, async move {
            looker.restore().await;
            looker.run(until).await;
        });
        repository
    }
}
