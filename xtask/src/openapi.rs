//! `cargo xtask openapi`: schemathesis asks a real server whatever its description allows and whatever it does not.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use crate::python;
use crate::shell::{self, KillOnDrop, debug_server, free_port, output, root};

const PACKAGE: &str = "schemathesis==4.32.5";

/// What has no end, so that nothing can be asked after it.
const STREAM: &str = "text/event-stream";

/// What every answer must be, whether the question was a good one or not.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
    response_headers_conformance,response_schema_conformance,use_after_free";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// A built server, instead of building one.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// Ask the same again: the seed that an earlier run has printed.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<String>,
    /// How long to go on asking; within less than a minute hardly anything would be asked.
    #[arg(long, value_name = "N", default_value_t = 120, value_parser = clap::value_parser!(u32).range(60..))]
    seconds: u32,
}

/// Fails when an answer is a server error or not as it is described; the seed is in the last lines.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let schemathesis = python::install("schemathesis", &[PACKAGE])?.join("schemathesis");
    let program = match &args.program {
        Some(program) => std::path::absolute(program)?,
        None => debug_server()?,
    };
    let folder = tempfile::tempdir()?;
    let port = free_port()?;
    let log = folder.path().join("log");
    let mut server = KillOnDrop::spawn(&mut serve(&program, folder.path(), port, &log)?)?;

    let mut ask = Command::new(schemathesis);
    ask.arg("run")
        .arg(format!("http://127.0.0.1:{port}/_/api/openapi.json"))
        .args(["--wait-for-schema=60", "--request-timeout=10"])
        .args(["--continue-on-failure", "--warnings=off", "--checks"])
        .arg(CHECKS)
        .arg(format!("--max-time={}", args.seconds))
        .current_dir(&folder);
    for stream in streams()? {
        ask.arg(format!("--exclude-path={stream}"));
    }
    if let Some(seed) = &args.seed {
        ask.arg("--seed").arg(seed);
    }
    let is_well = shell::status(&mut ask)?.success();
    let said = fs::read_to_string(&log)?;
    ensure!(
        server.ended()?.is_none() && !said.contains("panicked"),
        "the server did not bear it:\n{said}"
    );
    Ok(if is_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Paths that answer with a stream.
fn streams() -> anyhow::Result<Vec<String>> {
    let description = fs::read_to_string(root().join("docs/reference/openapi.json"))?;
    let description: Value = serde_json::from_str(&description)?;
    let paths = description["paths"].as_object().context("no paths")?;
    let streams = paths.iter().filter(|(_, operations)| {
        !operations["get"]["responses"]["200"]["content"][STREAM].is_null()
    });
    Ok(streams.map(|(path, _)| path.clone()).collect())
}

/// A server of the sample with everything open that this machine may open to itself.
fn serve(program: &Path, folder: &Path, port: u16, log: &Path) -> anyhow::Result<Command> {
    let repository = folder.join("repository");
    repository_of_the_sample(&repository)?;
    let log = File::create(log)?;
    let mut server = Command::new(program);
    server
        .args(["serve", "--server.address=127.0.0.1"])
        .arg(format!("--server.port={port}"))
        .arg(setting("git.uri", &repository))
        .arg(setting("git.basedir", &folder.join("clones")))
        .arg("--spring.cloud.config.server.monitor.validation-filter-enabled=false")
        .arg("--encrypt.key=only-for-questions-of-strangers")
        .arg("--confbus.waves.orders.steps=5,100")
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(server)
}

fn setting(name: &str, path: &Path) -> String {
    format!("--spring.cloud.config.server.{name}={}", path.display())
}

fn repository_of_the_sample(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir(folder)?;
    for file in fs::read_dir(root().join("sample-repo"))? {
        let file = file?;
        fs::copy(file.path(), folder.join(file.file_name()))?;
    }
    let identity = [
        "-c",
        "user.name=confbus",
        "-c",
        "user.email=confbus@localhost",
    ];
    for arguments in [
        &["init", "--quiet", "--initial-branch=main"][..],
        &["add", "--all"],
        &["commit", "--quiet", "--message=first"],
    ] {
        let mut git = Command::new("git");
        output(git.args(identity).args(arguments).current_dir(folder))?;
    }
    Ok(())
}
