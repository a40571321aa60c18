//! What can be typed.

use std::{fmt, path::PathBuf};

use clap::{Args, Parser, Subcommand};
use confbus::{Sources, telemetry::LogFormat};

/// Configuration from Git, served as Spring Cloud Config Server does and pushed to every instance.
///
/// Without a command it serves when anything is configured, and shows its demo otherwise.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: ServeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve a Git repository.
    Serve(ServeArgs),
    /// A repository, a server and three instances on this machine, to see a change arrive.
    Demo(DemoArgs),
    /// Follow the configuration of an application, a line for each key that changes.
    Watch(WatchArgs),
    /// Ask another server and this one the same, and tell where the answers differ.
    ///
    /// Without --server, a server with the given settings is started for the comparison, on a port of its own, with a clone
    /// of its own, and without the bus. Exit status: 0 when all answers are the same, 1 when not.
    Shadow(ShadowArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// The settings file, YAML or .properties [default: application.yml here or in ./config]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", value_enum, default_value = "text")]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) properties: Properties,
}

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    #[command(flatten)]
    pub(crate) properties: Properties,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// APPLICATION/PROFILES[/LABEL]
    #[arg(value_name = "ADDRESS", value_parser = Address::parse)]
    pub(crate) address: Address,
    /// The server, or several by comma; credentials may stand in the address.
    #[arg(long, value_name = "URL", default_value = "http://localhost:8888")]
    pub(crate) server: String,
    /// Listen to RabbitMQ instead of the server's own stream of events.
    #[arg(long, value_name = "amqp://USER:PASSWORD@HOST")]
    pub(crate) amqp: Option<String>,
    /// The exchange on RabbitMQ.
    #[arg(
        long,
        value_name = "NAME",
        default_value = "springCloudBus",
        requires = "amqp"
    )]
    pub(crate) exchange: String,
    /// The port or number by which this instance is told from others of its application.
    #[arg(long, value_name = "INDEX", default_value = "0")]
    pub(crate) index: String,
    /// Seconds between two looks that nobody asked for; 0 looks only when told.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    pub(crate) poll: u64,
    /// Where the last good configuration is kept, to start from when the server is away.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) last_good: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ShadowArgs {
    /// The server that is to be replaced; credentials and a path that stands before every other may be in the address.
    #[arg(long, value_name = "URL")]
    pub(crate) against: Unshown,
    /// The server that is to replace it, when it already runs.
    #[arg(long, value_name = "URL", conflicts_with_all = ["config", "arguments"])]
    pub(crate) server: Option<Unshown>,
    /// Requests, one a line, as `/orders/dev` or `HEAD /orders/dev -H 'Name: value'`, or an access log; - is standard input.
    #[arg(long, value_name = "FILE")]
    pub(crate) requests: PathBuf,
    /// A header for every request to both servers; may be repeated.
    #[arg(long = "header", value_name = "NAME: VALUE")]
    pub(crate) headers: Vec<Unshown>,
    /// How many requests are under way at a time.
    #[arg(long, value_name = "NUMBER", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) parallel: u8,
    /// Seconds that an answer may take.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=3600))]
    pub(crate) timeout: u64,
    /// How many different requests are taken from the list.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
    pub(crate) most: usize,
    /// Count answers that confbus means to give differently as good.
    #[arg(long)]
    pub(crate) allow_deliberate: bool,
    /// Show values that differ; they may be secrets.
    #[arg(long)]
    pub(crate) show_values: bool,
    /// One JSON object a line, for every request and at the end for all.
    #[arg(long)]
    pub(crate) json: bool,
    /// The settings file of the server that is started [default: as for serve]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) properties: Properties,
}

/// What may hold a secret and is never shown.
#[derive(Clone)]
pub(crate) struct Unshown(pub(crate) String);

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) application: String,
    pub(crate) profiles: String,
    pub(crate) label: Option<String>,
}

/// Spring's way of saying a setting on the command line: `--key=value`.
#[derive(Debug, Args)]
pub(crate) struct Properties {
    /// Any setting as --key=value, for example --spring.cloud.config.server.git.uri=https://…
    #[arg(
        value_name = "--KEY=VALUE",
        allow_hyphen_values = true,
        trailing_var_arg = true
    )]
    arguments: Vec<String>,
}

impl Cli {
    /// The command that was given or is meant.
    pub(crate) fn command(self) -> Command {
        let Self { command, serve } = self;
        command.unwrap_or_else(|| {
            let said_nothing = serve.config.is_none() && serve.properties.arguments.is_empty();
            if said_nothing && Sources::of_process(None, Vec::new()).are_empty() {
                Command::Demo(DemoArgs {
                    properties: serve.properties,
                })
            } else {
                Command::Serve(serve)
            }
        })
    }
}

impl Properties {
    /// Keys and values.
    pub(crate) fn pairs(&self) -> anyhow::Result<Vec<(String, String)>> {
        self.arguments
            .iter()
            .map(|argument| pair(argument))
            .collect()
    }
}

fn pair(argument: &str) -> anyhow::Result<(String, String)> {
    let property = argument
        .strip_prefix("--")
        .and_then(|rest| rest.split_once('='))
        .filter(|(key, _)| !key.is_empty());
    let (key, value) = property.ok_or_else(|| {
        anyhow::anyhow!(
            "`{}` is not a setting; write --key=value",
            argument.split('=').next().unwrap_or_default()
        )
    })?;
    Ok((key.to_owned(), value.to_owned()))
}

impl From<String> for Unshown {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Unshown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

impl Address {
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, '/').map(str::to_owned);
        let address = Self {
            application: parts.next().unwrap_or_default(),
            profiles: parts.next().unwrap_or_else(|| "default".into()),
            label: parts.next(),
        };
        let complete = !address.application.is_empty() && !address.profiles.is_empty();
        if complete {
            Ok(address)
        } else {
            Err("write APPLICATION/PROFILES or APPLICATION/PROFILES/LABEL".into())
        }
    }
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
        .command() else {
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
        let Command::Serve(args) = parse(&["serve", "--config=x.yml", "--a.b=c=d"]).command()
        else {
            panic!("not serve")
        };
        assert_eq!(
            args.properties.pairs().unwrap(),
            [("a.b".to_owned(), "c=d".to_owned())]
        );
    }

    #[test]
    fn what_is_no_setting_is_refused_without_its_value() {
        let properties = Properties {
            arguments: vec!["password=s3cret".into()],
        };
        assert_eq!(
            properties.pairs().unwrap_err().to_string(),
            "`password` is not a setting; write --key=value"
        );
    }

    #[test]
    fn addresses_have_two_or_three_parts() {
        let address = Address::parse("orders/dev/feature/x").unwrap();
        assert_eq!(address.label.as_deref(), Some("feature/x"));
        assert_eq!(Address::parse("orders").unwrap().profiles, "default");
        assert!(Address::parse("/dev").is_err());
    }
}
