//! The configuration that is served: a Git repository of the run's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::output;

/// A work tree with the branch `main`.
pub(super) struct Repository(PathBuf);

impl Repository {
    /// An empty one in a new folder.
    pub(super) fn create(folder: PathBuf) -> anyhow::Result<Self> {
        fs::create_dir(&folder)?;
        let repository = Self(folder);
        repository.git(&["init", "--quiet", "--initial-branch=main"])?;
        Ok(repository)
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes files and commits them; answers with the commit's id.
    pub(super) fn commit(&self, files: &[(&str, &str)]) -> anyhow::Result<String> {
        for (file, text) in files {
            let path = self.0.join(file);
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            fs::write(path, text)?;
        }
        self.git(&["add", "--all"])?;
        self.git(&[
            "-c",
            "user.name=confbus",
            "-c",
            "user.email=confbus@localhost",
            "commit",
            "--quiet",
            "--message=x",
        ])?;
        Ok(self.git(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Runs Git in the work tree, and answers with what it wrote.
    pub(super) fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        output(Command::new("git").args(arguments).current_dir(&self.0))
    }
}
