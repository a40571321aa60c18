//! `cargo xtask browser`: every page of a real server in a real browser, with its script and without.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::shell::{self, find_program, root};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Take pictures for the documentation.
    #[arg(long)]
    pictures: bool,
    /// The browser, if it is not where systems put it.
    #[arg(long, value_name = "PROGRAM")]
    chromium: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let found = || find_program("chromium").or_else(|| find_program("google-chrome"));
    let chromium = args.chromium.clone().or_else(found);
    let chromium = chromium.context("there is no chromium; name one with --chromium")?;
    let folder = root().join("tests/browser");
    let mut install = Command::new("npm");
    shell::run(
        install
            .args(["ci", "--no-audit", "--no-fund"])
            .current_dir(&folder),
    )?;

    let server = shell::debug_server()?;
    let mut walk = Command::new("node");
    walk.arg("walk.mjs").arg(server).current_dir(&folder);
    if args.pictures {
        walk.arg(root().join("docs/pictures"));
    }
    shell::run(walk.env("CHROMIUM", chromium))?;
    Ok(ExitCode::SUCCESS)
}
