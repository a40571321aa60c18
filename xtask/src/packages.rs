//! Packages of the system that tests need, installed where we may.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::shell;

/// Installs the programs of packages and no service that they bring.
const INSTALL: &str = "xtask/install.sh";

/// Programs without which tests say aloud that they are skipped, and fail in CI: where they are, the package, and the service
/// that it brings, empty for none.
const OPTIONAL: [(&str, &str, &str); 6] = [
    ("/usr/bin/redis-server", "redis-server", "redis-server"),
    ("/usr/lib/postgresql", "postgresql", "postgresql"),
    ("/usr/sbin/sshd", "openssh-server", "ssh"),
    ("/usr/bin/strace", "strace", ""),
    ("/usr/bin/systemd-analyze", "systemd", ""),
    ("/usr/bin/curl", "curl", ""),
];

/// Installs what is missing; what cannot be installed is said, and tests say it again.
pub(crate) fn install_optional() -> anyhow::Result<()> {
    for (program, package, service) in OPTIONAL {
        if !Path::new(program).exists() && !install(package, service)? {
            eprintln!("xtask: {program} is missing; type: sudo apt-get install {package}");
        }
    }
    Ok(())
}

/// Whether a package was installed, without its service, if it has one.
pub(crate) fn install(package: &str, service: &str) -> anyhow::Result<bool> {
    let Some(mut installer) = installer()? else {
        return Ok(false);
    };
    eprintln!("{package} is missing: installing it");
    let arguments = ["sh", INSTALL, service, package];
    let installed = shell::run(installer.args(arguments).current_dir(shell::root()));
    if let Err(error) = &installed {
        eprintln!("xtask: {error:#}");
    }
    Ok(installed.is_ok())
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
