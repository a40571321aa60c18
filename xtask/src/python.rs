//! Tools that are written in Python, each set of them in a folder of its own below `target`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::shell::{run, target_folder};

/// The folder with the programs of these packages, if they were installed before.
pub(crate) fn installed(name: &str, packages: &[&str]) -> anyhow::Result<Option<PathBuf>> {
    let folder = target_folder()?.join(name);
    let there = fs::read_to_string(list(&folder)).unwrap_or_default();
    Ok((there == packages.join("\n")).then(|| folder.join("bin")))
}

/// The same, and installs what is not there in these versions.
pub(crate) fn install(name: &str, packages: &[&str]) -> anyhow::Result<PathBuf> {
    if let Some(programs) = installed(name, packages)? {
        return Ok(programs);
    }
    let folder = target_folder()?.join(name);
    let mut make = Command::new("python3");
    run(make.args(["-m", "venv", "--clear"]).arg(&folder))
        .context("it needs Python; type: sudo apt-get install python3-venv")?;
    let mut pip = Command::new(folder.join("bin/pip"));
    pip.args(["install", "--quiet", "--disable-pip-version-check"]);
    run(pip.args(packages))?;
    fs::write(list(&folder), packages.join("\n"))?;
    Ok(folder.join("bin"))
}

/// Written when all are installed.
fn list(folder: &Path) -> PathBuf {
    folder.join("packages.txt")
}
