//! A program with our client, and the original as its config server, which knows nothing of us.

mod orders;
mod scenes;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde_json::json;

use self::orders::Orders;
use super::Programs;
use super::configuration::Configuration;
use super::container::{Container, Environment, Place};
use super::replacement::bus;
use crate::interop::{Tally, http};
use crate::shell::free_port;

pub(super) const NAME: &str = "our client beside the original";

/// Everything that plays a part.
struct Stage<'a> {
    programs: &'a Programs,
    configuration: Configuration,
    broker: u16,
    folder: PathBuf,
    port: u16,
    /// `None` while it is dead.
    spring: Option<Container>,
    /// Hears of changes by the broker alone.
    by_bus: Option<Orders>,
    /// Looks every second and hears nothing; it has a last good file.
    by_beat: Option<Orders>,
    /// What the newest good commit allows.
    max_open: u32,
}

/// Plays the scenes one after the other; each begins where the one before has ended, so a failure ends the part.
pub(super) fn play(programs: &Programs, broker: u16, tally: &mut Tally) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let mut stage = Stage::set(programs, broker, folder.path())?;
    for (name, scene) in scenes::ALL {
        if let Err(error) = scene(&mut stage) {
            tally.fail(name, &format!("{error:#}"));
            println!("logs are kept in {}", folder.keep().display());
            return Ok(());
        }
        tally.passed += 1;
        println!("ok {name}");
    }
    Ok(())
}

impl<'a> Stage<'a> {
    fn set(programs: &'a Programs, broker: u16, folder: &Path) -> anyhow::Result<Self> {
        let mut stage = Self {
            programs,
            configuration: Configuration::create(folder)?,
            broker,
            folder: folder.to_owned(),
            port: free_port()?,
            spring: None,
            by_bus: None,
            by_beat: None,
            max_open: 0,
        };
        stage.configuration.push(&[("application.yml", SHARED)])?;
        stage.push(20)?;
        stage.start_spring()?;
        Ok(stage)
    }

    fn start_spring(&mut self) -> anyhow::Result<()> {
        let mut environment: Environment = bus(self.broker);
        environment.push((
            "SPRING_CLOUD_CONFIG_SERVER_GIT_URI",
            self.configuration.url(),
        ));
        environment.push(("ENCRYPT_KEY", "foo".to_owned()));
        let place = Place {
            port: self.port,
            folder: &self.folder,
            ready: "/orders/dev",
        };
        self.spring = Some(Container::spring(
            &self.programs.spring,
            &environment,
            &place,
        )?);
        Ok(())
    }

    /// Commits a good limit, which was another one before. Nobody is told.
    fn push(&mut self, max_open: u32) -> anyhow::Result<()> {
        self.max_open = max_open;
        self.write(&max_open.to_string())
    }

    /// Commits any limit.
    fn write(&self, max_open: &str) -> anyhow::Result<()> {
        let text = format!("# How much is taken.\norders:\n  limits:\n    max-open: {max_open}\n");
        self.configuration.push(&[("orders.yml", &text)])
    }

    /// Has the original tell everybody, as its users do by hand.
    fn busrefresh(&self) -> anyhow::Result<()> {
        self.post("/actuator/busrefresh", &[], "")
    }

    /// Has GitHub tell the original that the file was pushed.
    fn webhook(&self, file: &str) -> anyhow::Result<()> {
        let commit = json!({"added": [], "modified": [file], "removed": []});
        let body = json!({"ref": "refs/heads/main", "commits": [commit]}).to_string();
        self.post("/monitor", &[("X-GitHub-Event", "push")], &body)
    }

    fn post(&self, path: &str, more: &[http::Header<'_>], body: &str) -> anyhow::Result<()> {
        let headers = [&[("Content-Type", "application/json")], more].concat();
        let (status, body) = http::send(self.port, "POST", path, &headers, body)?;
        ensure!(status.starts_with('2'), "POST {path}: {status}: {body}");
        Ok(())
    }

    fn by_bus(&self) -> anyhow::Result<&Orders> {
        self.by_bus.as_ref().context("nobody hears the bus")
    }

    fn by_beat(&self) -> anyhow::Result<&Orders> {
        self.by_beat.as_ref().context("nobody looks by its beat")
    }
}

/// Two documents in one file, the second for a profile, and an encrypted value.
const SHARED: &str = "orders.limits:\n  currencies: EUR\n  password: '{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda'\n\
    ---\nspring.config.activate.on-profile: dev\norders.limits:\n  note: only for tests\n";
