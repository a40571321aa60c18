//! A Spring application.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use super::line::Line;
use crate::interop::eventually::within;
use crate::interop::{http, server::free_port};
use crate::shell::KillOnDrop;

/// Three cold JVMs start at once on a busy machine.
const READY_DEADLINE: Duration = Duration::from_secs(300);

/// Who an application is, and where it finds the others.
pub(in crate::interop) struct Start<'a> {
    pub(in crate::interop) line: Line,
    pub(in crate::interop) jar: &'a Path,
    pub(in crate::interop) name: &'static str,
    pub(in crate::interop) profiles: &'static str,
    pub(in crate::interop) config_server: u16,
    /// The settings that name the broker.
    pub(in crate::interop) broker: &'a [String],
    pub(in crate::interop) folder: &'a Path,
}

pub(in crate::interop) struct Application {
    pub(in crate::interop) name: &'static str,
    pub(in crate::interop) port: u16,
    /// Known as soon as it is ready.
    pub(in crate::interop) bus_id: String,
    line: Line,
    log: PathBuf,
    process: KillOnDrop,
}

/// What it runs.
#[derive(Debug)]
pub(in crate::interop) struct State {
    /// The commit that its configuration came from.
    pub(in crate::interop) version: String,
    /// Of a bean that each refresh makes anew.
    pub(in crate::interop) greeting: String,
    /// Bound in place by each refresh.
    pub(in crate::interop) max_open: i64,
    /// How often it has reloaded since its start.
    pub(in crate::interop) reloads: i64,
}

impl Application {
    /// Starts it; it is not ready yet.
    pub(in crate::interop) fn start(start: &Start<'_>) -> anyhow::Result<Self> {
        let port = free_port()?;
        let log = start.folder.join(format!("{}-{port}.log", start.name));
        let output = File::create(&log)?;
        let mut command = start.line.java();
        command.arg("-jar").arg(start.jar).args([
            "--server.address=127.0.0.1".to_owned(),
            format!("--server.port={port}"),
            format!("--spring.application.name={}", start.name),
            format!(
                "--spring.cloud.config.uri=http://127.0.0.1:{}",
                start.config_server
            ),
        ]);
        command.args(start.broker);
        if !start.profiles.is_empty() {
            command.arg(format!("--spring.profiles.active={}", start.profiles));
        }
        command
            .current_dir(start.folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(Self {
            name: start.name,
            port,
            bus_id: String::new(),
            line: start.line,
            log,
            process: KillOnDrop::spawn(&mut command)?,
        })
    }

    /// Waits until it answers.
    pub(in crate::interop) fn ready(mut self) -> anyhow::Result<Self> {
        let state = within(READY_DEADLINE, "not ready", || {
            if let Some(how) = self.process.ended()? {
                // Nothing to wait for.
                return Ok(Err(how));
            }
            self.get("/state").map(Ok)
        });
        match state {
            Ok(Ok(state)) => self.bus_id = text(&serde_json::from_str(&state)?, "busId")?,
            Ok(Err(how)) => bail!("{} ended: {how}\n{}", self.name, self.log_tail()),
            Err(error) => return Err(error.context(self.log_tail())),
        }
        Ok(self)
    }

    pub(in crate::interop) fn state(&self) -> anyhow::Result<State> {
        let state: Value = serde_json::from_str(&self.get("/state")?)?;
        let number = |key: &str| state[key].as_i64().with_context(|| format!("no {key}"));
        Ok(State {
            version: text(&state, "version")?,
            greeting: text(&state, "greeting")?,
            max_open: number("maxOpen")?,
            reloads: number("reloads")?,
        })
    }

    /// A value of its environment; nothing when there is none.
    pub(in crate::interop) fn value(&self, key: &str) -> anyhow::Result<String> {
        self.get(&format!("/value?key={key}"))
    }

    /// Tells everyone to refresh, this one included.
    pub(in crate::interop) fn busrefresh(&self) -> anyhow::Result<()> {
        self.post(self.line.busrefresh(), "")
    }

    /// Changes a value in everyone's environment.
    pub(in crate::interop) fn busenv(&self, key: &str, value: &str) -> anyhow::Result<()> {
        let body = json!({"name": key, "value": value}).to_string();
        self.post(self.line.busenv(), &body)
    }

    fn get(&self, path: &str) -> anyhow::Result<String> {
        http::get(self.port, path)
    }

    fn post(&self, path: &str, body: &str) -> anyhow::Result<()> {
        let headers = [("Content-Type", "application/json")];
        let (status, body) = http::send(self.port, "POST", path, &headers, body)?;
        ensure!(
            status.starts_with('2'),
            "POST {path} to {}: {status}: {body}",
            self.name
        );
        Ok(())
    }

    fn log_tail(&self) -> String {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(40)..].join("\n")
    }
}

fn text(state: &Value, key: &str) -> anyhow::Result<String> {
    let text = state[key].as_str();
    Ok(text.with_context(|| format!("no {key}"))?.to_owned())
}
