//! `cargo xtask attacks`: builds the server and what `tests/attacks` needs around it, and replays the corpus.

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use crate::git_remote::GitRemote;
use crate::rabbit::{Rabbit, server};
use crate::shell::{self, cargo, debug_server, release_server, target_folder};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A built server, instead of building one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Attack the server as it is shipped, instead of one that is built quickly.
    #[arg(long, conflicts_with = "program")]
    release: bool,
    /// Single classes instead of all: paths, labels, http, access, webhooks, documents, repository, uris, bus.
    #[arg(long, value_name = "NAME")]
    class: Vec<String>,
    /// Each text in each place once, and repositories only where they lie: under a minute.
    #[arg(long)]
    quick: bool,
    /// Where logs are kept [default: target/attacks].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Fails when anything was found; the last line is JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let program = match &args.program {
        Some(program) => program.clone(),
        None if args.release => release_server()?,
        None => debug_server()?,
    };
    let out = match &args.out {
        Some(folder) => std::path::absolute(folder)?,
        None => target_folder()?.join("attacks"),
    };
    let rabbit = Rabbit::start(&server::find_or_install()?)?;
    let repositories = tempfile::Builder::new()
        .prefix("confbus-attacks-")
        .tempdir()?;
    let mut attacks = attacks(&program, &out, repositories.path())?;
    attacks.arg("--amqp").arg(rabbit.url());
    for class in &args.class {
        attacks.arg("--class").arg(class);
    }
    let status = if args.quick {
        shell::status(attacks.arg("--quick"))?
    } else {
        let remote = GitRemote::start(repositories.path(), repositories.path())?;
        shell::status(attacks.arg("--git-port").arg(remote.port().to_string()))?
    };
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What takes under a minute, as one test among others.
pub(crate) fn quick(program: &Path, broker: &str) -> anyhow::Result<bool> {
    let repositories = tempfile::tempdir()?;
    let out = target_folder()?.join("attacks");
    let mut attacks = attacks(program, &out, repositories.path())?;
    attacks.arg("--quick").arg("--amqp").arg(broker);
    Ok(shell::status(&mut attacks)?.success())
}

fn attacks(program: &Path, out: &Path, repositories: &Path) -> anyhow::Result<Command> {
    shell::run(&mut cargo([
        "build",
        "--quiet",
        "--package",
        "confbus-attacks",
    ]))?;
    std::fs::create_dir_all(out)?;
    let mut attacks = Command::new(target_folder()?.join("debug/confbus-attacks"));
    attacks
        .arg("--server")
        .arg(std::path::absolute(program)?)
        .arg("--out")
        .arg(out)
        .arg("--repositories")
        .arg(repositories);
    Ok(attacks)
}
