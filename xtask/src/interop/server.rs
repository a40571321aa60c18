//! The two servers, started with the same settings.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::http;
use crate::shell::{self, KillOnDrop, find_program, root};

/// A cold JVM on a busy machine needs a while.
const READY_DEADLINE: Duration = Duration::from_secs(120);

const HOW_TO_INSTALL: &str = "the original needs a JDK of version 17 or later and Maven; type:
  sudo apt-get install --no-install-recommends openjdk-17-jdk-headless maven    (Debian, Ubuntu)
  brew install openjdk@17 maven                                                 (macOS)";

/// Both programs, built.
pub(super) struct Programs {
    confbus: PathBuf,
    spring: PathBuf,
}

/// A server that answers.
pub(super) struct Server {
    pub(super) port: u16,
    _process: KillOnDrop,
}

impl Programs {
    /// Builds confbus, and the original from its published artifacts.
    pub(super) fn build() -> anyhow::Result<Self> {
        let missing: Vec<_> = ["java", "mvn"]
            .into_iter()
            .filter(|program| find_program(program).is_none())
            .collect();
        if !missing.is_empty() {
            bail!("{} is not here: {HOW_TO_INSTALL}", missing.join(" and "));
        }
        let confbus = shell::debug_server()?;
        let output = confbus
            .parent()
            .context("a program lies in a folder")?
            .join("interop");
        let mut maven = Command::new("mvn");
        maven
            .args(["--batch-mode", "--quiet", "--file"])
            .arg(root().join("interop/spring-config-server/pom.xml"))
            .arg(format!("-Doutput={}", output.display()))
            .arg("package");
        shell::run(&mut maven)?;
        Ok(Self {
            confbus,
            spring: output.join("spring-config-server.jar"),
        })
    }

    pub(super) fn confbus(&self, settings: &[String], folder: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new(&self.confbus);
        command.args(["serve", "--confbus.git.freshness=strict"]);
        command.arg(format!(
            "--spring.cloud.config.server.git.basedir={}",
            folder.join("confbus").display()
        ));
        start(command, settings, &folder.join("confbus.log"))
    }

    pub(super) fn spring(&self, settings: &[String], folder: &Path) -> anyhow::Result<Server> {
        let mut command = Command::new("java");
        // It lives for seconds, so the second compiler never pays.
        command
            .args(["-XX:TieredStopAtLevel=1", "-jar"])
            .arg(&self.spring);
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
