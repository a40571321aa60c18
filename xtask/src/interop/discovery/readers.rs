use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::Registry;
use super::programs::Programs;
use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::KillOnDrop;

/// A cold JVM on a busy machine.
const READY: Duration = Duration::from_secs(180);
/// For some hundred fetches with pauses between them.
const MANY_FETCHES: Duration = Duration::from_secs(60);

/// A Spring application that knows a registry and no config server.
pub(super) struct SpringClient {
    port: u16,
    _process: KillOnDrop,
}

/// The example `orders` of our client, which knows as little.
pub(super) struct OurClient {
    log: PathBuf,
    _process: KillOnDrop,
}

/// The example `fetches`, which counts.
pub(super) struct Fetches {
    log: PathBuf,
    _process: KillOnDrop,
}

impl SpringClient {
    /// Starts it and waits until it answers; without a configuration it ends.
    pub(super) fn start(
        programs: &Programs,
        registry: &dyn Registry,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = folder.join("spring-client.log");
        let output = File::create(&log)?;
        let mut command = jdk::java();
        command
            .arg("-jar")
            .arg(&programs.spring)
            .args([
                "--server.address=127.0.0.1".to_owned(),
                format!("--server.port={port}"),
                "--spring.application.name=orders".to_owned(),
            ])
            .args(registry.of_spring())
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut process = KillOnDrop::spawn(&mut command)?;
        let ready = within(READY, "the Spring application is not ready", || {
            if let Some(how) = process.ended()? {
                return Ok(Some(how));
            }
            http::get(port, "/value?key=greeting").map(|_| None)
        });
        let said = || fs::read_to_string(&log).unwrap_or_default();
        match ready {
            Ok(None) => Ok(Self {
                port,
                _process: process,
            }),
            Ok(Some(how)) => bail!("the Spring application ended: {how}\n{}", said()),
            Err(error) => Err(error).with_context(said),
        }
    }

    pub(super) fn value(&self, key: &str) -> anyhow::Result<String> {
        http::get(self.port, &format!("/value?key={key}"))
    }
}

impl OurClient {
    pub(super) fn start(
        programs: &Programs,
        registry: &dyn Registry,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join("orders.log");
        let process = client(&programs.ours, registry, &log)?;
        Ok(Self {
            log,
            _process: process,
        })
    }

    /// Waits for a line with this text.
    pub(super) fn says(&self, text: &str, deadline: Duration) -> anyhow::Result<()> {
        within(deadline, "our client has not said it", || {
            let said = fs::read_to_string(&self.log)?;
            ensure!(said.contains(text), "no {text:?} in\n{said}");
            Ok(())
        })
    }
}

impl Fetches {
    pub(super) fn start(
        programs: &Programs,
        registry: &dyn Registry,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join("fetches.log");
        let process = client(&programs.fetches, registry, &log)?;
        Ok(Self {
            log,
            _process: process,
        })
    }

    /// Waits for so many, of which none has failed; says how many there are.
    pub(super) fn reach(&self, least: u64) -> anyhow::Result<u64> {
        let fetches = within(MANY_FETCHES, "too few fetches", || {
            let said = fs::read_to_string(&self.log)?;
            let line = said.lines().rfind(|line| line.contains(" fetches, "));
            let number = line.and_then(|line| line.split(' ').next()?.parse().ok());
            let number: u64 = number.context("no fetch yet")?;
            ensure!(number >= least, "{number} instead of {least}");
            Ok((number, said))
        });
        let (number, said) = fetches?;
        let lines = said.lines();
        let odd: Vec<_> = lines.filter(|line| !line.ends_with(" 0 failed")).collect();
        ensure!(odd.is_empty(), "fetches failed:\n{}", odd.join("\n"));
        Ok(number)
    }
}

/// Starts a program of our client that knows a registry; it asks one server after the other.
fn client(program: &Path, registry: &dyn Registry, log: &Path) -> anyhow::Result<KillOnDrop> {
    let output = File::create(log)?;
    let mut command = Command::new(program);
    command
        .env("SPRING_APPLICATION_NAME", "orders")
        .env("SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED", "true")
        .envs(registry.of_ours())
        .env("CONFBUS_POLL_INTERVAL", "1s")
        .env("CONFBUS_BALANCE", "round-robin")
        .stdout(output.try_clone()?)
        .stderr(output);
    if let Some(folder) = log.parent() {
        command.current_dir(folder);
    }
    KillOnDrop::spawn(&mut command)
}
