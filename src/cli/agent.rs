use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub(crate) struct AgentArgs {
    /// The file that says what is delivered, TOML.
    #[arg(long, value_name = "FILE", default_value = "/etc/confbus/agent.toml")]
    pub(crate) config: PathBuf,
    /// Read the file, say what is wrong, and end.
    #[arg(long)]
    pub(crate) check: bool,
    /// Write our own lines as JSON objects.
    #[arg(long)]
    pub(crate) json: bool,
}
