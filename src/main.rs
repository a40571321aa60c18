//! The program: arguments to exit code.

mod cli;
mod demo;
mod desk;
mod pin;
mod shadow;
mod watch;
mod wave;

use std::{
    alloc::System,
    io::{BufRead as _, Read as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::{Parser as _, ValueEnum as _};
use confbus::{App, GitProgram, Settings, SettingsError, Sources, memory, shutdown, telemetry};
use tracing::info;
use zeroizing_alloc::ZeroAlloc;

use cli::{Cli, Command, GitWorkerArgs, ServeArgs};

/// Memory is wiped when it is given back: a value that was replaced, a login, a decrypted text does not stay in it.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Settings that refuse to start: `EX_CONFIG`, on which a service manager should not try again.
const BAD_SETTINGS: u8 = 78;
/// As for arguments that cannot be read at all.
const WRONG_USAGE: u8 = 2;

/// Bytes of the longest token that is hashed.
const LONGEST_TOKEN: u64 = 8 * 1024;

/// How long work that nobody can stop may go on in the end.
const LAST_WORK: Duration = Duration::from_secs(5);

#[expect(clippy::print_stderr, reason = "the log may not be set up yet")]
fn main() -> ExitCode {
    match run(Cli::parse().command()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("confbus: {error:#}");
            if error.is::<SettingsError>() {
                ExitCode::from(BAD_SETTINGS)
            } else if is_wrong_usage(&error) {
                ExitCode::from(WRONG_USAGE)
            } else if let Some(error) = error.downcast_ref() {
                ExitCode::from(watch::exit_code(error))
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn is_wrong_usage(error: &anyhow::Error) -> bool {
    error.is::<shadow::WrongUsage>()
        || error.is::<watch::WrongUsage>()
        || error.is::<pin::WrongUsage>()
}

fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(args) => in_runtime(serve(args)),
        Command::Demo(args) => in_runtime(demo::run(args)),
        Command::Watch(args) => return in_runtime(watch::run(*args)),
        Command::Shadow(args) => return in_runtime(shadow::run(args)),
        Command::Pin(args) => return in_runtime(pin::run(args)),
        Command::Wave(args) => return in_runtime(wave::run(args)),
        Command::HashToken => hash_token(),
        // It has threads of its own, and as little else as can be.
        Command::GitWorker(args) => git_worker(&args),
    }?;
    Ok(ExitCode::SUCCESS)
}

fn in_runtime<T>(command: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(command);
    // A disk that hangs does not keep the process.
    runtime.shutdown_timeout(LAST_WORK);
    result
}

fn git_worker(args: &GitWorkerArgs) -> anyhow::Result<()> {
    let _log = telemetry::init(args.log_format, "info")?;
    memory::keep_private();
    confbus::run_git_worker().context("this is for servers to start")
}

/// The first line of standard input, so that nothing secret is in the list of processes or a history of commands.
#[expect(clippy::print_stdout, reason = "this is what it was started for")]
fn hash_token() -> anyhow::Result<()> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(LONGEST_TOKEN);
    input
        .read_line(&mut line)
        .context("the token cannot be read")?;
    let token = line.trim_end_matches(['\r', '\n']);
    anyhow::ensure!(!token.is_empty(), "there is no token on standard input");
    println!(
        "{}",
        confbus::hash_token(token).map_err(anyhow::Error::msg)?
    );
    Ok(())
}

/// This program once more, as it was started: where a newer one lies in its place by now, the system still has the old one.
fn git_program(args: &ServeArgs) -> anyhow::Result<GitProgram> {
    let started = std::env::current_exe().context("the program cannot be started once more")?;
    let path = if started.exists() {
        started
    } else {
        PathBuf::from("/proc/self/exe")
    };
    let format = args.log_format.to_possible_value();
    let format = format.map_or_else(String::new, |format| format.get_name().to_owned());
    let arguments = ["git-worker", "--log-format", &format].map(Into::into);
    Ok(GitProgram {
        path,
        arguments: arguments.to_vec(),
    })
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    let _log = telemetry::init(args.log_format, "info")?;
    memory::keep_private();
    let program = git_program(&args)?;
    let settings = Settings::load(&Sources::of_process(args.config, args.properties.pairs()?))?;

    let app = App::bind(settings.with_git_program(program)).await?;
    info!(event = "server.listening", address = %app.local_addr()?, "listening");
    app.serve_until(shutdown::requested()).await?;
    info!(event = "server.stopped", "stopped");
    Ok(())
}
