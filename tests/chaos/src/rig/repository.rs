//! The repository that is pushed to, and what its files mean to whom.

mod files;
mod refs;

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Oid, RepositoryInitOptions, Signature};

pub use files::State;
pub(super) use files::address;
use files::{Files, content, path_of, pushed, text};

use crate::history::Name;
use crate::recorder::Recorder;

/// Whose configuration lies in the repository.
pub const APPLICATIONS: [&str; 3] = ["orders", "billing", "users"];

/// What every application has.
const SHARED: &str = "application.yml";
const BRANCH: &str = "refs/heads/main";
const NOBODY: &str = "0000000000000000000000000000000000000000";

/// A bare repository with its history of pushes.
pub struct Repository {
    git: git2::Repository,
    name: String,
    /// The tree of what lies beside our files.
    base: Oid,
    /// The tree of a folder that nobody reads.
    bulk: Option<Oid>,
    recorder: Recorder,
    /// Counts what is written, so that no two pushes write the same.
    stamp: u64,
    /// Each commit on the way to the head with what it holds.
    pushed: Vec<(Oid, Files)>,
    /// The last content of each application that was not broken, also of commits that force has taken away.
    served: BTreeMap<&'static str, Name>,
}

/// A push, for those who are told.
#[derive(Debug, Clone)]
pub struct Push {
    /// The commit's id.
    pub commit: String,
    before: String,
    paths: Vec<String>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository")
            .field("name", &self.name)
            .field("pushes", &self.stamp)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// A new one with a first, good commit; or one that is there already, with files that apply to none of ours.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn create(path: &Path, recorder: Recorder) -> anyhow::Result<Self> {
        let (git, base) = if path.exists() {
            let git = git2::Repository::open_bare(path)?;
            let base = without_shared(&git)?;
            (git, base)
        } else {
            let mut options = RepositoryInitOptions::new();
            options.bare(true).initial_head("main");
            let git = git2::Repository::init_opts(path, &options).context("no repository")?;
            let base = git.treebuilder(None)?.write()?;
            (git, base)
        };
        let name = path.file_name().context("a repository without name")?;
        let mut repository = Self {
            git,
            name: name.to_string_lossy().into_owned(),
            base,
            bulk: None,
            recorder,
            stamp: 0,
            pushed: Vec::new(),
            served: BTreeMap::new(),
        };
        repository.push_all()?;
        Ok(repository)
    }

    /// The name of its folder.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes every file anew, so that all are good.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn push_all(&mut self) -> anyhow::Result<Push> {
        let mut changes: Vec<_> = APPLICATIONS
            .iter()
            .map(|application| (path_of(application), State::Good))
            .collect();
        changes.push((SHARED.to_owned(), State::Good));
        self.commit(&changes, 0)
    }

    /// Writes the file of one application anew.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn push(&mut self, application: &str, state: State) -> anyhow::Result<Push> {
        self.commit(&[(path_of(application), state)], 0)
    }

    /// Makes a commit that changes one application and that nobody can see before [`reveal`](Self::reveal). Nothing else
    /// may be pushed in between.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn prepare(&mut self, application: &str) -> anyhow::Result<Push> {
        self.make(&[(path_of(application), State::Good)], 0)
    }

    /// Moves the branch to what was prepared.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn reveal(&mut self) -> anyhow::Result<()> {
        let (commit, files) = self.pushed.last().cloned().context("no commit")?;
        self.publish(commit, &files)
    }

    /// Writes the file that all applications have.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn push_shared(&mut self) -> anyhow::Result<Push> {
        self.commit(&[(SHARED.to_owned(), State::Good)], 0)
    }

    /// Takes the last commits away and puts one in their place, by force.
    ///
    /// # Errors
    /// Those of Git and the disk.
    pub fn rewrite(&mut self, application: &str, commits: usize) -> anyhow::Result<Push> {
        self.commit(&[(path_of(application), State::Good)], commits)
    }

    /// Puts the branch back by so many commits, by force.
    ///
    /// # Errors
    /// Those of Git and the disk; when there are not so many.
    pub fn go_back(&mut self, commits: usize) -> anyhow::Result<Push> {
        let before = self.head();
        let left = self.pushed.len().saturating_sub(commits).max(1);
        self.pushed.truncate(left);
        let (commit, files) = self.pushed.last().cloned().context("no commit")?;
        self.publish(commit, &files)?;
        Ok(Push {
            commit: commit.to_string(),
            before,
            paths: files.into_keys().collect(),
        })
    }

    /// What servers should answer for an application.
    #[must_use]
    pub fn served(&self, application: &str) -> Option<Name> {
        self.served.get(application).cloned()
    }

    /// Whether its clients should take that.
    #[must_use]
    pub fn is_fit(&self, application: &str) -> bool {
        let path = path_of(application);
        let file = self.pushed.last().and_then(|(_, files)| files.get(&path));
        file.is_some_and(|(state, _)| *state == State::Good)
    }

    fn head(&self) -> String {
        let head = self.pushed.last();
        head.map_or_else(|| NOBODY.to_owned(), |(commit, _)| commit.to_string())
    }

    /// Commits changes on top of what is left when so many commits are taken away.
    fn commit(&mut self, changes: &[(String, State)], without: usize) -> anyhow::Result<Push> {
        let push = self.make(changes, without)?;
        self.reveal()?;
        Ok(push)
    }

    fn make(&mut self, changes: &[(String, State)], without: usize) -> anyhow::Result<Push> {
        let before = self.head();
        self.stamp += 1;
        let left = self.pushed.len().saturating_sub(without);
        // The first commit stays.
        self.pushed.truncate(left.max(1));
        let mut files = self
            .pushed
            .last()
            .map_or_else(Files::new, |head| head.1.clone());
        for (path, state) in changes {
            files.insert(path.clone(), (*state, self.stamp));
        }
        let commit = self.write(&files)?;
        self.pushed.push((commit, files));
        Ok(Push {
            commit: commit.to_string(),
            before,
            paths: changes.iter().map(|(path, _)| path.clone()).collect(),
        })
    }

    /// Makes the commit, which nobody can see yet.
    fn write(&self, files: &Files) -> anyhow::Result<Oid> {
        let mut update = TreeUpdateBuilder::new();
        for (path, file) in files {
            let blob = self.git.blob(text(path, *file).as_bytes())?;
            update.upsert(path.as_str(), blob, FileMode::Blob);
        }
        if let Some(bulk) = self.bulk {
            update.upsert("bulk", bulk, FileMode::Tree);
        }
        let tree = update.create_updated(&self.git, &self.git.find_tree(self.base)?)?;
        let parent: Option<Commit<'_>> = match self.pushed.last() {
            Some((parent, _)) => Some(self.git.find_commit(*parent)?),
            None => None,
        };
        let parents: Vec<_> = parent.iter().collect();
        let who = Signature::now("chaos", "chaos@localhost")?;
        let message = format!("push {}", self.stamp);
        let tree = self.git.find_tree(tree)?;
        Ok(self
            .git
            .commit(None, &who, &who, &message, &tree, &parents)?)
    }

    /// Notes the commit, then moves the branch.
    fn publish(&mut self, commit: Oid, files: &Files) -> anyhow::Result<()> {
        for application in APPLICATIONS {
            let file = files.get(&path_of(application));
            if !file.is_some_and(|file| file.0.is_broken()) {
                self.served.insert(application, content(application, files));
            }
        }
        self.recorder.note(pushed(commit.to_string(), files));
        self.git.reference(BRANCH, commit, true, "push")?;
        Ok(())
    }
}

/// The newest tree, without what every application has.
fn without_shared(git: &git2::Repository) -> anyhow::Result<Oid> {
    let tree = git.find_reference(BRANCH)?.peel_to_tree()?;
    let mut rest = git.treebuilder(Some(&tree))?;
    rest.filter(|entry| !entry.name_bytes().starts_with(b"application"))?;
    Ok(rest.write()?)
}

impl Push {
    /// What a host would post.
    #[must_use]
    pub fn delivery(&self) -> String {
        let modified: Vec<_> = self.paths.iter().collect();
        serde_json::json!({
            "ref": BRANCH,
            "before": self.before,
            "after": self.commit,
            "commits": [{ "id": self.commit, "added": [], "removed": [], "modified": modified }],
        })
        .to_string()
    }
}
