//! Our server inside of valgrind, which counts.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use crate::bench::confbus::Confbus;
use crate::bench::http;
use crate::bench::server::{Cores, free_port};
use crate::bench::stage::HOT;
use crate::shell::{KillOnDrop, output};

/// Everything takes fifty times as long.
const DEADLINE: Duration = Duration::from_secs(120);

/// How the server is started.
pub(super) struct Callgrind<'a> {
    pub(super) program: &'a Path,
    /// Of this machine, so that nothing but the server takes part.
    pub(super) repository: &'a Path,
    pub(super) folder: &'a Path,
}

impl Callgrind<'_> {
    /// How many instructions a server executes from its start to its end, when this happens in between.
    pub(super) fn instructions(
        &self,
        between: impl FnOnce(u16) -> anyhow::Result<()>,
    ) -> anyhow::Result<u64> {
        let port = free_port()?;
        let counts = self.folder.join("callgrind.out");
        let mut server = KillOnDrop::spawn(&mut self.command(port, &counts)?)?;
        let started = Instant::now();
        while http::get(port, HOT).is_err() {
            pause(&mut server, started)?;
        }
        between(port)?;
        terminate(&server)?;
        while server.ended()?.is_none() {
            thread::sleep(Duration::from_millis(20));
            ensure!(started.elapsed() < DEADLINE, "the server does not end");
        }
        total(&fs::read_to_string(counts)?).context("callgrind has counted nothing")
    }

    /// The server's command with valgrind in front. The first answer is awaited with few questions, as each one counts.
    fn command(&self, port: u16, counts: &Path) -> anyhow::Result<Command> {
        let settings = [
            "--spring.cloud.bus.enabled=false".to_owned(),
            // Only when told.
            "--spring.cloud.config.server.git.refresh-rate=-1".to_owned(),
        ];
        let server = Confbus {
            program: self.program,
            uri: &self.repository.display().to_string(),
            folder: self.folder,
            cores: Cores::Free,
            ready: HOT,
            settings: &settings,
        };
        let plain = server.command(port)?;
        let mut command = Command::new("valgrind");
        command
            .args(["--quiet", "--tool=callgrind"])
            .arg(format!("--callgrind-out-file={}", counts.display()))
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(self.folder)
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.folder.join("valgrind.log"))?);
        Ok(command)
    }
}

fn pause(server: &mut KillOnDrop, started: Instant) -> anyhow::Result<()> {
    let ended = server.ended()?;
    ensure!(ended.is_none(), "the server has ended: {ended:?}");
    ensure!(started.elapsed() < DEADLINE, "the server serves nothing");
    thread::sleep(Duration::from_millis(100));
    Ok(())
}

/// Asks it to end by itself, so that valgrind writes down what it counted.
fn terminate(server: &KillOnDrop) -> anyhow::Result<()> {
    let mut kill = Command::new("kill");
    output(kill.arg(server.0.id().to_string())).map(drop)
}

/// Of all threads, as callgrind writes it.
fn total(counts: &str) -> Option<u64> {
    let line = counts
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("totals: "))?;
    line.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::total;

    #[test]
    fn the_total_stands_at_the_end() {
        assert_eq!(
            total("events: Ir\nfn=(1)\n3 4\ntotals: 332960765\n"),
            Some(332_960_765)
        );
        assert_eq!(total("events: Ir\n"), None);
    }
}
