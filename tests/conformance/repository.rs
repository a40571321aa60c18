//! A Git repository whose commits have the same ids on every machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use git2::{
    FileMode, Oid, RepositoryInitOptions, ResetType, Signature, Time, Tree,
    build::TreeUpdateBuilder,
};

use super::{
    fixtures::{Step, Tag},
    suite::Content,
};

/// Author, committer and tagger; part of every commit id.
const AUTHOR: (&str, &str) = ("Golden Fixture", "golden@confbus.invalid");

/// 2026-01-01T00:00:00Z; every further commit is a minute later.
const FIRST_COMMIT_AT: i64 = 1_767_225_600;

/// A repository and the names its commits go by.
pub(crate) struct Repository {
    folder: PathBuf,
    inner: git2::Repository,
    /// The commits of the steps so far, by the name of the step.
    steps: Vec<(String, String)>,
    /// Branches first, then tags, then steps. Known even while the repository is out of reach.
    names: Vec<(String, String)>,
}

impl Repository {
    /// An empty one.
    pub(crate) fn create(folder: &Path, head: &str, bare: bool) -> anyhow::Result<Self> {
        let mut options = RepositoryInitOptions::new();
        options
            .bare(bare)
            .initial_head(head)
            .external_template(false);
        Ok(Self {
            folder: folder.to_owned(),
            inner: git2::Repository::init_opts(folder, &options)?,
            steps: Vec::new(),
            names: Vec::new(),
        })
    }

    /// Carries out further steps, as a push would.
    pub(crate) fn apply(&mut self, steps: &[Step]) -> anyhow::Result<()> {
        for step in steps {
            self.apply_one(step)?;
            self.names = self.read_names()?;
        }
        Ok(())
    }

    /// Puts the files of `HEAD` into the working tree.
    pub(crate) fn check_out(&self) -> anyhow::Result<()> {
        let head = self.inner.head()?.peel_to_commit()?;
        Ok(self.inner.reset(head.as_object(), ResetType::Hard, None)?)
    }

    /// Takes it away without losing it.
    pub(crate) fn make_unreachable(&self) -> anyhow::Result<()> {
        Ok(fs::rename(
            &self.folder,
            self.folder.with_extension("away"),
        )?)
    }

    /// Puts it back.
    pub(crate) fn make_reachable(&self) -> anyhow::Result<()> {
        Ok(fs::rename(
            self.folder.with_extension("away"),
            &self.folder,
        )?)
    }

    pub(crate) fn names(&self) -> &[(String, String)] {
        &self.names
    }

    /// The commit that a branch, a tag or a step stands for.
    pub(crate) fn resolve(&self, name: &str) -> anyhow::Result<String> {
        let found = self.names.iter().find(|(known, _)| known == name);
        found
            .map(|(_, commit)| commit.clone())
            .with_context(|| format!("{} has no `{name}`", self.folder.display()))
    }

    fn oid(&self, name: &str) -> anyhow::Result<Oid> {
        Ok(Oid::from_str(&self.resolve(name)?)?)
    }

    fn apply_one(&mut self, step: &Step) -> anyhow::Result<()> {
        let at = |this: &Self| this.oid(step.at.as_deref().context("`at` is missing")?);
        if let Some(branch) = &step.delete_branch {
            self.inner.find_reference(&branch_ref(branch))?.delete()?;
        } else if let Some(tag) = &step.delete_tag {
            self.inner.tag_delete(tag)?;
        } else if let Some(branch) = &step.set_branch {
            self.set(&branch_ref(branch), at(self)?)?;
        } else if step.is_commit() {
            self.commit(step)?;
        } else if let Some(tag) = &step.tag {
            self.tag(tag, at(self)?, self.now()?)?;
        } else {
            bail!("a step that does nothing");
        }
        Ok(())
    }

    fn set(&self, reference: &str, commit: Oid) -> anyhow::Result<()> {
        self.inner.reference(reference, commit, true, "set")?;
        Ok(())
    }

    fn commit(&mut self, step: &Step) -> anyhow::Result<()> {
        let branch = step.branch.as_deref().unwrap_or("main");
        let now = self.now()?;
        let mut parents = Vec::new();
        if let Some(start) = self.start(step, branch)? {
            parents.push(self.inner.find_commit(start)?);
        }
        let tree = self.tree(parents.first().map(git2::Commit::tree).transpose()?, step)?;
        for other in &step.merge {
            parents.push(self.inner.find_commit(self.oid(other)?)?);
        }
        let parents: Vec<_> = parents.iter().collect();
        let message = step
            .message
            .as_deref()
            .or(step.name.as_deref())
            .unwrap_or("change");
        let commit = self
            .inner
            .commit(None, &now, &now, message, &tree, &parents)?;
        drop(tree);
        self.set(&branch_ref(branch), commit)?;
        if let Some(tag) = &step.tag {
            self.tag(tag, commit, now)?;
        }
        let name = step
            .name
            .clone()
            .unwrap_or_else(|| format!("step{}", self.steps.len() + 1));
        self.steps.push((name, commit.to_string()));
        Ok(())
    }

    fn start(&self, step: &Step, branch: &str) -> anyhow::Result<Option<Oid>> {
        if step.orphan {
            return Ok(None);
        }
        if let Some(from) = &step.from {
            return self.oid(from).map(Some);
        }
        match self.inner.refname_to_id(&branch_ref(branch)) {
            Ok(tip) => Ok(Some(tip)),
            Err(_) if self.names.is_empty() => Ok(None),
            Err(_) => bail!("the new branch `{branch}` needs `from` or `orphan`"),
        }
    }

    fn tree(&self, base: Option<Tree<'_>>, step: &Step) -> anyhow::Result<Tree<'_>> {
        let empty = self
            .inner
            .find_tree(self.inner.treebuilder(None)?.write()?)?;
        // First what goes, so that a file can become a folder.
        let mut update = TreeUpdateBuilder::new();
        for path in &step.delete {
            update.remove(path.as_str());
        }
        let rest = update.create_updated(&self.inner, base.as_ref().unwrap_or(&empty))?;
        let mut update = TreeUpdateBuilder::new();
        for (path, content) in &step.write {
            let (bytes, mode) = match content {
                Content::Link { symlink } => (symlink.clone().into_bytes(), FileMode::Link),
                other => (other.bytes()?, FileMode::Blob),
            };
            update.upsert(path.as_str(), self.inner.blob(&bytes)?, mode);
        }
        let tree = update.create_updated(&self.inner, &self.inner.find_tree(rest)?)?;
        Ok(self.inner.find_tree(tree)?)
    }

    fn tag(&self, tag: &Tag, commit: Oid, now: Signature<'_>) -> anyhow::Result<()> {
        match tag {
            Tag::Light(name) => self.set(&format!("refs/tags/{name}"), commit),
            Tag::Annotated { name, message } => {
                let commit = self.inner.find_object(commit, None)?;
                let message = message.as_deref().unwrap_or(name);
                self.inner.tag(name, &commit, &now, message, true)?;
                Ok(())
            }
        }
    }

    fn now(&self) -> anyhow::Result<Signature<'static>> {
        let minutes = i64::try_from(self.steps.len())?;
        let time = Time::new(FIRST_COMMIT_AT + 60 * minutes, 0);
        Ok(Signature::new(AUTHOR.0, AUTHOR.1, &time)?)
    }

    fn read_names(&self) -> anyhow::Result<Vec<(String, String)>> {
        let mut names = Vec::new();
        for lead in ["refs/heads/", "refs/tags/"] {
            let mut found = Vec::new();
            for reference in self.inner.references_glob(&format!("{lead}*"))? {
                let reference = reference?;
                let name = reference.name()?.trim_start_matches(lead).to_owned();
                found.push((name, reference.peel_to_commit()?.id().to_string()));
            }
            found.sort();
            names.extend(found);
        }
        names.extend(self.steps.iter().cloned());
        let mut seen = std::collections::BTreeSet::new();
        names.retain(|(name, _)| seen.insert(name.clone()));
        Ok(names)
    }
}

fn branch_ref(branch: &str) -> String {
    format!("refs/heads/{branch}")
}
