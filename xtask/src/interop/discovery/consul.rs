use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Registry;
use super::programs::{PASSWORD, USER, id};
use crate::golang;
use crate::interop::eventually::within;
use crate::interop::{http, server::free_port};
use crate::shell::KillOnDrop;

const READY: Duration = Duration::from_secs(60);
const TTL: Duration = Duration::from_secs(3);

/// An agent that is its own server.
pub(super) struct Consul {
    port: u16,
    _process: KillOnDrop,
}

impl Consul {
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        let program = golang::consul()?;
        let port = free_port()?;
        let output = File::create(folder.join("consul.log"))?;
        let mut command = Command::new(program);
        command
            .args(["agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1"])
            .args([
                "-grpc-port=-1",
                "-grpc-tls-port=-1",
                "-dns-port=-1",
                "-serf-wan-port=-1",
            ])
            .args([
                format!("-http-port={port}"),
                format!("-serf-lan-port={}", free_port()?),
                format!("-server-port={}", free_port()?),
            ])
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        let process = KillOnDrop::spawn(&mut command)?;
        let consul = Self {
            port,
            _process: process,
        };
        within(READY, "Consul is not ready", || {
            let leader = http::get(port, "/v1/status/leader")?;
            ensure!(leader.contains(':'), "no leader yet: {leader}");
            consul.listed()
        })?;
        Ok(consul)
    }
}

impl Registry for Consul {
    fn name(&self) -> &'static str {
        "consul"
    }

    fn of_confbus(&self, port: u16) -> Vec<String> {
        const DISCOVERY: &str = "--spring.cloud.consul.discovery";
        vec![
            "--spring.cloud.consul.host=127.0.0.1".to_owned(),
            format!("--spring.cloud.consul.port={}", self.port),
            format!("{DISCOVERY}.prefer-ip-address=true"),
            format!("{DISCOVERY}.instance-id={}", id(port)),
            format!("{DISCOVERY}.heartbeat.ttl={}s", TTL.as_secs()),
            format!("{DISCOVERY}.metadata.user={USER}"),
            format!("{DISCOVERY}.metadata.password={PASSWORD}"),
        ]
    }

    fn of_spring(&self) -> Vec<String> {
        vec![
            "--spring.cloud.consul.host=127.0.0.1".to_owned(),
            format!("--spring.cloud.consul.port={}", self.port),
        ]
    }

    fn of_ours(&self) -> Vec<(&'static str, String)> {
        vec![
            ("SPRING_CLOUD_CONSUL_HOST", "127.0.0.1".to_owned()),
            ("SPRING_CLOUD_CONSUL_PORT", self.port.to_string()),
        ]
    }

    /// Those that are well.
    fn listed(&self) -> anyhow::Result<Vec<u16>> {
        let answer = http::get(self.port, "/v1/health/service/configserver?passing=true")?;
        let answer: Value = serde_json::from_str(&answer)?;
        let entries = answer.as_array().context("no list")?.iter();
        let ports = entries.map(|entry| {
            let port = entry["Service"]["Port"].as_u64().context("no port")?;
            Ok(port.try_into()?)
        });
        let mut ports: Vec<u16> = ports.collect::<anyhow::Result<_>>()?;
        ports.sort_unstable();
        Ok(ports)
    }

    fn forget(&mut self, port: u16) -> anyhow::Result<()> {
        let path = format!("/v1/agent/service/deregister/{}", id(port));
        let (status, body) = http::send(self.port, "PUT", &path, &[], "")?;
        ensure!(status == "200", "PUT {path}: {status}: {body}");
        Ok(())
    }

    fn lease(&self) -> Duration {
        TTL * 4
    }
}
