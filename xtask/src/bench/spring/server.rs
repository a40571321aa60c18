//! The original as a process that can be made to stand still.

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::bench::server::{self, Cores, Running, free_port};
use crate::bench::stage::{HOT, Stage};
use crate::shell::{output, root};

const IDLE_WITHIN: Duration = Duration::from_secs(30);

/// Which one is built.
pub(super) fn version() -> anyhow::Result<String> {
    let pom = fs::read_to_string(root().join("interop/spring-config-server/pom.xml"))?;
    version_in(&pom)
        .map(str::to_owned)
        .context("the project does not name the version")
}

fn version_in(pom: &str) -> Option<&str> {
    let (_, rest) = pom.split_once("<config-server.version>")?;
    Some(rest.split_once('<')?.0)
}

/// On a clone of its own, as its makers advise: cloned at the start, with room, without a log.
pub(super) fn start(
    jar: &Path,
    stage: &Stage,
    setting: Option<&'static str>,
) -> anyhow::Result<Running> {
    let folder = stage.folder().join(match setting {
        Some(_) => "spring-set",
        None => "spring",
    });
    fs::create_dir(&folder)?;
    let port = free_port()?;
    let log = folder.join("spring.log");
    let said = File::create(&log)?;
    let git = "spring.cloud.config.server.git";
    let mut command = Cores::Split.server("java");
    command
        .args(["-Xms1g", "-Xmx1g", "-jar"])
        .arg(jar)
        .arg("--server.address=127.0.0.1")
        .arg(format!("--server.port={port}"))
        .arg(format!("--{git}.uri={}", stage.url()))
        .arg(format!("--{git}.default-label=main"))
        .arg(format!("--{git}.clone-on-start=true"))
        .arg(format!(
            "--{git}.basedir={}",
            folder.join("clone").display()
        ))
        .args(["--logging.level.root=OFF", "--spring.main.banner-mode=off"])
        .args(setting)
        .current_dir(&folder)
        .stdout(said.try_clone()?)
        .stderr(said);
    server::start(command, port, HOT, &log)
}

/// Takes the machine away from it.
pub(super) fn pause(server: &Running) -> anyhow::Result<()> {
    signal(server, "-STOP")
}

pub(super) fn resume(server: &Running) -> anyhow::Result<()> {
    signal(server, "-CONT")
}

/// What the load asked for last and did not wait for is worked off, so that it does not count for the next turn.
pub(super) fn wait_until_idle(server: &Running) -> anyhow::Result<()> {
    let deadline = Instant::now() + IDLE_WITHIN;
    let mut last = server.cpu_time()?;
    while Instant::now() < deadline {
        thread::sleep(Duration::from_millis(300));
        let now = server.cpu_time()?;
        if now.saturating_sub(last) <= Duration::from_millis(20) {
            break;
        }
        last = now;
    }
    Ok(())
}

fn signal(server: &Running, signal: &str) -> anyhow::Result<()> {
    let mut kill = Command::new("kill");
    output(kill.args([signal, &server.id().to_string()])).map(drop)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn the_project_names_the_version_of_the_original() {
        assert!(
            version()
                .unwrap()
                .starts_with(|it: char| it.is_ascii_digit())
        );
    }
}
