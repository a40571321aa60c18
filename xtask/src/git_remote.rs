//! A real Git remote over HTTP: nginx in front of `git http-backend`, which allows protocol v2 and pushes.

use std::fs::{self, File};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::shell::{KillOnDrop, find_program, free_port, output};

const SETTINGS: &str = include_str!("git_remote/nginx.conf");

/// How many requests Git may answer at a time; one process for each, since a single one answers one after the other and
/// leaves orphans behind when it has children.
const BACKENDS: usize = 4;

const READY_DEADLINE: Duration = Duration::from_secs(10);

/// Bare repositories in a folder, reachable at `http://127.0.0.1:<port>/<name>`.
pub(crate) struct GitRemote {
    port: u16,
    log: PathBuf,
    backends: Vec<KillOnDrop>,
    _nginx: KillOnDrop,
}

impl GitRemote {
    /// Serves all repositories of a folder; its own files lie in `scratch`.
    pub(crate) fn start(repositories: &Path, scratch: &Path) -> anyhow::Result<Self> {
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
            _nginx: nginx(&settings, &folder, &log)?,
            log,
            backends,
        };
        remote.wait_until_ready()?;
        Ok(remote)
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// What it was asked, a line for each request that is over: method, path and query.
    pub(crate) fn log(&self) -> &Path {
        &self.log
    }

    /// Whether Git prepares an answer, for which it has a process each time.
    pub(crate) fn is_at_work(&self) -> anyhow::Result<bool> {
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
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
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
