//! The two servers, started with the same settings.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::{http, jdk};
use crate::shell::{self, KillOnDrop};

/// A cold JVM on a busy machine needs a while.
const READY_DEADLINE: Duration = Duration::from_secs(120);

/// Both programs, built.
pub(super) struct Programs {
    confbus: PathBuf,
    spring: PathBuf,
    /// What both find there besides what this program was given.
    environment: Vec<(&'static str, &'static str)>,
}

/// A server that answers.
pub(super) struct Server {
    pub(super) port: u16,
    _process: KillOnDrop,
}

impl Programs {
    /// Builds confbus, and the original from its published artifacts.
    pub(super) fn build() -> anyhow::Result<Self> {
        Ok(Self {
            spring: jdk::package("spring-config-server", None)?,
            confbus: shell::debug_server()?,
            environment: Vec::new(),
        })
    }

    /// The same with what reads Redis, PostgreSQL and buckets.
    pub(super) fn with_stores(
        environment: &[(&'static str, &'static str)],
    ) -> anyhow::Result<Self> {
        Ok(Self {
            spring: jdk::package("spring-config-server", Some("stores"))?,
            confbus: shell::debug_server_with("redis,jdbc,awss3")?,
            environment: environment.to_vec(),
        })
    }

    pub(super) fn confbus(&self, settings: &[String], folder: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.confbus);
        command.args(["serve", "--confbus.git.freshness=strict"]);
        command.arg(format!(
            "--spring.cloud.config.server.git.basedir={}",
            folder.join("confbus").display()
        ));
        command.envs(self.environment.iter().copied());
        start(command, settings, &folder.join("confbus.log"))
    }

    pub(super) fn spring(&self, settings: &[String], folder: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new("java");
        // It lives for seconds, so the second compiler never pays.
        command
            .args(["-XX:TieredStopAtLevel=1", "-jar"])
            .arg(&self.spring);
        command.envs(self.environment.iter().copied());
        start(command, settings, &folder.join("spring.log"))
    }
}

fn start(mut command: Command, settings: &[String], log: &Path) -> anyhow::Result<Server> {
    let port = free_port()?;
    let output = File::create(log)?;
    command
        .args([
            "--server.address=127.0.0.1",
            &format!("--server.port={port}"),
        ])
        .args(settings)
        .stdout(output.try_clone()?)
        .stderr(output);
    let mut process = KillOnDrop::spawn(&mut command)?;
    let deadline = Instant::now() + READY_DEADLINE;
    while let Err(error) = http::get(port, "/encrypt/status") {
        let log = || std::fs::read_to_string(log).unwrap_or_default();
        if let Some(how) = process.ended()? {
            bail!("a server ended before it was ready: {how}\n{}", log());
        }
        if Instant::now() > deadline {
            bail!("a server is not ready: {error:#}\n{}", log());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Ok(Server {
        port,
        _process: process,
    })
}

pub(super) fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port")?;
    Ok(listener.local_addr()?.port())
}
