//! Our server on the sample repository.

use std::fs::File;
use std::path::Path;

use super::server::{self, Running, free_port, pinned_to};

/// Ready when health answers.
pub(super) fn start(program: &Path, repository: &Path, folder: &Path) -> anyhow::Result<Running> {
    let port = free_port()?;
    let log = folder.join("confbus.log");
    let output = File::create(&log)?;
    let mut command = pinned_to(0, program);
    command
        .arg("serve")
        .arg("--server.address=127.0.0.1")
        .arg(format!("--server.port={port}"))
        .arg(format!(
            "--spring.cloud.config.server.git.uri=file://{}",
            repository.display()
        ))
        .arg(format!(
            "--spring.cloud.config.server.git.basedir={}",
            folder.join("clone").display()
        ))
        .current_dir(folder)
        .stdout(output.try_clone()?)
        .stderr(output);
    server::start(command, port, "/actuator/health", &log)
}
