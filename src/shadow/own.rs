//! A server of our own for as long as the comparison takes.

use std::path::PathBuf;

use anyhow::Context as _;
use confbus::{App, Settings, Sources, shutdown};
use tempfile::TempDir;
use tokio::sync::oneshot;

use super::server::Server;
use crate::exit::Failure;

/// A server that holds a free port of this machine and has not answered anybody yet.
pub(super) struct OwnServer {
    app: App,
    /// Clones live here and not where a server of the same settings, which may be running, has its own.
    _clones: TempDir,
}

impl OwnServer {
    /// As `serve` would start it, but heard by nobody else: it takes no part in the bus.
    pub(super) async fn bind(
        config: Option<PathBuf>,
        mut properties: Vec<(String, String)>,
        base_path: &str,
    ) -> Result<Self, Failure> {
        let clones = tempfile::Builder::new()
            .prefix("confbus-shadow-")
            .tempdir()
            .context("no folder for clones")?;
        let basedir = clones.path().display().to_string();
        let mut set = |key: &str, value: &str| properties.push((key.to_owned(), value.to_owned()));
        set("server.address", "127.0.0.1");
        set("server.port", "0");
        set("spring.cloud.bus.enabled", "false");
        set("spring.cloud.config.server.git.basedir", &basedir);
        if !base_path.is_empty() {
            set("server.servlet.context-path", base_path);
        }
        let settings = Settings::load(&Sources::of_process(config, properties))?;
        Ok(Self {
            app: App::bind(settings).await?,
            _clones: clones,
        })
    }

    /// Where it is, for whoever asks the other server like this.
    pub(super) fn like(&self, other: &Server) -> anyhow::Result<Server> {
        Ok(other.moved_to(self.app.local_addr()?))
    }

    /// Serves until the work is done, or until somebody wants the program to end.
    pub(super) async fn serve_during<T>(
        self,
        work: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<T> {
        let (done, until) = oneshot::channel::<()>();
        let stop = async {
            tokio::select! {
                _ = until => Ok(()),
                stopped = shutdown::requested() => stopped,
            }
        };
        let mut serving = Box::pin(self.app.serve_until(stop));
        let outcome = tokio::select! {
            ended = &mut serving => {
                ended?;
                anyhow::bail!("stopped before everything was compared");
            }
            outcome = work => outcome,
        };
        drop(done);
        serving.await?;
        outcome
    }
}
