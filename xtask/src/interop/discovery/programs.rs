use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::{self, KillOnDrop};

/// What opens the server's answers; only the registry tells it to readers.
const USER: &str = "reader";
const PASSWORD: &str = "of-this-run-alone-7Rk2";

/// All programs of the run, built.
pub(super) struct Programs {
    pub(super) confbus: PathBuf,
    pub(super) ours: PathBuf,
    pub(super) eureka: PathBuf,
    pub(super) spring: PathBuf,
}

/// A config server below `/cfg` that tells registries where it is.
pub(super) struct Confbus {
    port: u16,
    process: KillOnDrop,
}

impl Programs {
    pub(super) fn build() -> anyhow::Result<Self> {
        // Whether Maven can build them is known before anything else is.
        let eureka = jdk::package("spring-eureka-server", None)?;
        let spring = jdk::package("spring-discovery-client", None)?;
        Ok(Self {
            eureka,
            spring,
            confbus: shell::debug_server()?,
            ours: shell::debug_example("orders", "eureka")?,
        })
    }
}

impl Confbus {
    /// Starts it and waits until it answers.
    pub(super) fn start(
        programs: &Programs,
        registries: &[String],
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
                format!(
                    "--eureka.client.service-url.defaultZone={}",
                    registries.join(",")
                ),
                "--management.endpoint.health.show-details=always".to_owned(),
                "--eureka.instance.prefer-ip-address=true".to_owned(),
                format!("--eureka.instance.instance-id={}", id(port)),
                "--eureka.instance.lease-renewal-interval-in-seconds=1".to_owned(),
                "--eureka.instance.lease-expiration-duration-in-seconds=3".to_owned(),
                format!("--eureka.instance.metadata-map.user={USER}"),
                format!("--eureka.instance.metadata-map.password={PASSWORD}"),
            ])
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

    /// The peer that renewed it last, by its own word.
    pub(super) fn registered_with(&self) -> anyhow::Result<String> {
        let health: Value = serde_json::from_str(&http::get(self.port, "/actuator/health")?)?;
        let eureka = &health["components"]["registration"]["details"]["eureka"];
        let server = eureka["server"].as_str();
        ensure!(eureka["registered"] == true, "not registered: {eureka}");
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
    format!("confbus:{port}")
}
