//! A program as a container starts it: with the environment of a compose file, and nothing else.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::ensure;

use super::Programs;
use crate::interop::eventually::within;
use crate::interop::http;
use crate::shell::KillOnDrop;

/// A cold JVM on a machine that compiles meanwhile.
const READY_DEADLINE: Duration = Duration::from_secs(300);

/// What a compose file sets.
pub(super) type Environment = Vec<(&'static str, String)>;

/// A server that has answered.
pub(super) struct Container {
    pub(super) port: u16,
    _process: KillOnDrop,
}

/// Where a server listens, where its files lie, and how one sees that it is ready.
pub(super) struct Place<'a> {
    pub(super) port: u16,
    pub(super) folder: &'a Path,
    /// A path that is answered with 200.
    pub(super) ready: &'a str,
}

impl Container {
    /// The original in that jar.
    pub(super) fn spring(
        jar: &Path,
        environment: &Environment,
        place: &Place<'_>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new("java");
        // It lives for a minute or two next to others.
        command
            .args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-jar"])
            .arg(jar);
        Self::start(command, "spring", environment, place)
    }

    /// What the image of confbus starts.
    pub(super) fn confbus(
        programs: &Programs,
        environment: &Environment,
        place: &Place<'_>,
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(&programs.confbus);
        command.arg("serve");
        Self::start(command, "confbus", environment, place)
    }

    fn start(
        mut command: Command,
        name: &str,
        environment: &Environment,
        place: &Place<'_>,
    ) -> anyhow::Result<Self> {
        let Place {
            port,
            folder,
            ready,
        } = *place;
        let log = folder.join(format!("{name}.log"));
        let basedir = folder.join(format!("{name}-clone"));
        in_container(&mut command, folder);
        command
            .envs(environment.iter().map(|(name, value)| (*name, value)))
            // What a container has to itself.
            .env("SERVER_ADDRESS", "127.0.0.1")
            .env("SERVER_PORT", port.to_string())
            .env("SPRING_CLOUD_CONFIG_SERVER_GIT_BASEDIR", basedir);
        let output = File::options().create(true).append(true).open(&log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let mut process = KillOnDrop::spawn(&mut command)?;
        let answered = within(READY_DEADLINE, "not ready", || {
            if let Some(how) = process.ended()? {
                // Nothing to wait for.
                return Ok(Err(anyhow::anyhow!("{name} ended: {how}")));
            }
            let (status, _) = http::send(port, "GET", ready, &[], "")?;
            ensure!(status == "200", "GET {ready} is answered with {status}");
            Ok(Ok(()))
        });
        answered.and_then(|outcome| outcome).map_err(|error| {
            let said = fs::read_to_string(&log).unwrap_or_default();
            error.context(tail(&said))
        })?;
        Ok(Self {
            port,
            _process: process,
        })
    }
}

/// Nothing of this machine but its programs.
pub(super) fn in_container(command: &mut Command, folder: &Path) {
    let path: OsString = std::env::var_os("PATH").unwrap_or_default();
    let home: PathBuf = folder.to_owned();
    command
        .env_clear()
        .env("PATH", path)
        .env("HOME", home)
        .current_dir(folder);
}

fn tail(said: &str) -> String {
    let lines: Vec<_> = said.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}
