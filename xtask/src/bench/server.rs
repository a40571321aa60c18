//! Starting servers, and where on the machine they and their load may run.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;

use super::http;
use super::machine::{cpu_time, pinned_to, resident_kib};
use crate::shell::KillOnDrop;
pub(super) use crate::shell::free_port;

const READY_DEADLINE: Duration = Duration::from_secs(60);

/// Where servers and load run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// The server alone on the first core, the load alone on the second one.
    Split,
    /// Both wherever the system puts them; the server has as many threads as there are cores.
    Free,
}

impl Cores {
    pub(super) fn server(self, program: impl AsRef<Path>) -> Command {
        self.place(0, program)
    }

    pub(super) fn load(self, program: impl AsRef<Path>) -> Command {
        self.place(1, program)
    }

    fn place(self, core: usize, program: impl AsRef<Path>) -> Command {
        match self {
            Self::Split => pinned_to(core, program),
            Self::Free => Command::new(program.as_ref()),
        }
    }

    /// How many threads a server or its load has.
    pub(super) fn threads(self) -> usize {
        match self {
            Self::Split => 1,
            Self::Free => thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// A server that answers.
pub(super) struct Running {
    pub(super) port: u16,
    processes: Vec<KillOnDrop>,
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
        if let Some(how) = process.ended()? {
            bail!("the server ended before it was ready: {how}\n{}", end(log));
        }
        if Instant::now() > deadline {
            bail!(
                "the server is not ready after {} s: {error:#}\n{}",
                READY_DEADLINE.as_secs(),
                end(log)
            );
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(Running::new(port, process))
}

impl Running {
    /// Of a server that answers already.
    pub(super) fn new(port: u16, process: KillOnDrop) -> Self {
        Self {
            port,
            processes: vec![process],
        }
    }

    /// Of the process that was started first.
    pub(super) fn id(&self) -> u32 {
        self.processes[0].0.id()
    }

    /// Takes the processes of another one that shares the port.
    pub(super) fn join(&mut self, other: Self) {
        self.processes.extend(other.processes);
    }

    /// CPU time since the start.
    pub(super) fn cpu_time(&self) -> anyhow::Result<Duration> {
        let ids: Vec<_> = self
            .processes
            .iter()
            .map(|process| process.0.id())
            .collect();
        cpu_time(&ids)
    }

    /// Memory in RAM.
    pub(super) fn resident_kib(&self) -> anyhow::Result<u64> {
        let each = self.processes.iter();
        each.map(|process| resident_kib(process.0.id())).sum()
    }
}

/// The last lines of a log.
pub(super) fn end(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
