//! What can be typed.

use std::path::PathBuf;

use clap::{Args, ColorChoice, FromArgMatches as _, Parser, Subcommand};
use confbus::{Sources, telemetry::LogFormat};

use crate::{
    exit::{Exit, Failure, Form},
    talk,
};

mod agent;
mod check;
mod cipher;
mod complete;
mod doctor;
mod generate;
mod help;
mod pin;
mod properties;
mod refresh;
mod servers;
mod shadow;
mod show;
mod slip;
mod watch;
mod wave;

pub(crate) use agent::AgentArgs;
pub(crate) use check::{CheckArgs, CheckFormat};
pub(crate) use cipher::{DecryptArgs, EncryptArgs, KeysArgs, RotateArgs};
pub(crate) use complete::complete;
pub(crate) use doctor::DoctorArgs;
pub(crate) use generate::{CompletionsArgs, ManArgs, completions, man};
pub(crate) use help::{HelpArgs, help};
pub(crate) use pin::{PinArgs, Pinned};
pub(crate) use properties::Properties;
pub(crate) use refresh::{RefreshArgs, Target};
pub(crate) use servers::ServersArgs;
pub(crate) use shadow::{ShadowArgs, Unshown};
pub(crate) use show::{
    DiffArgs, ExplainArgs, FleetArgs, GetArgs, GetFormat, HistoryArgs, ShowArgs,
};
pub(crate) use watch::{
    Address as WatchedAddress, DeliveryArgs, OnChange, Output, WatchArgs, duration,
};
pub(crate) use wave::{DecisionArgs, WaveArgs, WaveCommand};

/// Git-backed configuration, pushed to every instance, and proof that it arrived
#[derive(Debug, Parser)]
#[command(name = "confbus", version, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    globals: GlobalArgs,
    #[command(flatten)]
    serve: ServeArgs,
}

/// What every command understands.
#[derive(Debug, Args)]
struct GlobalArgs {
    /// Whether to write in colour; NO_COLOR is respected.
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value = "auto"
    )]
    color: ColorChoice,
    /// Write results and errors only.
    #[arg(long, short, global = true)]
    quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve configuration and announce changes
    Serve(ServeArgs),
    /// Server, repository and three instances, nothing to install
    Demo(DemoArgs),
    /// Run a program with configuration; tell it about changes
    ///
    /// The configuration of an application comes in files, in variables, or both.
    /// With neither --out nor a program: write a line for each key that changes. Exit status: that of the program, else 3
    /// when there is no configuration, 4 when it may not be read, 78 when settings are wrong, 1 when the first is refused.
    Watch(Box<WatchArgs>),
    /// The same for several addresses: a sidecar
    ///
    /// What is delivered, where it goes and who is told stands in a file. Each address is delivered by itself: what one refuses holds
    /// up no other. Exit status: 0 when it was told to end, 3 when there is no configuration for any, 4 when none may be read, 78 when the
    /// file or other settings are wrong.
    Agent(AgentArgs),
    /// Encrypt a value
    ///
    /// It is read from standard input and encrypted by the server, or with the keys of the settings here.
    Encrypt(EncryptArgs),
    /// Decrypt a value
    ///
    /// It is read from standard input; servers decrypt only where that was opened.
    Decrypt(DecryptArgs),
    /// Re-encrypt a checkout with the current key
    ///
    /// All values or none, and no other byte of any file.
    Rotate(RotateArgs),
    /// Compare with a running Spring Cloud Config Server
    ///
    /// Without --server, a server with the given settings is started for the comparison, on a port of its own, with a clone
    /// of its own, and without the bus. Exit status: 0 when all answers are the same, 1 when not.
    Shadow(ShadowArgs),
    /// Do Git's work for a server, which starts this itself and can end it
    #[command(hide = true)]
    GitWorker(GitWorkerArgs),
    /// Print the effective configuration
    ///
    /// Secrets are shown as dots. Exit status: 6 when there is no such configuration or key.
    Get(GetArgs),
    /// Say which file and line wins a key, and what it shadows
    Explain(ExplainArgs),
    /// Compare labels, commits, profiles or applications
    ///
    /// Only in what applications get, wherever it stands.
    Diff(DiffArgs),
    /// Which instance runs which commit
    ///
    /// Exit status: 1 when an instance rejected what it is to run.
    Fleet(FleetArgs),
    /// What was served, when, and how it went
    History(HistoryArgs),
    /// Validate a checkout as the server would
    ///
    /// What passes is never held by a server of the same settings, and what fails is. Neither server nor network is needed.
    /// Exit status: 0 when nothing is wrong, 1 when something is, 2 when there is nothing to check, 78 when settings are wrong.
    Check(Box<CheckArgs>),
    /// Ask instances to refresh, and wait for the answer
    ///
    /// Exit status with --wait: 0 when everybody who was told runs it, 1 when somebody rejected it, 5 when somebody did not answer
    /// in time.
    Refresh(RefreshArgs),
    /// Hold an application at a commit, or let it go
    ///
    /// With a reason and for a time, while everything else moves on. Without a profile, a label, or both, all of them are held. Each server has pins of its own.
    Pin(PinArgs),
    /// Show what is given out step by step, and decide about it
    ///
    /// Each server has waves of its own.
    Wave(WaveArgs),
    /// Hash a token or a password for the settings
    ///
    /// It is read from standard input; for confbus.security.tokens.NAME.hash or confbus.security.users.NAME.password.
    HashToken,
    /// Check settings, Git, broker, registries and this machine
    ///
    /// As a server with these settings would find them here, without starting one. What it writes holds no secret.
    /// Exit status: 1 when something would keep a server from working.
    Doctor(DoctorArgs),
    /// Exit 0 when the local server is ready: for HEALTHCHECK
    ///
    /// Writes UP or DOWN; why it is down stands on standard error. Where no server is named, the settings here and in
    /// the environment say where it listens. With TLS, name it as its certificate does.
    Health(HealthArgs),
    /// Write completions for a shell
    ///
    /// They call confbus, which asks the server for names of applications and labels.
    Completions(CompletionsArgs),
    /// Write manual pages
    Man(ManArgs),
    /// Explain a command, or an error by its code
    Help(HelpArgs),
}

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The settings file, YAML or .properties [default: application.yml here or in ./config]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    /// Show every setting in force, its value and where it was said, without secrets, instead of serving.
    #[arg(long)]
    pub(crate) print_settings: bool,
    #[command(flatten)]
    pub(crate) properties: Properties,
}

#[derive(Debug, Args)]
pub(crate) struct GitWorkerArgs {
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Show each step once, a line for each, and end; success means that all went as promised.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) properties: Properties,
}

/// What was typed; ends the program where it is help. From here on it is known how to speak.
///
/// # Errors
/// When it cannot be understood, and JSON is asked for.
pub(crate) fn parse() -> Result<Cli, Failure> {
    let matches = help::command().try_get_matches().or_else(slip::failure)?;
    let typed = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let colour = match typed.globals.color {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    talk::begin(colour, typed.globals.quiet);
    Ok(typed)
}

impl Cli {
    /// How errors are written.
    pub(crate) fn form(&self) -> Form {
        let serves_json = |args: &ServeArgs| args.log_format == LogFormat::Json;
        let is_json = match &self.command {
            None => serves_json(&self.serve),
            Some(Command::Serve(args)) => serves_json(args),
            Some(Command::Check(args)) => args.format == CheckFormat::Json,
            Some(_) => false,
        };
        let is_json = is_json || slip::is_json_asked_for();
        if is_json { Form::Json } else { Form::Text }
    }

    /// The command that was given or is meant.
    pub(crate) fn meant(self) -> Result<Command, Failure> {
        let Self { command, serve, .. } = self;
        let said_nothing = serve.config.is_none()
            && !serve.print_settings
            && serve.properties.arguments.is_empty();
        match command {
            Some(command) if said_nothing => Ok(command),
            Some(_) => Err(Failure::new(
                Exit::Usage,
                "settings stand behind the command",
            )),
            None if !said_nothing => serve.or_slip(),
            None if Sources::of_process(None, Vec::new()).are_empty() => {
                Ok(Command::Demo(DemoArgs {
                    once: false,
                    properties: serve.properties,
                }))
            }
            // Whoever has settings means them, and the demo would not use them.
            None => Err(
                Failure::new(Exit::Usage, "there are settings, but no command")
                    .help("confbus serve starts the server with them")
                    .help("confbus --help lists all commands"),
            ),
        }
    }
}

impl ServeArgs {
    /// Settings alone mean the server, as they do for a Java program.
    fn or_slip(self) -> Result<Command, Failure> {
        match self.properties.arguments.first() {
            Some(name) if !name.starts_with('-') => Err(help::unknown(name, &help::command())),
            _ => Ok(Command::Serve(self)),
        }
    }
}

/// What a time is made of: `30s`.
fn number_and_unit(text: &str) -> (Option<u64>, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit());
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    (number.parse().ok(), unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Cli {
        Cli::try_parse_from(std::iter::once("confbus").chain(arguments.iter().copied())).unwrap()
    }

    #[test]
    fn settings_follow_the_file() {
        let Command::Serve(args) = parse(&[
            "--config",
            "x.yml",
            "--confbus.git.freshness=strict",
            "--server.port=0",
        ])
        .meant()
        .unwrap() else {
            panic!("not serve")
        };
        assert_eq!(args.config, Some("x.yml".into()));
        let pairs = args.properties.pairs().unwrap();
        assert_eq!(
            pairs,
            [
                ("confbus.git.freshness".into(), "strict".into()),
                ("server.port".into(), "0".into())
            ]
        );
    }

    #[test]
    fn serve_may_be_said() {
        let Command::Serve(args) = parse(&["serve", "--config=x.yml", "--a.b=c=d"])
            .meant()
            .unwrap()
        else {
            panic!("not serve")
        };
        assert_eq!(
            args.properties.pairs().unwrap(),
            [("a.b".to_owned(), "c=d".to_owned())]
        );
    }

    #[test]
    fn settings_stand_behind_the_command() {
        assert!(parse(&["--config=x.yml", "pin", "--list"]).meant().is_err());
        let pin = parse(&["--color=never", "pin", "--list", "-q"]);
        assert!(pin.globals.quiet && matches!(pin.meant(), Ok(Command::Pin(_))));
    }

    #[test]
    fn clap_finds_no_fault() {
        help::command().debug_assert();
    }
}
