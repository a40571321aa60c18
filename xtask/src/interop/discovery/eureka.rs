use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::programs::{Programs, id};
use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::KillOnDrop;

/// Cold JVMs on a busy machine need a while.
const READY: Duration = Duration::from_secs(180);

/// Both names of this machine: a peer takes another one of its own name for itself.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A server of Eureka.
pub(super) struct Eureka {
    name: &'static str,
    port: u16,
    process: Option<KillOnDrop>,
}

impl Eureka {
    /// Two peers that tell each other.
    pub(super) fn start_two(programs: &Programs, folder: &Path) -> anyhow::Result<[Self; 2]> {
        let ports = [free_port()?, free_port()?];
        let mut peers = [0, 1].map(|peer| Self {
            name: NAMES[peer],
            port: ports[peer],
            process: None,
        });
        for peer in [0, 1] {
            let other = peers[1 - peer].address();
            peers[peer].process = Some(peers[peer].start(programs, &other, folder)?);
        }
        for peer in &peers {
            within(READY, "Eureka is not ready", || peer.listed())?;
        }
        Ok(peers)
    }

    fn start(&self, programs: &Programs, other: &str, folder: &Path) -> anyhow::Result<KillOnDrop> {
        let output = File::create(folder.join(format!("eureka-{}.log", self.port)))?;
        let mut command = jdk::java();
        command
            .arg("-jar")
            .arg(&programs.eureka)
            .args([
                format!("--server.port={}", self.port),
                format!("--eureka.instance.hostname={}", self.name),
                format!("--eureka.client.service-url.defaultZone={other}"),
                // What takes minutes in production takes seconds here.
                "--eureka.server.enable-self-preservation=false".to_owned(),
                "--eureka.server.eviction-interval-timer-in-ms=1000".to_owned(),
                "--eureka.server.response-cache-update-interval-ms=1000".to_owned(),
                "--eureka.server.use-read-only-response-cache=false".to_owned(),
            ])
            .current_dir(folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        KillOnDrop::spawn(&mut command)
    }

    pub(super) fn address(&self) -> String {
        format!("http://{}:{}/eureka/", self.name, self.port)
    }

    /// The ports of the config servers that it lists as up.
    pub(super) fn listed(&self) -> anyhow::Result<Vec<u16>> {
        let accept = [("Accept", "application/json")];
        let (status, body) = http::send(self.port, "GET", "/eureka/apps/", &accept, "")?;
        ensure!(status == "200", "Eureka: {status}");
        let answer: Value = serde_json::from_str(&body)?;
        let applications = answer["applications"]["application"].as_array();
        let ours = applications
            .context("no applications")?
            .iter()
            .filter(|application| application["name"] == "CONFIGSERVER");
        let instances = ours.flat_map(|application| application["instance"].as_array());
        let up = instances
            .flatten()
            .filter(|instance| instance["status"] == "UP");
        let ports = up.map(|instance| {
            let port = instance["port"]["$"].as_u64().context("no port")?;
            Ok(port.try_into()?)
        });
        let mut ports: Vec<u16> = ports.collect::<anyhow::Result<_>>()?;
        ports.sort_unstable();
        Ok(ports)
    }

    /// Takes a server off the list.
    pub(super) fn forget(&self, port: u16) -> anyhow::Result<()> {
        let path = format!("/eureka/apps/CONFIGSERVER/{}", id(port));
        let (status, body) = http::send(self.port, "DELETE", &path, &[], "")?;
        ensure!(status == "200", "DELETE {path}: {status}: {body}");
        Ok(())
    }

    pub(super) fn kill(&mut self) {
        self.process = None;
    }
}
