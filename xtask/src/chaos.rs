//! `cargo xtask chaos`: builds what `tests/chaos` lets fail, and starts the Git remote it pushes to.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::Context as _;

use crate::bench::large_repository;
use crate::git_remote::GitRemote;
use crate::rabbit::server;
use crate::shell::{self, cargo, debug_server, release_server, target_folder};

/// From the root, where `cargo xtask` runs.
const DOCUMENT: &str = "docs/RESILIENCE.md";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the plan follows from; the same seed is the same plan.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How long things fail, before everything is healed and checked.
    #[arg(long, default_value_t = 1.0)]
    minutes: f64,
    /// A commit each second for so many minutes, and what servers take of the machine meanwhile.
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["minutes", "scenario"])]
    soak: Option<f64>,
    /// Write docs/RESILIENCE.md from the records in these folders, the last one first where several have the same.
    #[arg(long, value_name = "FOLDER", num_args = 1..)]
    document: Vec<PathBuf>,
    /// Single faults instead of the plan; `all` for every one.
    #[arg(long, value_name = "NAME")]
    scenario: Vec<String>,
    /// Say which scenarios there are.
    #[arg(long)]
    list: bool,
    /// Let the server as it is shipped fail, instead of one that is built quickly.
    #[arg(long)]
    release: bool,
    /// A built server, instead of building one; with --release one that is as it is shipped.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Where histories, clones and logs are kept [default: target/chaos].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// Fails when any promise was broken; the last line is JSON.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    shell::run(&mut cargo([
        "build",
        "--quiet",
        "--package",
        "confbus-chaos",
    ]))?;
    let mut chaos = Command::new(target_folder()?.join("debug/confbus-chaos"));
    if args.list {
        return Ok(code(shell::status(chaos.arg("list"))?.success()));
    }
    if !args.document.is_empty() {
        let text = shell::output(chaos.arg("document").args(&args.document))?;
        std::fs::write(DOCUMENT, text).with_context(|| format!("cannot write {DOCUMENT}"))?;
        return Ok(ExitCode::SUCCESS);
    }
    let program = match &args.program {
        // The server runs elsewhere.
        Some(program) => std::path::absolute(program)?,
        None if args.release => release_server()?,
        None => debug_server()?,
    };
    let build = if args.release {
        "release build"
    } else {
        "debug build"
    };
    let out = match &args.out {
        Some(folder) => folder.clone(),
        None => target_folder()?.join("chaos"),
    };
    std::fs::create_dir_all(&out)?;
    let rabbit = server::find_or_install()?;
    let repositories = tempfile::Builder::new()
        .prefix("confbus-chaos-")
        .tempdir()?;
    let remote = GitRemote::start(repositories.path(), repositories.path())?;
    chaos
        .arg("run")
        .arg("--server")
        .arg(program)
        .arg(format!("--build={build}"))
        .arg("--keeper")
        .arg(std::env::current_exe()?)
        .arg("--rabbit")
        .arg(rabbit)
        .arg(format!("--git-port={}", remote.port()))
        .arg("--repositories")
        .arg(repositories.path())
        .arg("--large")
        .arg(large_repository()?)
        .arg("--out")
        .arg(out)
        .arg(format!("--seed={}", args.seed))
        .arg(format!("--minutes={}", args.soak.unwrap_or(args.minutes)));
    if args.soak.is_some() {
        chaos.arg("--soak");
    }
    for name in &args.scenario {
        chaos.arg("--scenario").arg(name);
    }
    Ok(code(shell::status(&mut chaos)?.success()))
}

fn code(success: bool) -> ExitCode {
    if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
