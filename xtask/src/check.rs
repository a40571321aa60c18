//! `cargo xtask check`: format, lints, documentation, dependencies, promises to users of the crates.

use std::process::{Command, ExitCode};

use anyhow::bail;

use crate::manifests;
use crate::shell::{cargo, find_program, output, root, run as sh};

/// What others build on; the server is a program, and its library is for nobody else.
const PUBLIC_CRATES: [&str; 3] = ["confbus-client", "confbus-bus", "confbus-protocol"];

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
    check_book()?;
    check_manifests()?;
    check_lean_client()?;
    check_dependencies(args)?;
    check_promises()?;
    Ok(ExitCode::SUCCESS)
}

/// The book is built without a warning; that its links lead somewhere and its commands work is a matter of the tests.
fn check_book() -> anyhow::Result<()> {
    if find_program("mdbook").is_none() {
        eprintln!("NOT CHECKED: the book; type:\n  cargo install --locked mdbook");
        return Ok(());
    }
    let mut command = Command::new("mdbook");
    command.args(["build", "docs"]).current_dir(root());
    let built = command.output()?;
    let said = String::from_utf8_lossy(&built.stderr);
    eprint!("{said}");
    if !built.status.success() || said.contains("WARN") || said.contains("ERROR") {
        bail!("the book is not as it should be");
    }
    Ok(())
}

fn check_manifests() -> anyhow::Result<()> {
    if !manifests::run_if_installed()? {
        eprintln!("NOT CHECKED: manifests; type:\n  cargo xtask manifests");
    }
    Ok(())
}

/// A program that needs no RabbitMQ must not carry a client for it.
fn check_lean_client() -> anyhow::Result<()> {
    let mut tree = cargo([
        "tree",
        "--package",
        "confbus-client",
        "--edges",
        "normal",
        "--prefix",
        "none",
    ]);
    if output(&mut tree)?.contains("lapin") {
        bail!("confbus-client without features depends on lapin");
    }
    Ok(())
}

/// Compares the public crates with the last release: what breaks their users needs a version that says so.
fn check_promises() -> anyhow::Result<()> {
    if find_program("cargo-semver-checks").is_none() {
        eprintln!(
            "NOT CHECKED: semantic versions; type:\n  cargo install --locked cargo-semver-checks"
        );
        return Ok(());
    }
    let Some(release) = last_release() else {
        eprintln!(
            "NOT CHECKED: semantic versions; there is no tag v… of a release to compare with"
        );
        return Ok(());
    };
    let mut command = cargo([
        "semver-checks",
        "--all-features",
        "--baseline-rev",
        &release,
    ]);
    for package in PUBLIC_CRATES {
        command.args(["--package", package]);
    }
    sh(&mut command)
}

/// The tag of the newest release before this commit.
fn last_release() -> Option<String> {
    let mut describe = Command::new("git");
    describe
        .args(["describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"])
        .current_dir(root());
    Some(output(&mut describe).ok()?.trim().to_owned())
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
