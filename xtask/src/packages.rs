//! Packages of the system that tests need, installed where we may.

use std::env;
use std::path::Path;
use std::process::Command;

use crate::shell;

/// Installs the programs of packages and no service that they bring.
const INSTALL: &str = "xtask/install.sh";

/// Programs without which tests say aloud that they are skipped, and fail in CI: where they are, the package, and the service
/// that it brings, empty for none.
const OPTIONAL: [(&str, &str, &str); 11] = [
    ("/usr/bin/redis-server", "redis-server", "redis-server"),
    ("/usr/lib/postgresql", "postgresql", "postgresql"),
    ("/usr/sbin/sshd", "openssh-server", "ssh"),
    ("/usr/bin/strace", "strace", ""),
    ("/usr/bin/systemd-analyze", "systemd", ""),
    ("/usr/bin/curl", "curl", ""),
    ("/usr/sbin/nginx", "nginx-light", "nginx"),
    ("/usr/bin/prometheus", "prometheus", "prometheus"),
    ("/usr/bin/man", "man-db", ""),
    ("/usr/bin/zsh", "zsh", ""),
    ("/usr/bin/fish", "fish", ""),
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn sources(folder: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap();
        let paths = entries.map(|entry| entry.unwrap().path());
        let below = |path: PathBuf| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        };
        paths.flat_map(below).collect()
    }

    /// The packages that a source says tests are skipped without.
    fn packages(source: &str) -> Vec<&str> {
        let calls = source.split("skipped_without(").skip(1);
        let packages = calls.filter_map(|call| {
            let (arguments, _) = call.split_once(')')?;
            let package = arguments.split('"').nth(3);
            Some(package.expect("a package by its name"))
        });
        packages.collect()
    }

    #[test]
    fn what_tests_are_skipped_without_is_installed() {
        let tests = shell::root().join("tests/it");
        let helper = tests.join("support/skipped.rs");
        let mut asked = 0;
        for file in sources(&tests) {
            if file == helper || file.extension().is_none_or(|end| end != "rs") {
                continue;
            }
            let source = fs::read_to_string(&file).unwrap();
            for package in packages(&source) {
                let is_installed = OPTIONAL.iter().any(|(_, known, _)| *known == package);
                assert!(is_installed, "{}: {package}", file.display());
                asked += 1;
            }
        }
        assert!(asked >= OPTIONAL.len());
    }
}
