//! `cargo xtask check`: format, lints, documentation, dependencies.

use std::process::ExitCode;

use anyhow::bail;

use crate::shell::{cargo, find_program, run as sh};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Do without the database of security advisories, which is fetched from GitHub.
    #[arg(long)]
    offline_advisories: bool,
    /// Leave the dependencies unchecked, where cargo-deny is not at hand.
    #[arg(long, conflicts_with = "offline_advisories")]
    without_deny: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    sh(&mut cargo(["fmt", "--all", "--check"]))?;
    sh(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--all-features",
        "--",
        "-D",
        "warnings",
    ]))?;
    sh(cargo(["doc", "--workspace", "--all-features", "--no-deps"])
        .env("RUSTDOCFLAGS", "-D warnings"))?;
    check_dependencies(args)?;
    Ok(ExitCode::SUCCESS)
}

fn check_dependencies(args: &Args) -> anyhow::Result<()> {
    if args.without_deny {
        eprintln!("NOT CHECKED: dependencies (licences, bans, sources, security advisories)");
        return Ok(());
    }
    if find_program("cargo-deny").is_none() {
        bail!("cargo-deny is missing; type:\n  cargo install --locked cargo-deny");
    }
    if args.offline_advisories {
        sh(&mut cargo([
            "deny",
            "--all-features",
            "check",
            "bans",
            "licenses",
            "sources",
        ]))?;
        eprintln!("NOT CHECKED: security advisories of the dependencies");
        return Ok(());
    }
    sh(&mut cargo(["deny", "--all-features", "check"]))
}
