use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{
    Unannounced,
    generation::Generation,
    looker::Looker,
    repository::{Repository, Settings},
    upstream::Upstream,
};
use crate::{git::Claims, tasks::Tasks};

/// Opens repositories and keeps their looks running.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    pub(super) unannounced: Arc<Unannounced>,
    pub(super) generation: Generation,
    /// Rung when files of this machine change.
    pub(super) bell: mpsc::Sender<()>,
    pub(super) tasks: Tasks,
    /// Where clones are.
    pub(super) claims: Claims,
}

impl Opener {
    /// Opens a repository at the start: what is on disk is in service before this returns.
    pub(super) async fn open(&self, upstream: Upstream, settings: Settings) -> Repository {
        let (repository, mut looker, stop) = self.prepare(upstream, settings, true);
        looker.restore().await;
        self.run(&stop.clone(), looker.run(stop));
        repository
    }

    /// Opens a repository that somebody asks for while the server runs; its first look brings what is on disk.
    pub(super) fn open_on_demand(&self, upstream: Upstream, settings: Settings) -> Repository {
        let (repository, mut looker, stop) = self.prepare(upstream, settings, false);
        self.run(&stop.clone(), async move {
            looker.restore().await;
            looker.run(stop).await;
        });
        repository
    }

    fn prepare(
        &self,
        upstream: Upstream,
        settings: Settings,
        insists: bool,
    ) -> (Repository, Looker, CancellationToken) {
        let stop = self.tasks.shutdown().child_token();
        let (repository, looker) = Repository::new(upstream, settings, self, stop.clone(), insists);
        (repository, looker, stop)
    }

    fn run(&self, stop: &CancellationToken, looks: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn_until("looks", stop, looks);
    }
}
