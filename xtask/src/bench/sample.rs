//! `sample-repo/` as a Git repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{output, root};

/// A repository with one commit on `main`, inside `folder`.
pub(super) fn repository(folder: &Path) -> anyhow::Result<PathBuf> {
    let repository = folder.join("repository");
    fs::create_dir(&repository)?;
    for entry in fs::read_dir(root().join("sample-repo"))? {
        let entry = entry?;
        fs::copy(entry.path(), repository.join(entry.file_name()))?;
    }
    git(&repository, &["init", "--quiet", "--initial-branch=main"])?;
    git(&repository, &["add", "--all"])?;
    git(
        &repository,
        &["commit", "--quiet", "--message=Sample configuration"],
    )?;
    Ok(repository)
}

/// Git as it is without anybody's own settings.
fn git(repository: &Path, arguments: &[&str]) -> anyhow::Result<()> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(repository);
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "confbus")
            .env(format!("GIT_{role}_EMAIL"), "confbus@localhost");
    }
    output(&mut command).map(drop)
}
