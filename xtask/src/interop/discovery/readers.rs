use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::programs::Programs;
use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::KillOnDrop;

/// A cold JVM on a busy machine.
const READY: Duration = Duration::from_secs(180);

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

impl SpringClient {
    /// Starts it and waits until it answers; without a configuration it ends.
    pub(super) fn start(
        programs: &Programs,
        registry: &str,
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
                format!("--eureka.client.service-url.defaultZone={registry}"),
            ])
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
        registries: &str,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let log = folder.join("orders.log");
        let output = File::create(&log)?;
        let mut command = Command::new(&programs.ours);
        command
            .env("SPRING_APPLICATION_NAME", "orders")
            .env("SPRING_CLOUD_CONFIG_DISCOVERY_ENABLED", "true")
            .env("EUREKA_CLIENT_SERVICEURL_DEFAULTZONE", registries)
            .env("CONFBUS_POLL_INTERVAL", "1s")
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(Self {
            log,
            _process: KillOnDrop::spawn(&mut command)?,
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
