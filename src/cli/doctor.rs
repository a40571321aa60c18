use std::path::PathBuf;

use clap::Args;

use super::Properties;

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// The settings file, YAML or .properties [default: as for serve]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Look at this machine alone: ask no repository, broker or registry.
    #[arg(long)]
    pub(crate) offline: bool,
    /// Write one JSON document.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) properties: Properties,
}
