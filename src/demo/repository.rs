//! The repository of the demo: the sample files, and the commits that the steps make.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature, StatusOptions};

macro_rules! sample_files {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../../sample-repo/", $name)))),*] };
}

/// Compiled in, so that the program shows its demo wherever it runs.
const SAMPLE: [(&str, &str); 13] = sample_files![
    "README.md",
    "application-prod.yml",
    "application.yml",
    "legacy-dev.properties",
    "legacy.properties",
    "nginx.conf",
    "orders-dev.yml",
    "orders-prod.yml",
    "orders.yml",
    "payments-dev.yml",
    "payments-prod.yml",
    "payments.yml",
    "shipping.yml",
];

/// A work tree with what was committed into it.
pub(super) struct DemoRepository {
    folder: PathBuf,
    /// Commits of ours; whatever is beyond them is somebody's own.
    commits: usize,
}

impl DemoRepository {
    /// A repository with the sample files in its first commit.
    pub(super) fn create(folder: PathBuf) -> anyhow::Result<Self> {
        let options = &mut RepositoryInitOptions::new();
        options.initial_head("main");
        let repository =
            Repository::init_opts(&folder, options).context("no repository for the demo")?;
        for (name, text) in SAMPLE {
            fs::write(folder.join(name), text)?;
        }
        // So that `git commit` works for whoever never told Git a name.
        let mut config = repository.config()?;
        config.set_str("user.name", "confbus demo")?;
        config.set_str("user.email", "demo@localhost")?;
        let mut created = Self { folder, commits: 0 };
        created.commit("A sample configuration")?;
        Ok(created)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn read(&self, name: &str) -> anyhow::Result<String> {
        let text = fs::read_to_string(self.folder.join(name));
        text.with_context(|| format!("{name} of the demo cannot be read"))
    }

    pub(super) fn write(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let written = fs::write(self.folder.join(name), text);
        written.with_context(|| format!("{name} of the demo cannot be written"))
    }

    /// Commits whatever lies there and gives the id.
    pub(super) fn commit(&mut self, subject: &str) -> anyhow::Result<String> {
        let repository = Repository::open(&self.folder)?;
        let mut index = repository.index()?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None)?;
        index.write()?;
        let tree = repository.find_tree(index.write_tree()?)?;
        let author = Signature::now("confbus demo", "demo@localhost")?;
        let parent = repository
            .head()
            .ok()
            .map(|head| head.peel_to_commit())
            .transpose()?;
        let parents: Vec<_> = parent.iter().collect();
        let commit = repository.commit(Some("HEAD"), &author, &author, subject, &tree, &parents)?;
        self.commits += 1;
        Ok(commit.to_string())
    }

    /// Whether somebody committed or changed anything here by hand.
    pub(super) fn is_edited(&self) -> anyhow::Result<bool> {
        let repository = Repository::open(&self.folder)?;
        let mut walk = repository.revwalk()?;
        walk.push_head()?;
        let mut options = StatusOptions::new();
        let changed = repository.statuses(Some(options.include_untracked(true)))?;
        Ok(walk.count() > self.commits || !changed.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_file_is_in_the_demo() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-repo");
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, SAMPLE.map(|(name, _)| name));
    }

    #[test]
    fn only_what_others_did_is_somebodys_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut repository = DemoRepository::create(folder.path().join("config")).unwrap();
        repository.write("orders.yml", "a: 1\n").unwrap();
        repository.commit("ours").unwrap();
        assert!(!repository.is_edited().unwrap());

        repository.write("orders.yml", "a: 2\n").unwrap();
        assert!(repository.is_edited().unwrap(), "not committed");
        repository.commit("ours").unwrap();
        assert!(!repository.is_edited().unwrap());
        repository.commits -= 1;
        assert!(repository.is_edited().unwrap(), "committed");
    }
}
