//! Our server on a repository.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::{self, Cores, Running, free_port};

/// How our server is started.
pub(super) struct Confbus<'a> {
    /// The built server.
    pub(super) program: &'a Path,
    /// `spring.cloud.config.server.git.uri`.
    pub(super) uri: &'a str,
    /// For its clone and its log.
    pub(super) folder: &'a Path,
    pub(super) cores: Cores,
    /// What answers with 200 as soon as the server is ready.
    pub(super) ready: &'a str,
    /// Further settings, as `--name=value`.
    pub(super) settings: &'a [String],
}

impl Confbus<'_> {
    pub(super) fn start(&self) -> anyhow::Result<Running> {
        let port = free_port()?;
        server::start(self.command(port)?, port, self.ready, &self.log())
    }

    /// What the server says.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("confbus.log")
    }

    pub(super) fn command(&self, port: u16) -> anyhow::Result<Command> {
        let output = File::create(self.log())?;
        let clone = self.folder.join("clone");
        let mut command = self.cores.server(self.program);
        command
            .arg("serve")
            .arg("--server.address=127.0.0.1")
            .arg(format!("--server.port={port}"))
            .arg(format!("--spring.cloud.config.server.git.uri={}", self.uri))
            .arg(format!(
                "--spring.cloud.config.server.git.basedir={}",
                clone.display()
            ))
            .args(self.settings)
            .current_dir(self.folder)
            .stdout(output.try_clone()?)
            .stderr(output);
        Ok(command)
    }
}

/// Our server on a repository of this machine.
pub(super) fn start(program: &Path, repository: &Path, folder: &Path) -> anyhow::Result<Running> {
    Confbus {
        program,
        uri: &format!("file://{}", repository.display()),
        folder,
        cores: Cores::Split,
        ready: "/actuator/health",
        settings: &[],
    }
    .start()
}
