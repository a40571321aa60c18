//! nginx on a file with the same bytes, set up for speed.

use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;

use super::PATH;
use super::server::{self, Running, free_port, pinned_to};

const SETTINGS: &str = include_str!("nginx.conf");

/// Ready when the file is served.
pub(super) fn start(body: &[u8], folder: &Path) -> anyhow::Result<Running> {
    let file = folder.join("www").join(PATH.trim_start_matches('/'));
    fs::create_dir_all(file.parent().context("the path has no folder")?)?;
    fs::write(&file, body)?;

    let port = free_port()?;
    let settings = folder.join("nginx.conf");
    fs::write(&settings, SETTINGS.replace("PORT", &port.to_string()))?;
    let log = folder.join("nginx.log");
    let mut command = pinned_to(0, "nginx");
    command
        .arg("-p")
        .arg(folder)
        .arg("-c")
        .arg(settings)
        .arg("-e")
        .arg(&log);
    command
        .stdout(Stdio::null())
        .stderr(File::create(folder.join("nginx.stderr"))?);
    server::start(command, port, PATH, &log)
}
