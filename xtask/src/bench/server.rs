//! Starting the two servers, pinned alike: each on the first core, the load on the second.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::http;
use crate::shell::{KillOnDrop, find_program};

const READY_DEADLINE: Duration = Duration::from_secs(30);

/// A server that answers.
pub(super) struct Running {
    pub(super) port: u16,
    process: KillOnDrop,
}

/// The command on one core where the system can do that (Linux), else anywhere.
pub(super) fn pinned_to(core: usize, program: impl AsRef<Path>) -> Command {
    let program = program.as_ref();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    if cores < 2 || find_program("taskset").is_none() {
        return Command::new(program);
    }
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string()]).arg(program);
    command
}

/// Starts a server and waits until it answers `ready` with 200.
pub(super) fn start(
    mut command: Command,
    port: u16,
    ready: &str,
    log: &Path,
) -> anyhow::Result<Running> {
    let mut process = KillOnDrop::spawn(&mut command)?;
    let deadline = Instant::now() + READY_DEADLINE;
    while let Err(error) = http::get(port, ready) {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        if let Some(how) = process.ended()? {
            bail!("the server ended before it was ready: {how}\n{}", log());
        }
        if Instant::now() > deadline {
            bail!(
                "the server is not ready after {} s: {error:#}\n{}",
                READY_DEADLINE.as_secs(),
                log()
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Running { port, process })
}

impl Running {
    /// Of the process that was started.
    pub(super) fn id(&self) -> u32 {
        self.process.0.id()
    }
}

pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
