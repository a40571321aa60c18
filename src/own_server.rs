//! A server of our own for as long as some work takes.

use std::{fs, net::SocketAddr, path::Path};

use anyhow::Context as _;
use confbus::{App, Settings, Sources, shutdown};
use tempfile::TempDir;
use tokio::sync::oneshot;

use crate::exit::{Exit, Failure, OrExit as _};

/// A server that holds a free port of this machine and has not answered anybody yet.
pub(crate) struct OwnServer {
    app: Box<App>,
    /// Clones live here and not where a server of the same settings, which may be running, has its own.
    _clones: TempDir,
}

impl OwnServer {
    /// As `serve` would start it, but heard by nobody else: it takes no part in the bus.
    pub(crate) async fn bind(sources: Sources, base_path: &str) -> Result<Self, Failure> {
        Self::beside(folder()?, sources, base_path).await
    }

    /// What a directory says, be it a repository of Git or not, and nothing that is configured here.
    pub(crate) async fn of_directory(directory: &Path) -> Result<Self, Failure> {
        let folder = folder()?;
        // Without a file the usual places would be looked at.
        let file = folder.path().join("settings.properties");
        fs::write(&file, "").context("no folder for settings")?;
        let directory = directory
            .canonicalize()
            .with_context(|| directory.display().to_string())
            .or_exit(Exit::Unreachable)?;
        let is_git = directory.join(".git").exists() || directory.join("HEAD").exists();
        let shown = directory.display();
        let arguments = if is_git {
            vec![("spring.cloud.config.server.git.uri", shown.to_string())]
        } else {
            let location = format!("file:{shown}/");
            vec![
                ("spring.profiles.active", "native".to_owned()),
                (
                    "spring.cloud.config.server.native.search-locations",
                    location,
                ),
            ]
        };
        let arguments = arguments.into_iter();
        let sources = Sources {
            file: Some(file),
            arguments: arguments
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
            variables: Vec::new(),
        };
        Self::beside(folder, sources, "").await
    }

    async fn beside(
        clones: TempDir,
        mut sources: Sources,
        base_path: &str,
    ) -> Result<Self, Failure> {
        let basedir = clones.path().display().to_string();
        let mut set = |key: &str, value: &str| {
            sources.arguments.push((key.to_owned(), value.to_owned()));
        };
        set("server.address", "127.0.0.1");
        set("server.port", "0");
        set("spring.cloud.bus.enabled", "false");
        set("spring.cloud.config.server.git.basedir", &basedir);
        // A backend of a composite may have a folder of its own.
        set("confbus.ledger.directory", &basedir);
        set("confbus.lookups.keep-on-disk", "false");
        if !base_path.is_empty() {
            set("server.servlet.context-path", base_path);
        }
        let settings = Settings::load(&sources)?;
        Ok(Self {
            // Its rooms are many, and commands that have no server of their own need no place for them.
            app: Box::new(Box::pin(App::bind(settings)).await?),
            _clones: clones,
        })
    }

    /// Where it is.
    pub(crate) fn address(&self) -> anyhow::Result<SocketAddr> {
        Ok(self.app.local_addr()?)
    }

    /// Serves until the work is done, or until somebody wants the program to end.
    pub(crate) async fn serve_during<T, E: From<anyhow::Error>>(
        self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let (done, until) = oneshot::channel::<()>();
        let stop = async {
            tokio::select! {
                _ = until => Ok(()),
                stopped = shutdown::requested() => stopped,
            }
        };
        let mut serving = Box::pin((*self.app).serve_until(stop));
        let outcome = tokio::select! {
            ended = &mut serving => {
                ended?;
                return Err(anyhow::anyhow!("stopped before the work was done").into());
            }
            outcome = work => outcome,
        };
        drop(done);
        serving.await?;
        outcome
    }
}

fn folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("confbus-own-").tempdir();
    folder.context("no folder for clones")
}
