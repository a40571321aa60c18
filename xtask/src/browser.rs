//! `cargo xtask browser`: every page of a real server in a real browser, with its script and without, and in a text browser.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};

use crate::shell::{self, find_program, root};

/// The oldest Node.js that the tests run on.
const NODE: u32 = 20;
/// Under which names systems have it.
const CHROMIUM: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take pictures for the documentation.
    #[arg(long)]
    pictures: bool,
    /// Walk what cargo would build for release: its times are those that users see.
    #[arg(long)]
    release: bool,
    /// The browser, if it is not where systems put it.
    #[arg(long, value_name = "PROGRAM")]
    chromium: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let chromium = needs(args)?;
    let folder = root().join("tests/browser");
    install(&folder)?;

    let server = if args.release {
        shell::release_server()?
    } else {
        shell::debug_server()?
    };
    let mut walk = Command::new("node");
    walk.arg("walk.mjs").arg(server).current_dir(&folder);
    if args.pictures {
        walk.arg(root().join("docs/pictures"));
    }
    shell::run(walk.env("CHROMIUM", chromium))?;
    Ok(ExitCode::SUCCESS)
}

/// Says all at once what has to be installed, and gives the browser.
fn needs(args: &Args) -> anyhow::Result<PathBuf> {
    let mut missing = Vec::new();
    for (program, package) in [("git", "git"), ("npm", "npm"), ("lynx", "lynx")] {
        if find_program(program).is_none() {
            missing.push(format!("`{program}` (apt install {package})"));
        }
    }
    if node().is_none_or(|version| version < NODE) {
        missing.push(format!("Node.js {NODE} or newer (https://nodejs.org)"));
    }
    let found = || CHROMIUM.iter().find_map(find_program);
    let chromium = args.chromium.clone().or_else(found);
    if chromium.is_none() {
        missing.push("Chromium (apt install chromium), or name one with --chromium".to_owned());
    }
    ensure!(missing.is_empty(), "this needs {}", missing.join(", "));
    chromium.context("a browser is needed")
}

/// The first number of `v20.19.2`.
fn node() -> Option<u32> {
    let said = shell::output(Command::new("node").arg("--version")).ok()?;
    said.trim()
        .strip_prefix('v')?
        .split('.')
        .next()?
        .parse()
        .ok()
}

/// What the lock file names.
fn install(folder: &Path) -> anyhow::Result<()> {
    let mut npm = Command::new("npm");
    let npm = npm.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    shell::run(npm.current_dir(folder))
        .context("packages of the browser tests come from https://registry.npmjs.org")
}
