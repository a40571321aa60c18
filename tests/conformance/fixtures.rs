//! What a server reads: Git repositories as ordered steps, and plain folders.

use std::{fs, path::Path};

use anyhow::{Context as _, bail};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    repository::Repository,
    suite::{self, Content},
};

/// A file under `fixtures`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    #[serde(rename = "about")]
    _about: String,
    /// The branch that `HEAD` names; else the one of the first commit.
    pub(crate) head: Option<String>,
    /// Of a repository.
    pub(crate) steps: Option<Vec<Step>>,
    /// Of a folder.
    pub(crate) write: Option<Files>,
}

/// Files by path; null is one that goes away.
pub(crate) type Files = IndexMap<String, Option<Content>>;

/// A commit, or a name that moves.
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Step {
    /// Of the commit, for other steps and for tokens.
    pub(crate) name: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) branch: Option<String>,
    /// Where a new branch begins.
    pub(crate) from: Option<String>,
    /// Without a parent.
    pub(crate) orphan: bool,
    /// Further parents.
    pub(crate) merge: Vec<String>,
    pub(crate) delete: Vec<String>,
    pub(crate) write: IndexMap<String, Content>,
    pub(crate) tag: Option<Tag>,
    /// Where the tag or the branch is put.
    pub(crate) at: Option<String>,
    pub(crate) set_branch: Option<String>,
    pub(crate) delete_branch: Option<String>,
    pub(crate) delete_tag: Option<String>,
}

/// A name for a commit, or an object of its own with a message.
#[derive(Clone, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(crate) enum Tag {
    Light(String),
    Annotated {
        name: String,
        message: Option<String>,
    },
}

impl Step {
    pub(crate) fn is_commit(&self) -> bool {
        !self.write.is_empty()
            || !self.delete.is_empty()
            || !self.merge.is_empty()
            || self.message.is_some()
    }
}

impl Fixture {
    pub(crate) fn read(name: &str) -> anyhow::Result<Self> {
        suite::read(&format!("fixtures/{name}.json"))
    }

    /// Builds the repository, as a bare one or with a working tree.
    pub(crate) fn repository(&self, folder: &Path, bare: bool) -> anyhow::Result<Repository> {
        let steps = self.steps.as_deref().context("not a repository")?;
        let first = steps.iter().find(|step| step.is_commit());
        let head = self
            .head
            .as_deref()
            .or_else(|| first?.branch.as_deref())
            .unwrap_or("main");
        let mut repository = Repository::create(folder, head, bare)?;
        repository.apply(steps)?;
        if !bare {
            repository.check_out()?;
        }
        Ok(repository)
    }

    pub(crate) fn folder(&self, folder: &Path) -> anyhow::Result<()> {
        fs::create_dir_all(folder)?;
        write_files(folder, self.write.as_ref().context("not a folder")?)
    }
}

/// Puts plain files below a folder, and takes away those that are null.
pub(crate) fn write_files(folder: &Path, files: &Files) -> anyhow::Result<()> {
    for (path, content) in files {
        let file = folder.join(path);
        match content {
            None => fs::remove_file(&file).with_context(|| path.clone())?,
            Some(content) => {
                fs::create_dir_all(file.parent().context("a path below the folder")?)?;
                write_file(&file, content).with_context(|| path.clone())?;
            }
        }
    }
    Ok(())
}

fn write_file(file: &Path, content: &Content) -> anyhow::Result<()> {
    if let Content::Link { symlink } = content {
        return Ok(std::os::unix::fs::symlink(symlink, file)?);
    }
    Ok(fs::write(file, content.bytes()?)?)
}

impl Content {
    pub(crate) fn bytes(&self) -> anyhow::Result<Vec<u8>> {
        Ok(match self {
            Self::Exact(text) => text.clone().into_bytes(),
            Self::Lines(lines) => lines
                .iter()
                .flat_map(|line| format!("{line}\n").into_bytes())
                .collect(),
            Self::Bytes { base64 } => STANDARD.decode(base64.pieces().concat())?,
            Self::Link { .. } => bail!("a link has no content"),
        })
    }
}
