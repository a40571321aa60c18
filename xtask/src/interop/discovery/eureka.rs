use std::fs::File;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::Registry;
use super::programs::{PASSWORD, USER, id};
use crate::interop::eventually::within;
use crate::interop::{http, jdk, server::free_port};
use crate::shell::KillOnDrop;

/// Cold JVMs on a busy machine need a while.
const READY: Duration = Duration::from_secs(180);

/// Both names of this machine: a peer takes another one of its own name for itself.
const NAMES: [&str; 2] = ["localhost", "127.0.0.1"];

/// A server of Eureka.
struct Eureka {
    name: &'static str,
    port: u16,
    process: Option<KillOnDrop>,
}

/// Two that tell each other; the first one may die.
pub(super) struct Peers([Eureka; 2]);

impl Peers {
    pub(super) fn start(folder: &Path) -> anyhow::Result<Self> {
        let program = jdk::package("spring-eureka-server", None)?;
        let ports = [free_port()?, free_port()?];
        let mut peers = [0, 1].map(|peer| Eureka {
            name: NAMES[peer],
            port: ports[peer],
            process: None,
        });
        for peer in [0, 1] {
            let other = peers[1 - peer].address();
            peers[peer].process = Some(peers[peer].start(&program, &other, folder)?);
        }
        for peer in &peers {
            within(READY, "Eureka is not ready", || peer.listed())?;
        }
        Ok(Self(peers))
    }

    fn addresses(&self) -> String {
        self.0.each_ref().map(Eureka::address).join(",")
    }
}

impl Registry for Peers {
    fn name(&self) -> &'static str {
        "eureka"
    }

    fn of_confbus(&self, port: u16) -> Vec<String> {
        vec![
            format!(
                "--eureka.client.service-url.defaultZone={}",
                self.addresses()
            ),
            "--eureka.instance.prefer-ip-address=true".to_owned(),
            format!("--eureka.instance.instance-id={}", id(port)),
            "--eureka.instance.lease-renewal-interval-in-seconds=1".to_owned(),
            "--eureka.instance.lease-expiration-duration-in-seconds=3".to_owned(),
            format!("--eureka.instance.metadata-map.user={USER}"),
            format!("--eureka.instance.metadata-map.password={PASSWORD}"),
        ]
    }

    fn of_spring(&self) -> Vec<String> {
        let address = self.0[0].address();
        vec![format!("--eureka.client.service-url.defaultZone={address}")]
    }

    fn of_ours(&self) -> Vec<(&'static str, String)> {
        vec![("EUREKA_CLIENT_SERVICEURL_DEFAULTZONE", self.addresses())]
    }

    /// What those say that live, of the same mind.
    fn listed(&self) -> anyhow::Result<Vec<u16>> {
        let living = self.0.iter().filter(|peer| peer.process.is_some());
        let lists: Vec<_> = living.map(Eureka::listed).collect::<anyhow::Result<_>>()?;
        let is_one = lists.iter().all(|list| *list == lists[0]);
        ensure!(is_one, "peers list different servers: {lists:?}");
        lists.into_iter().next().context("no peer lives")
    }

    fn forget(&mut self, port: u16) -> anyhow::Result<()> {
        self.0[0].forget(port)
    }

    /// Leases of the run are three seconds, and Eureka looks for ended ones each second; it doubles a lease that was renewed.
    fn lease(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn has_peers(&self) -> bool {
        true
    }

    fn lose_one(&mut self) -> Option<String> {
        self.0[0].process = None;
        Some(self.0[1].address())
    }
}

impl Eureka {
    fn start(&self, program: &Path, other: &str, folder: &Path) -> anyhow::Result<KillOnDrop> {
        let output = File::create(folder.join(format!("eureka-{}.log", self.port)))?;
        let mut command = jdk::java();
        command
            .arg("-jar")
            .arg(program)
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

    fn address(&self) -> String {
        format!("http://{}:{}/eureka/", self.name, self.port)
    }

    /// The ports of the config servers that it lists as up.
    fn listed(&self) -> anyhow::Result<Vec<u16>> {
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
    fn forget(&self, port: u16) -> anyhow::Result<()> {
        let path = format!("/eureka/apps/CONFIGSERVER/{}", id(port));
        let (status, body) = http::send(self.port, "DELETE", &path, &[], "")?;
        ensure!(status == "200", "DELETE {path}: {status}: {body}");
        Ok(())
    }
}
