//! confbus in this process, on a free port of loopback.

use std::{net::SocketAddr, path::Path, time::Duration};

use anyhow::Context as _;
use confbus::{App, Settings, Sources};
use tokio::{runtime::Runtime, sync::oneshot, task::JoinHandle, time::timeout};

/// What every server here is told; the cases are about everything else.
const ALWAYS: [(&str, &str); 6] = [
    ("server.address", "127.0.0.1"),
    ("server.port", "0"),
    ("spring.cloud.bus.enabled", "false"),
    // What one connection was answered is kept for the next one.
    ("confbus.server.threads", "1"),
    // A push is seen by the next request, as the recorded server fetches for each.
    ("confbus.git.freshness", "strict"),
    // The recorded server believes a webhook without a secret.
    (
        "spring.cloud.config.server.monitor.validation-filter-enabled",
        "false",
    ),
];

/// Longer than the grace that the server itself gives its tasks.
const STOP: Duration = Duration::from_secs(30);

/// A server that answers.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl Server {
    /// Starts with a settings file and environment variables.
    ///
    /// # Errors
    /// When the settings are refused.
    pub(crate) fn start(
        runtime: &Runtime,
        file: &Path,
        variables: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let sources = Sources {
            file: Some(file.to_owned()),
            arguments: ALWAYS
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .to_vec(),
            variables: variables.to_vec(),
        };
        let settings = Settings::load(&sources)?;
        runtime.block_on(async {
            let app = App::bind(settings).await?;
            let address = app.local_addr()?;
            let (stop, stopped) = oneshot::channel();
            let stopped = async { stopped.await.map_err(std::io::Error::other) };
            let task = tokio::spawn(app.serve_until(stopped));
            Ok(Self {
                address,
                stop,
                task,
            })
        })
    }

    /// Stops it as a signal would.
    pub(crate) fn stop(self, runtime: &Runtime) -> anyhow::Result<()> {
        // It may have ended by itself, which its task then tells.
        _ = self.stop.send(());
        let ended = runtime.block_on(async { timeout(STOP, self.task).await });
        ended.context("the server does not stop")??
    }
}
