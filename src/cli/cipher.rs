use std::path::PathBuf;

use clap::Args;

use super::ServersArgs;

/// Whose keys are used.
#[derive(Debug, Args)]
pub(crate) struct KeysArgs {
    /// Use the keys of the settings here, and ask no server.
    #[arg(long)]
    pub(crate) offline: bool,
    /// The settings file with them; the same as --offline.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) servers: ServersArgs,
}

#[derive(Debug, Args)]
pub(crate) struct EncryptArgs {
    /// The key of the key store, instead of the usual one.
    #[arg(long, value_name = "ALIAS")]
    pub(crate) key: Option<String>,
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DecryptArgs {
    #[command(flatten)]
    pub(crate) keys: KeysArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArgs {
    /// The checkout; `.git` is left alone.
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Only values that say this key of the key store; without it, all.
    #[arg(long, value_name = "ALIAS")]
    pub(crate) from: Option<String>,
    /// The key of the key store to encrypt with, instead of the usual one.
    #[arg(long, value_name = "ALIAS")]
    pub(crate) to: Option<String>,
    /// The settings file with the keys to encrypt with [default: as for serve]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The settings file with the keys to decrypt with, where those are others.
    #[arg(long, value_name = "FILE")]
    pub(crate) old_config: Option<PathBuf>,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
}
