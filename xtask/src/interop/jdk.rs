//! Spring's side is built with Maven from its published artifacts.

use std::path::PathBuf;
use std::process::Command;
use std::{error, fmt};

use anyhow::{Context as _, bail};

use crate::shell::{announce, find_program, root, target_folder};

const HOW_TO_INSTALL: &str = "Spring needs a JDK of version 17 or later and Maven; type:
  sudo apt-get install --no-install-recommends openjdk-17-jdk-headless maven    (Debian, Ubuntu)
  brew install openjdk@17 maven                                                 (macOS)";

/// What Maven says when a repository cannot be reached.
const NO_DOWNLOAD: &str = "Could not transfer artifact";

/// Why a program of others cannot be had on this machine, which is nobody's mistake.
#[derive(Debug)]
pub(crate) struct Unavailable(String);

impl Unavailable {
    pub(crate) fn new(why: String) -> Self {
        Self(why)
    }
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl error::Error for Unavailable {}

/// A Java for an application that lives for a minute or two next to others.
pub(super) fn java() -> Command {
    let mut command = Command::new("java");
    command.args(["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xmx192m"]);
    command
}

/// Builds a project below `interop/`, with one of its profiles if it has some, and says where its jar lies.
///
/// # Errors
/// [`Unavailable`] when a program is missing or nothing can be downloaded; another when the project is wrong.
pub(super) fn package(project: &str, profile: Option<&str>) -> anyhow::Result<PathBuf> {
    if let Some(missing) = missing() {
        bail!(missing);
    }
    let mut output = target_folder()?.join("debug/interop").join(project);
    let mut maven = Command::new("mvn");
    maven
        .args(["--batch-mode", "--quiet", "--file"])
        .arg(root().join("interop").join(project).join("pom.xml"));
    if let Some(profile) = profile {
        output.push(profile);
        maven.arg(format!("--activate-profiles={profile}"));
    }
    maven
        .arg(format!("-Doutput={}", output.display()))
        .arg("package");
    build(&mut maven)?;
    Ok(output.join(format!("{project}.jar")))
}

/// Puts what a project without code depends on into a folder, and says which.
///
/// # Errors
/// As [`package`].
pub(super) fn libraries(project: &str) -> anyhow::Result<PathBuf> {
    let nothing = package(project, None)?;
    Ok(nothing.with_file_name("lib"))
}

fn missing() -> Option<Unavailable> {
    let missing: Vec<_> = ["java", "mvn"]
        .into_iter()
        .filter(|program| find_program(program).is_none())
        .collect();
    let are = if missing.len() == 1 { "is" } else { "are" };
    let missing = missing.join(" and ");
    (!missing.is_empty())
        .then(|| Unavailable(format!("{missing} {are} not here: {HOW_TO_INSTALL}")))
}

fn build(maven: &mut Command) -> anyhow::Result<()> {
    announce(maven);
    let built = maven.output().context("cannot run mvn")?;
    if built.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&built.stdout);
    if said.contains(NO_DOWNLOAD) {
        bail!(Unavailable(format!("Maven could not download:\n{said}")));
    }
    bail!("mvn: {}\n{said}", built.status)
}
