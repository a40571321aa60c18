//! Which servers a command asks.

use std::path::PathBuf;

use clap::Args;

/// Which servers are asked, and with what.
#[derive(Debug, Args)]
pub(crate) struct ServersArgs {
    /// The server, or all of several by comma, since each decides by itself; credentials may stand in the address
    /// [default: CONFBUS_SERVER, SPRING_CLOUD_CONFIG_URI, http://localhost:8888]
    #[arg(long, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// The file with the bearer token for the server [default: CONFBUS_TOKEN_FILE, or the token in CONFBUS_TOKEN]
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
}
