//! The server: what is asked of it, and what its ledger says.

use std::fs::File;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use confbus_protocol::REPORTS_PATH;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::interop::eventually::eventually;
use crate::interop::{http, server::free_port};
use crate::shell::KillOnDrop;

const SECRET: &str = "of the webhook";

const JSON: http::Header<'_> = ("Content-Type", "application/json");

pub(in crate::interop) struct Confbus {
    pub(in crate::interop) port: u16,
    _process: KillOnDrop,
}

/// What the ledger knows of an instance.
#[derive(Debug)]
pub(in crate::interop) struct Entry {
    pub(in crate::interop) state: String,
    pub(in crate::interop) evidence: String,
    commits: [Option<String>; 3],
}

/// How `confbus fleet` and the pages show an instance.
#[derive(Debug)]
pub(in crate::interop) struct Shown {
    counts_as: String,
    pub(in crate::interop) evidence: String,
    runs: Option<String>,
}

impl Entry {
    /// Whether it is shown as running this commit, by any of the commits that are told of it.
    pub(in crate::interop) fn is_live_on(&self, commit: &str) -> bool {
        self.state == "live" && self.commits.iter().flatten().any(|known| known == commit)
    }
}

impl Shown {
    pub(in crate::interop) fn is_live_on(&self, commit: &str) -> bool {
        self.counts_as == "live" && self.runs.as_deref() == Some(commit)
    }
}

impl Confbus {
    /// Serves the repository on the broker that these settings name, and waits until the bus is there. It looks at the repository only when it is told to.
    pub(in crate::interop) fn start(
        program: &Path,
        repository: &Path,
        broker: &[String],
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = File::create(folder.join("confbus.log"))?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .args([
                "--server.address=127.0.0.1".to_owned(),
                format!("--server.port={port}"),
                format!(
                    "--spring.cloud.config.server.git.uri={}",
                    repository.display()
                ),
                "--spring.cloud.config.server.git.refresh-rate=-1".to_owned(),
                format!(
                    "--spring.cloud.config.server.git.basedir={}",
                    folder.join("state").display()
                ),
                format!("--spring.cloud.config.server.monitor.github.webhook-secret={SECRET}"),
            ])
            .args(broker)
            .current_dir(folder)
            .stdout(log.try_clone()?)
            .stderr(log);
        let confbus = Self {
            port,
            _process: KillOnDrop::spawn(&mut command)?,
        };
        confbus.connected()?;
        Ok(confbus)
    }

    /// Waits until its bus is there.
    pub(in crate::interop) fn connected(&self) -> anyhow::Result<()> {
        eventually("confbus has no bus", || {
            let health = self.get("/actuator/health")?;
            let connected = &health["components"]["bus"]["details"]["connected"];
            ensure!(connected == true, "health says {health}");
            Ok(())
        })
    }

    /// Whether its bus is there, by its health.
    pub(in crate::interop) fn connected_now(&self) -> anyhow::Result<Option<bool>> {
        let health = self.get("/actuator/health")?;
        Ok(health["components"]["bus"]["details"]["connected"].as_bool())
    }

    /// Tells those whom the destination means; everyone when it is empty.
    pub(in crate::interop) fn busrefresh(&self, destination: &str) -> anyhow::Result<()> {
        let path = match destination {
            "" => "/actuator/busrefresh".to_owned(),
            destination => format!("/actuator/busrefresh/{destination}"),
        };
        self.post(&path, &[JSON], "").map(drop)
    }

    /// Changes a value in the environment of those whom the destination means.
    pub(in crate::interop) fn busenv(
        &self,
        destination: &str,
        key: &str,
        value: &str,
    ) -> anyhow::Result<()> {
        let body = json!({"name": key, "value": value}).to_string();
        self.post(&format!("/actuator/busenv/{destination}"), &[JSON], &body)
            .map(drop)
    }

    /// Delivers a push of GitHub's that changed a file.
    pub(in crate::interop) fn github_push(&self, file: &str) -> anyhow::Result<()> {
        let body = github_body(file);
        let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
        mac.update(body.as_bytes());
        let tag = mac.finalize().into_bytes();
        let signature: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
        let signature = format!("sha256={signature}");
        let headers = [
            JSON,
            ("X-GitHub-Event", "push"),
            ("X-Hub-Signature-256", &signature),
        ];
        self.post("/monitor", &headers, &body).map(drop)
    }

    /// Reports as an instance of `users` would that runs this commit.
    pub(in crate::interop) fn report(&self, instance: &str, commit: &str) -> anyhow::Result<()> {
        let report = json!({
            "instance": instance,
            "application": "users",
            "profiles": "prod",
            "version": commit,
            "running": commit,
            "outcome": "applied",
        });
        self.post(&format!("/{REPORTS_PATH}"), &[JSON], &report.to_string())
            .map(drop)
    }

    /// The status that a push without a signature is answered with.
    pub(in crate::interop) fn unsigned_push(&self, file: &str) -> anyhow::Result<String> {
        let headers = [JSON, ("X-GitHub-Event", "push")];
        Ok(http::send(self.port, "POST", "/monitor", &headers, &github_body(file))?.0)
    }

    /// What the ledger knows of an instance; an error as long as it does not know it.
    pub(in crate::interop) fn entry(&self, bus_id: &str) -> anyhow::Result<Entry> {
        let ledger = self.get("/_/api/instances")?;
        let instances = ledger["instances"].as_array();
        let instances = instances.with_context(|| format!("no instances in {ledger}"))?;
        let entry = instances.iter().find(|entry| entry["instance"] == bus_id);
        let entry = entry.with_context(|| format!("{bus_id} is not in {ledger}"))?;
        let text = |key: &str| entry[key].as_str().map(str::to_owned);
        Ok(Entry {
            state: text("state").context("an instance without a state")?,
            evidence: text("evidence").context("an instance without evidence")?,
            commits: ["wanted", "fetched", "applied"].map(text),
        })
    }

    /// How the fleet shows an instance; an error as long as it does not.
    pub(in crate::interop) fn shown(&self, bus_id: &str) -> anyhow::Result<Shown> {
        let fleet = self.get("/_/api/fleet")?;
        let applications = fleet["applications"].as_array().into_iter().flatten();
        let mut instances = applications
            .filter_map(|application| application["instances"].as_array())
            .flatten();
        let instance = instances.find(|instance| instance["id"] == bus_id);
        let instance = instance.with_context(|| format!("{bus_id} is not in {fleet}"))?;
        let text = |key: &str| instance[key].as_str().map(str::to_owned);
        Ok(Shown {
            counts_as: text("counts_as").context("an instance that counts as nothing")?,
            evidence: text("evidence").context("an instance without evidence")?,
            runs: text("runs"),
        })
    }

    /// Whether the timeline of the newest refresh has an ack of that instance.
    pub(in crate::interop) fn newest_refresh_is_acked_by(
        &self,
        bus_id: &str,
    ) -> anyhow::Result<bool> {
        let refreshes = self.get("/_/api/refreshes")?;
        let timeline = refreshes["refreshes"][0]["timeline"].as_array();
        let timeline = timeline.with_context(|| format!("no timeline in {refreshes}"))?;
        Ok(timeline
            .iter()
            .any(|step| step["what"] == "acked" && step["instance"] == bus_id))
    }

    fn get(&self, path: &str) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(&http::get(self.port, path)?)?)
    }

    fn post(&self, path: &str, headers: &[http::Header<'_>], body: &str) -> anyhow::Result<String> {
        let (status, body) = http::send(self.port, "POST", path, headers, body)?;
        ensure!(
            status.starts_with('2'),
            "POST {path} to confbus: {status}: {body}"
        );
        Ok(body)
    }
}

fn github_body(file: &str) -> String {
    let commit = json!({"added": [], "modified": [file], "removed": []});
    json!({"ref": "refs/heads/main", "commits": [commit]}).to_string()
}
