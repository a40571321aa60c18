//! `cargo xtask conformance`: the golden suite of the original against our release build.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use anyhow::ensure;

use crate::shell;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The folder of the suite, with `replay.py`; it lies outside this repository.
    #[arg(long, value_name = "DIR")]
    golden: PathBuf,
    /// Only these cases, for example `A*,C4?`.
    #[arg(long, value_name = "GLOB")]
    cases: Option<String>,
    /// Passed on to `replay.py run`.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Runs the suite; its own last line, `N passed, N failed`, stays the last one.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let replay = args.golden.join("replay.py");
    ensure!(replay.is_file(), "{} does not exist", replay.display());
    let server = shell::release_server()?;

    let mut command = Command::new("python3");
    command
        .arg(replay)
        .args(["run", "--keep-going", "--launch"]);
    command.arg(format!(
        "'{}' --config {{config}} --confbus.git.freshness=strict",
        server.display()
    ));
    if let Some(cases) = &args.cases {
        command.args(["--cases", cases]);
    }
    let status = shell::status(command.args(&args.rest))?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
