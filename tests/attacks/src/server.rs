//! A server in a process of its own, with a secret of each kind in its environment.

use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use crate::canaries::Canaries;

/// Long enough for a machine that compiles meanwhile.
const STARTS: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(10);
/// Everything there is to say.
const LOG: &str = "trace";

/// A running server.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub port: u16,
    log: PathBuf,
    read: u64,
}

/// What a server and the processes that it started take of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    /// The most memory that any of them ever took, in bytes.
    pub peak: u64,
    /// Threads of the server itself.
    pub threads: usize,
    /// Descriptors of the server itself.
    pub descriptors: usize,
}

impl Server {
    /// Starts it in a folder of its own and waits until it listens; `None` when it ends instead, which it may do where it is
    /// given what it refuses.
    ///
    /// # Errors
    /// When it does neither in time.
    pub fn start(
        program: &Path,
        folder: &Path,
        settings: &[String],
        canaries: &Canaries,
    ) -> anyhow::Result<(Option<Self>, PathBuf)> {
        fs::create_dir_all(folder)?;
        // Where a path that climbs out of a clone would come to.
        for place in ["canary-outside", "disk/canary-outside"] {
            let place = folder.join(place);
            fs::create_dir_all(place.parent().context("a folder")?)?;
            fs::write(place, canaries.of("file"))?;
        }
        let log = folder.join("log");
        let port = free_port()?;
        let mut child = Command::new(program)
            .args(["serve", "--log-format=text", "--server.address=127.0.0.1"])
            .arg(format!("--server.port={port}"))
            .arg(format!(
                "--spring.cloud.config.server.git.basedir={}",
                folder.join("disk").display()
            ))
            .args(settings.iter().map(|setting| format!("--{setting}")))
            .env("RUST_LOG", LOG)
            .env("CANARY_ENV", canaries.of("variable"))
            .env("XDG_CACHE_HOME", folder)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot run the server")?;
        let until = Instant::now() + STARTS;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            if child.try_wait()?.is_some() {
                return Ok((None, log));
            }
            if Instant::now() > until {
                _ = child.kill();
                bail!("the server does not listen; its log is {}", log.display());
            }
            sleep(POLL);
        }
        let server = Self {
            child,
            port,
            log: log.clone(),
            read: 0,
        };
        Ok((Some(server), log))
    }

    /// What it has written since this was last asked.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn news(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut news = Vec::new();
        file.read_to_end(&mut news)?;
        // A line may not be whole yet.
        let whole = news.iter().rposition(|byte| *byte == b'\n');
        news.truncate(whole.map_or(0, |end| end + 1));
        self.read += news.len() as u64;
        Ok(news)
    }

    /// How it ended, once it has.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn ended(&mut self) -> anyhow::Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// How long its threads have waited for a processor, all together.
    #[must_use]
    pub fn waited(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let wait = |task: fs::DirEntry| -> Option<u64> {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').nth(1)?.parse().ok()
        };
        let waits = tasks.into_iter().flatten().flatten().filter_map(wait);
        Duration::from_nanos(waits.sum())
    }

    /// What it takes.
    ///
    /// # Errors
    /// When it has ended.
    pub fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.child.id();
        let folder = PathBuf::from(format!("/proc/{id}"));
        let of_workers = children(id).into_iter().filter_map(|id| peak(id).ok());
        Ok(Usage {
            peak: of_workers.fold(peak(id)?, u64::max),
            threads: fs::read_dir(folder.join("task"))?.count(),
            descriptors: fs::read_dir(folder.join("fd"))?.count(),
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only for one that has ended already.
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn peak(id: u32) -> anyhow::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let line = line.context("the kernel does not tell the peak")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes << 10)
}

/// Those that any of its threads started.
fn children(id: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{id}/task"));
    let lists = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let ids = |list: String| -> Vec<u32> {
        list.split_whitespace()
            .filter_map(|id| id.parse().ok())
            .collect()
    };
    lists.flat_map(ids).collect()
}

/// A port of this machine that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
