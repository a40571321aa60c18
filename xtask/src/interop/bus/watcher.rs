//! Our client: `confbus watch`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use super::eventually::eventually;
use crate::shell::KillOnDrop;

/// Prints a line for each key that changes.
pub(super) struct Watcher {
    lines: PathBuf,
    _process: KillOnDrop,
}

impl Watcher {
    /// Starts one that hears of changes only by the broker.
    pub(super) fn start(
        program: &Path,
        address: &str,
        server: u16,
        broker: u16,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let lines = folder.join("watch.log");
        let output = File::create(&lines)?;
        let mut command = Command::new(program);
        command
            .args(["watch", address, "--index", "1", "--poll", "0"])
            .arg(format!("--server=http://127.0.0.1:{server}"))
            .arg(format!("--amqp=amqp://guest:guest@127.0.0.1:{broker}/%2f"))
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = KillOnDrop::spawn(&mut command)?;
        let watcher = Self {
            lines,
            _process: process,
        };
        watcher.says("listening", "bus id")?;
        Ok(watcher)
    }

    /// Waits for a line with both texts.
    pub(super) fn says(&self, text: &str, other: &str) -> anyhow::Result<()> {
        eventually("confbus watch", || {
            let lines = fs::read_to_string(&self.lines)?;
            let said = |line: &str| line.contains(text) && line.contains(other);
            ensure!(
                lines.lines().any(said),
                "no line of {lines:?} has {text:?} and {other:?}"
            );
            Ok(())
        })
    }
}
