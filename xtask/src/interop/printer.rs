//! A program that can only be listened to: each line tells what it has heard.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;

use super::eventually::eventually;
use crate::shell::KillOnDrop;

pub(super) struct Printer {
    lines: PathBuf,
    _process: KillOnDrop,
}

impl Printer {
    /// Starts it and waits for a line with this text, after which it listens.
    pub(super) fn start(
        command: &mut Command,
        folder: &Path,
        name: &str,
        ready: &str,
    ) -> anyhow::Result<Self> {
        let lines = folder.join(format!("{name}.log"));
        let output = File::create(&lines)?;
        command
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = KillOnDrop::spawn(command)?;
        let printer = Self {
            lines,
            _process: process,
        };
        printer.says(&[ready])?;
        Ok(printer)
    }

    /// Waits for a line with all these texts.
    pub(super) fn says(&self, texts: &[&str]) -> anyhow::Result<()> {
        self.says_after(0, texts)
    }

    /// The same for what it says behind so many bytes.
    pub(super) fn says_after(&self, said: usize, texts: &[&str]) -> anyhow::Result<()> {
        eventually("a program has not said something", || {
            let all = self.all()?;
            let fits = |line: &str| texts.iter().all(|text| line.contains(text));
            let new = all.get(said..).unwrap_or_default();
            ensure!(
                new.lines().any(fits),
                "no line with {texts:?} behind byte {said} of\n{all}"
            );
            Ok(())
        })
    }

    /// Everything that it has said so far.
    pub(super) fn all(&self) -> anyhow::Result<String> {
        Ok(fs::read_to_string(&self.lines)?)
    }
}
