//! The Git remote of the measurements: what is committed to it, what it was asked, and when all is quiet.

mod floor;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

pub(super) use self::floor::Floor;
use super::repositories;
use super::server::Running;
use crate::git_remote::GitRemote;

/// A server that uses no CPU time for so long, while Git answers nothing either, is idle.
const IDLE: Duration = Duration::from_millis(500);
const IDLE_DEADLINE: Duration = Duration::from_secs(120);

/// Bare repositories in a folder, reachable over HTTP.
pub(super) struct Remote {
    remote: GitRemote,
    repositories: PathBuf,
}

/// A place in the log of requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl Remote {
    /// Serves all repositories of a folder; its own files lie in `scratch`.
    pub(super) fn start(repositories: &Path, scratch: &Path) -> anyhow::Result<Self> {
        Ok(Self {
            remote: GitRemote::start(repositories, scratch)?,
            repositories: repositories.to_owned(),
        })
    }

    /// Where a repository is reached, by the name of its folder without `.git`.
    pub(super) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}.git", self.port())
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.remote.port()
    }

    /// A client that asks for a repository's newest commit with as little as possible.
    pub(super) fn floor(&self, name: &str) -> anyhow::Result<Floor> {
        Floor::connect(self.port(), name)
    }

    /// Commits files to a repository's `main`, as if somebody had pushed them; answers with the commit's id.
    pub(super) fn commit(&self, name: &str, files: &[(String, String)]) -> anyhow::Result<String> {
        repositories::commit(&self.folder(name), files)
    }

    /// The folder of a repository.
    pub(super) fn folder(&self, name: &str) -> PathBuf {
        self.repositories.join(format!("{name}.git"))
    }

    /// Now, for [`Self::requests_since`].
    pub(super) fn mark(&self) -> anyhow::Result<Mark> {
        Ok(Mark(fs::read(self.remote.log())?.len()))
    }

    /// What the remote was asked since then, a line each: method, path and query. A request in progress is not in it yet.
    pub(super) fn requests_since(&self, mark: Mark) -> anyhow::Result<Vec<String>> {
        let log = fs::read_to_string(self.remote.log())?;
        Ok(log[mark.0..].lines().map(str::to_owned).collect())
    }

    /// Waits until a server has nothing left to do of its own accord, and nothing left to wait for here.
    pub(super) fn settle(&self, server: &Running) -> anyhow::Result<()> {
        let deadline = Instant::now() + IDLE_DEADLINE;
        loop {
            let (asked, before) = (self.remote.is_at_work()?, server.cpu_time()?);
            thread::sleep(IDLE);
            if !asked && !self.remote.is_at_work()? && server.cpu_time()? == before {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the server is still busy after {} s",
                IDLE_DEADLINE.as_secs()
            );
        }
    }
}
