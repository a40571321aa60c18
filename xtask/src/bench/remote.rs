//! A real Git remote over HTTP: nginx in front of `git http-backend`, which allows protocol v2 and pushes.

mod floor;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

pub(super) use self::floor::Floor;
use super::repositories;
use super::server::{Running, free_port};
use crate::shell::{KillOnDrop, find_program, output};

const SETTINGS: &str = include_str!("remote/nginx.conf");

/// How many requests Git may answer at a time; one process for each, since a single one answers one after the other and
/// leaves orphans behind when it has children.
const BACKENDS: usize = 4;

const READY_DEADLINE: Duration = Duration::from_secs(10);

/// A server that uses no CPU time for so long, while Git answers nothing either, is idle.
const IDLE: Duration = Duration::from_millis(500);
const IDLE_DEADLINE: Duration = Duration::from_secs(120);

/// Bare repositories in a folder, reachable at `http://127.0.0.1:<port>/<name>`.
pub(super) struct Remote {
    port: u16,
    repositories: PathBuf,
    log: PathBuf,
    backends: Vec<KillOnDrop>,
    _nginx: KillOnDrop,
}

/// A place in the log of requests.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(usize);

impl Remote {
    /// Serves all repositories of a folder; its own files lie in `scratch`.
    pub(super) fn start(repositories: &Path, scratch: &Path) -> anyhow::Result<Self> {
        let backend = backend()?;
        let folder = scratch.join("remote");
        fs::create_dir(&folder)?;
        let mut backends = Vec::new();
        let mut upstream = String::new();
        for number in 0..BACKENDS {
            let socket = folder.join(format!("{number}.socket"));
            backends.push(fcgiwrap(&socket, &folder)?);
            upstream.push_str(&format!("server unix:{};", socket.display()));
        }
        let port = free_port()?;
        let settings = SETTINGS
            .replace("LISTEN", &port.to_string())
            .replace("UPSTREAM", &upstream)
            .replace("BACKEND", &backend.display().to_string())
            .replace("REPOSITORIES", &repositories.display().to_string());
        let log = folder.join("requests.log");
        let remote = Self {
            port,
            repositories: repositories.to_owned(),
            _nginx: nginx(&settings, &folder, &log)?,
            log,
            backends,
        };
        remote.wait_until_ready()?;
        Ok(remote)
    }

    /// Where a repository is reached, by the name of its folder without `.git`.
    pub(super) fn url(&self, name: &str) -> String {
        format!("http://127.0.0.1:{}/{name}.git", self.port)
    }

    /// Where it listens.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// A client that asks for a repository's newest commit with as little as possible.
    pub(super) fn floor(&self, name: &str) -> anyhow::Result<Floor> {
        Floor::connect(self.port, name)
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
        Ok(Mark(fs::read(&self.log)?.len()))
    }

    /// What the remote was asked since then, a line each: method, path and query. A request in progress is not in it yet.
    pub(super) fn requests_since(&self, mark: Mark) -> anyhow::Result<Vec<String>> {
        let log = fs::read_to_string(&self.log)?;
        Ok(log[mark.0..].lines().map(str::to_owned).collect())
    }

    /// Waits until a server has nothing left to do of its own accord, and nothing left to wait for here.
    pub(super) fn settle(&self, server: &Running) -> anyhow::Result<()> {
        let deadline = Instant::now() + IDLE_DEADLINE;
        loop {
            let (asked, before) = (self.is_at_work()?, server.cpu_time()?);
            thread::sleep(IDLE);
            if !asked && !self.is_at_work()? && server.cpu_time()? == before {
                return Ok(());
            }
            ensure!(
                Instant::now() < deadline,
                "the server is still busy after {} s",
                IDLE_DEADLINE.as_secs()
            );
        }
    }

    /// Whether Git prepares an answer, for which it has a process each time.
    fn is_at_work(&self) -> anyhow::Result<bool> {
        for backend in &self.backends {
            let id = backend.0.id();
            let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
            if !children
                .context("the kernel does not tell children")?
                .trim()
                .is_empty()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn wait_until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            ensure!(
                Instant::now() < deadline,
                "the Git remote does not listen; its log is {}",
                self.log.with_file_name("nginx.log").display()
            );
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

/// Where `git http-backend` lies, when everything is here.
fn backend() -> anyhow::Result<PathBuf> {
    let missing: Vec<_> = ["git", "nginx", "fcgiwrap"]
        .into_iter()
        .filter(|program| find_program(program).is_none())
        .collect();
    if !missing.is_empty() {
        bail!(
            "{} missing; type:\n  sudo apt-get install git nginx fcgiwrap",
            missing.join(" and ")
        );
    }
    let folder = output(Command::new("git").arg("--exec-path"))?;
    let backend = Path::new(folder.trim()).join("git-http-backend");
    ensure!(backend.is_file(), "this Git has no http-backend");
    Ok(backend)
}

fn fcgiwrap(socket: &Path, folder: &Path) -> anyhow::Result<KillOnDrop> {
    let mut command = Command::new("fcgiwrap");
    command.arg("-s").arg(format!("unix:{}", socket.display()));
    // What Git reads besides the request.
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    let log = File::options()
        .create(true)
        .append(true)
        .open(folder.join("git.log"))?;
    command
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    let process = KillOnDrop::spawn(&mut command)?;
    let deadline = Instant::now() + READY_DEADLINE;
    while !socket.exists() {
        ensure!(Instant::now() < deadline, "fcgiwrap does not listen");
        thread::sleep(Duration::from_millis(2));
    }
    Ok(process)
}

fn nginx(settings: &str, folder: &Path, log: &Path) -> anyhow::Result<KillOnDrop> {
    let file = folder.join("nginx.conf");
    fs::write(&file, settings).context("cannot write nginx.conf")?;
    File::create(log)?;
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file);
    command.arg("-e").arg(folder.join("nginx.log"));
    command
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("nginx.stderr"))?);
    KillOnDrop::spawn(&mut command)
}
