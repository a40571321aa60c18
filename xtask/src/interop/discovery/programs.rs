use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::Registry;
use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::{self, KillOnDrop};

/// What opens the server's answers; only the registry tells it to readers.
pub(super) const USER: &str = "reader";
pub(super) const PASSWORD: &str = "of-this-run-alone-7Rk2";

/// All programs of the run, built.
pub(super) struct Programs {
    confbus: PathBuf,
    pub(super) ours: PathBuf,
    pub(super) fetches: PathBuf,
    pub(super) spring: PathBuf,
}

/// A config server below `/cfg` that tells registries where it is.
pub(super) struct Confbus {
    port: u16,
    process: KillOnDrop,
}

impl Programs {
    /// For a registry of this name.
    pub(super) fn build(registry: &str) -> anyhow::Result<Self> {
        // Whether Maven can build it is known before anything else is.
        let spring = jdk::package("spring-discovery-client", Some(registry))?;
        let all = "consul,eureka,zookeeper";
        Ok(Self {
            spring,
            confbus: shell::debug_server_with(all)?,
            ours: shell::debug_example("orders", all)?,
            fetches: shell::debug_example("fetches", all)?,
        })
    }
}

impl Confbus {
    /// Starts it and waits until it answers.
    pub(super) fn start(
        programs: &Programs,
        registry: &dyn Registry,
        repository: &Path,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let output = File::create(folder.join(format!("confbus-{port}.log")))?;
        let mut command = Command::new(&programs.confbus);
        let base = folder.join(format!("confbus-{port}"));
        command
            .arg("serve")
            .args([
                "--server.address=127.0.0.1".to_owned(),
                format!("--server.port={port}"),
                format!(
                    "--spring.cloud.config.server.git.uri={}",
                    repository.display()
                ),
                format!(
                    "--spring.cloud.config.server.git.basedir={}",
                    base.display()
                ),
                "--spring.cloud.config.server.prefix=/cfg".to_owned(),
                format!("--spring.security.user.name={USER}"),
                format!("--spring.security.user.password={PASSWORD}"),
                "--management.endpoint.health.show-details=always".to_owned(),
            ])
            .args(registry.of_confbus(port))
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = KillOnDrop::spawn(&mut command)?;
        within(Duration::from_secs(60), "confbus is not ready", || {
            http::get(port, "/actuator/health/readiness")
        })?;
        Ok(Self { port, process })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Who of a registry renewed it last, by its own word.
    pub(super) fn registered_with(&self, registry: &str) -> anyhow::Result<String> {
        let health: Value = serde_json::from_str(&http::get(self.port, "/actuator/health")?)?;
        let standing = &health["components"]["registration"]["details"][registry];
        let server = standing["server"].as_str();
        ensure!(standing["registered"] == true, "not registered: {standing}");
        Ok(server.context("no server")?.to_owned())
    }

    /// Asks it to end, and waits until it has.
    pub(super) fn stop(mut self) -> anyhow::Result<()> {
        kill_process(Pid::from_child(&self.process.0), Signal::TERM)?;
        within(Duration::from_secs(30), "confbus does not end", || {
            let status = self.process.ended()?.context("it is still there")?;
            ensure!(status.success(), "confbus: {status}");
            Ok(())
        })
    }
}

/// What an instance is called in the registry.
pub(super) fn id(port: u16) -> String {
    format!("confbus-{port}")
}

/// The port of the server that is called so.
pub(super) fn port_of(id: &str) -> anyhow::Result<u16> {
    let port = id.rsplit('-').next().unwrap_or_default();
    port.parse()
        .with_context(|| format!("{id} is none of ours"))
}
