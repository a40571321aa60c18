//! `confbus shadow`.

use std::{fmt, path::PathBuf};

use clap::Args;

use super::Properties;

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
