use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, ValueEnum};
use clap_complete::ArgValueCompleter;
use confbus_protocol::{Address, InvalidAddress, Profiles};

use super::{ServersArgs, complete::addresses, pin::time};

/// How and where commands that show something ask.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Write one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    /// Ask no server, but this checkout, repository or folder, without any network.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["server", "token_file"])]
    pub(crate) repo: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

#[derive(Debug, Args)]
pub(crate) struct GetArgs {
    /// APPLICATION[/PROFILES][@LABEL], as shop/prod or shop/prod@release/2.0; a commit is a label, too.
    #[arg(value_name = "ADDRESS", add = ArgValueCompleter::new(addresses))]
    pub(crate) address: Address,
    /// A key, or the beginning of some: `pool` is `pool.max`, too.
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// How it is written [default: properties; of one key its value alone]
    #[arg(long, value_name = "FORMAT", value_enum, conflicts_with = "json")]
    pub(crate) format: Option<GetFormat>,
    /// Show secrets, as applications are given them.
    #[arg(long)]
    pub(crate) reveal: bool,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// How a configuration is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GetFormat {
    Yaml,
    Properties,
    Json,
    Env,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// APPLICATION[/PROFILES][@LABEL]
    #[arg(value_name = "ADDRESS", add = ArgValueCompleter::new(addresses))]
    pub(crate) address: Address,
    /// The key, as files write it: pool.max or servers[2].host.
    #[arg(value_name = "KEY")]
    pub(crate) key: String,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// APPLICATION[/PROFILES][@LABEL], as shop/prod@4e81d07
    #[arg(value_name = "FROM", add = ArgValueCompleter::new(addresses))]
    pub(crate) from: Address,
    /// What it is compared with.
    #[arg(value_name = "TO", add = ArgValueCompleter::new(addresses))]
    pub(crate) to: Address,
    /// End with 1 when they differ.
    #[arg(long)]
    pub(crate) exit_code: bool,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

#[derive(Debug, Args)]
pub(crate) struct FleetArgs {
    /// APPLICATION[/PROFILES][@LABEL] [default: all]
    #[arg(value_name = "ADDRESS", add = ArgValueCompleter::new(addresses))]
    pub(crate) part: Option<FleetPart>,
    /// Wait until all instances run what they are to run; one that rejects it ends that, too.
    #[arg(long)]
    pub(crate) wait: bool,
    /// How long to wait.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = time, requires = "wait")]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}

/// Whose instances: of all profiles where none is written.
#[derive(Debug, Clone)]
pub(crate) struct FleetPart {
    /// Its profiles are those of whoever names none, unless some are written.
    address: Address,
    has_profiles: bool,
}

impl FleetPart {
    pub(crate) fn address(&self) -> &Address {
        &self.address
    }

    /// Those that are written.
    pub(crate) fn profiles(&self) -> Option<&Profiles> {
        self.has_profiles.then_some(&self.address.profiles)
    }
}

impl FromStr for FleetPart {
    type Err = InvalidAddress;

    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let names = text.split('@').next().unwrap_or_default();
        Ok(Self {
            address: text.parse()?,
            has_profiles: names.contains('/'),
        })
    }
}

#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    /// APPLICATION[/PROFILES][@LABEL]
    #[arg(value_name = "ADDRESS", add = ArgValueCompleter::new(addresses))]
    pub(crate) address: Address,
    /// How many entries.
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20)]
    pub(crate) number: usize,
    /// Also those that changed nothing for the application.
    #[arg(long)]
    pub(crate) all: bool,
    #[command(flatten)]
    pub(crate) show: ShowArgs,
}
