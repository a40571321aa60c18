//! Where `rabbitmq-server` is, and how it comes here.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::Context as _;

use crate::packages;

/// Where packages put the real program, for those whose `PATH` lacks it.
const USUAL_FOLDERS: [&str; 4] = [
    "/usr/lib/rabbitmq/bin",
    "/opt/rabbitmq/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
];

/// What Debian's `/usr/sbin/rabbitmq-server` links to; it insists on the user `rabbitmq` and its folders.
const SYSTEM_WRAPPER: &str = "rabbitmq-script-wrapper";

const HOW_TO_INSTALL: &str = "RabbitMQ is missing; type:
  sudo apt-get install --no-install-recommends rabbitmq-server    (Debian, Ubuntu)
  brew install rabbitmq                                           (macOS)";

/// The machine's `rabbitmq-server`; where we may, it is installed first.
pub(crate) fn find_or_install() -> anyhow::Result<PathBuf> {
    if let Some(server) = find() {
        return Ok(server);
    }
    // Its service would occupy the default ports.
    packages::install("rabbitmq-server", "rabbitmq-server")?;
    find().context(HOW_TO_INSTALL)
}

fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = USUAL_FOLDERS
        .into_iter()
        .map(PathBuf::from)
        .chain(env::split_paths(&path));
    folders
        .map(|folder| folder.join("rabbitmq-server"))
        .find(|candidate| is_server(candidate))
}

fn is_server(candidate: &Path) -> bool {
    fs::canonicalize(candidate)
        .is_ok_and(|program| program.is_file() && !program.ends_with(SYSTEM_WRAPPER))
}
