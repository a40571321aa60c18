//! The program: arguments to exit code.

mod agent;
mod catalogue;
mod check;
mod cipher;
mod cli;
mod demo;
mod desk;
mod doctor;
mod exit;
mod health;
mod look_again;
mod own_server;
mod pin;
mod shadow;
mod show;
mod talk;
mod watch;
mod wave;

use std::{
    alloc::System,
    io::{BufRead as _, IsTerminal as _, Read as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use anyhow::Context as _;
use clap::ValueEnum as _;
use confbus::{
    App, GitProgram, SaidSetting, Settings, Sources, Summary, memory, printable, shutdown,
    telemetry::{self, LogFormat},
};
use tracing::info;
use zeroizing_alloc::ZeroAlloc;

use cli::{Command, DoctorArgs, GitWorkerArgs, ServeArgs};
use exit::{Exit, Failure, Form, OrExit as _};

/// Memory is wiped when it is given back: a value that was replaced, a login, a decrypted text does not stay in it.
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

/// Bytes of the longest token that is hashed.
const LONGEST_TOKEN: u64 = 8 * 1024;

/// How long work that nobody can stop may go on in the end.
const LAST_WORK: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    if cli::complete() {
        return Exit::Yes.into();
    }
    let typed = match cli::parse() {
        Ok(typed) => typed,
        Err(failure) => return failure.report(Form::Json).into(),
    };
    let form = typed.form();
    typed
        .meant()
        .and_then(run)
        .unwrap_or_else(|failure| failure.report(form).into())
}

fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve(args) => in_runtime(serve(args)),
        Command::Demo(args) => return in_runtime(demo::run(args)),
        Command::Watch(args) => return in_runtime(watch::run(*args)),
        Command::Agent(args) => return in_runtime(agent::run(args)),
        Command::Shadow(args) => return in_runtime(shadow::run(args)),
        Command::Get(args) => in_runtime(show::get(args)),
        Command::Explain(args) => in_runtime(show::explain(args)),
        Command::Diff(args) => return in_runtime(show::diff(args)),
        Command::Fleet(args) => return in_runtime(show::fleet(args)),
        Command::History(args) => in_runtime(show::history(args)),
        Command::Check(args) => return check::run(*args),
        Command::Refresh(args) => return in_runtime(look_again::run(args)),
        Command::Encrypt(args) => return in_runtime(cipher::encrypt(args)),
        Command::Decrypt(args) => return in_runtime(cipher::decrypt(args)),
        Command::Rotate(args) => return cipher::rotate(&args),
        Command::Pin(args) => return in_runtime(pin::run(args)),
        Command::Wave(args) => return in_runtime(wave::run(args)),
        Command::Doctor(args) => return in_runtime(doctor(args)),
        Command::Health(args) => return in_runtime(health::run(args)),
        Command::Completions(args) => cli::completions(&args),
        Command::Man(args) => cli::man(&args),
        Command::HashToken => hash_token(),
        Command::Help(args) => cli::help(&args),
        // It has threads of its own, and as little else as can be.
        Command::GitWorker(args) => git_worker(&args),
    }?;
    Ok(Exit::Yes.into())
}

fn in_runtime<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(command);
    // A disk that hangs does not keep the process.
    runtime.shutdown_timeout(LAST_WORK);
    result
}

fn git_worker(args: &GitWorkerArgs) -> Result<(), Failure> {
    let _log = telemetry::init(args.log_format, "info")?;
    memory::keep_private();
    Ok(confbus::run_git_worker().context("this is for servers to start")?)
}

/// The first line of standard input, so that nothing secret is in the list of processes or a history of commands.
fn hash_token() -> Result<(), Failure> {
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(LONGEST_TOKEN);
    input
        .read_line(&mut line)
        .context("the token cannot be read")?;
    let token = line.trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        let text = "there is no token on standard input";
        return Err(Failure::new(Exit::Usage, text));
    }
    let hash = confbus::hash_token(token).map_err(anyhow::Error::msg)?;
    Ok(talk::line(hash)?)
}

/// This program once more, as it was started: where a newer one lies in its place by now, the system still has the old one.
fn git_program(format: LogFormat) -> anyhow::Result<GitProgram> {
    let started = std::env::current_exe().context("the program cannot be started once more")?;
    let path = if started.exists() {
        started
    } else {
        PathBuf::from("/proc/self/exe")
    };
    let format = format.to_possible_value();
    let format = format.map_or_else(String::new, |format| format.get_name().to_owned());
    let arguments = ["git-worker", "--log-format", &format].map(Into::into);
    Ok(GitProgram {
        path,
        arguments: arguments.to_vec(),
    })
}

/// `server.port  8888  application.yml:2:9`, a line for each.
fn print_settings(sources: &Sources) -> Result<(), Failure> {
    let said = SaidSetting::all(sources)?;
    let lengths = said.iter().map(|setting| setting.key.len());
    let width = lengths.max().unwrap_or_default();
    for SaidSetting { key, value, place } in &said {
        let value = value.as_deref().unwrap_or("••••••");
        let (value, place) = (printable(value), printable(place));
        talk::line(format!("{key:<width$}  {value}  {place}"))?;
    }
    Ok(())
}

/// What the server is: in a few lines for whoever started it at a terminal, else as one line of the log.
fn introduce(summary: &Summary, format: LogFormat) {
    let Summary {
        repository,
        config,
        manage,
        bus,
        registry,
        webhook,
        settings,
    } = summary;
    if format == LogFormat::Json || !std::io::stderr().is_terminal() {
        let (manage, registry) = (manage.as_deref(), registry.as_deref());
        info!(
            event = "server.starting",
            repository, config, manage, bus, registry, webhook, settings, "starting"
        );
        return;
    }
    talk::note(concat!("confbus ", env!("CARGO_PKG_VERSION")));
    let lines = [
        ("repository", Some(repository)),
        ("config", Some(config)),
        ("manage", manage.as_ref()),
        ("bus", Some(bus)),
        ("registry", registry.as_ref()),
        ("webhook", Some(webhook)),
        ("settings", Some(settings)),
    ];
    for (name, text) in lines {
        if let Some(text) = text {
            talk::note(format!("  {name:<10}  {}", printable(text)));
        }
    }
    talk::note("  every value and its place: confbus serve --print-settings");
}

async fn doctor(args: DoctorArgs) -> Result<ExitCode, Failure> {
    doctor::run(args, git_program(LogFormat::Text)?).await
}

async fn serve(args: ServeArgs) -> Result<(), Failure> {
    let _log = telemetry::init(args.log_format, "info")?;
    memory::keep_private();
    let program = git_program(args.log_format)?;
    let properties = args.properties.pairs().or_exit(Exit::Usage)?;
    let sources = Sources::of_process(args.config, properties);
    let settings = Settings::load(&sources)?;
    if args.print_settings {
        return print_settings(&sources);
    }

    let summary = Summary::of(&settings, &sources);
    introduce(&summary, args.log_format);
    let app = App::bind(settings.with_git_program(program)).await?;
    info!(event = "server.listening", address = %app.local_addr()?, "listening");
    let shown = tokio::spawn(talk::show_progress(app.clones(), args.log_format));
    let served = app.serve_until(shutdown::requested()).await;
    shown.abort();
    served?;
    info!(event = "server.stopped", "stopped");
    Ok(())
}
