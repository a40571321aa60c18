//! Where `rabbitmq-server` is, and how it comes here.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, bail};

use crate::shell;

/// Where packages put the real program, for those whose `PATH` lacks it.
const USUAL_FOLDERS: [&str; 4] = [
    "/usr/lib/rabbitmq/bin",
    "/opt/rabbitmq/sbin",
    "/usr/local/sbin",
    "/opt/homebrew/sbin",
];

/// What Debian's `/usr/sbin/rabbitmq-server` links to; it insists on the user `rabbitmq` and its folders.
const SYSTEM_WRAPPER: &str = "rabbitmq-script-wrapper";

/// Installs the package without its service, which would occupy the default ports.
const INSTALL: &str = "xtask/install-rabbitmq.sh";

const HOW_TO_INSTALL: &str = "RabbitMQ is missing; type:
  sudo apt-get install --no-install-recommends rabbitmq-server    (Debian, Ubuntu)
  brew install rabbitmq                                           (macOS)";

/// The machine's `rabbitmq-server`; where we may, it is installed first.
pub(crate) fn find_or_install() -> anyhow::Result<PathBuf> {
    if let Some(server) = find() {
        return Ok(server);
    }
    let Some(mut installer) = installer()? else {
        bail!(HOW_TO_INSTALL);
    };
    eprintln!("RabbitMQ is missing: installing it");
    if let Err(error) = shell::run(installer.args(["sh", INSTALL]).current_dir(shell::root())) {
        eprintln!("xtask: {error:#}");
    }
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

/// What to put before the commands of an installation: root installs on any Debian, others only in CI.
fn installer() -> anyhow::Result<Option<Command>> {
    if shell::find_program("apt-get").is_none() {
        return Ok(None);
    }
    if shell::output(Command::new("id").arg("-u"))?.trim() == "0" {
        return Ok(Some(Command::new("env")));
    }
    let in_ci = env::var_os("CI").is_some_and(|value| value == "true");
    Ok(in_ci.then(|| {
        let mut sudo = Command::new("sudo");
        sudo.arg("--non-interactive");
        sudo
    }))
}
