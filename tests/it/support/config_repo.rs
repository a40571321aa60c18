use std::path::{Path, PathBuf};

use git2::{Oid, Repository, RepositoryInitOptions, Signature, build::TreeUpdateBuilder};
use tempfile::TempDir;

/// A bare repository on disk that starts with the files of `sample-repo`.
pub(crate) struct ConfigRepo {
    folder: TempDir,
    repository: Repository,
}

impl ConfigRepo {
    pub(crate) fn from_sample() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = &mut RepositoryInitOptions::new();
        options.bare(true).initial_head("main");
        let repository = Repository::init_opts(folder.path().join("config.git"), options).unwrap();
        let repo = Self { folder, repository };
        let files: Vec<_> = sample_files()
            .into_iter()
            .map(|path| {
                (
                    path.clone(),
                    std::fs::read_to_string(sample_repo().join(path)).unwrap(),
                )
            })
            .collect();
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        repo.push("the sample", &files);
        repo
    }

    /// The sample, and beside it a file `long.yml` of so many keys.
    pub(crate) fn with_long_file(keys: usize) -> Self {
        let repo = Self::from_sample();
        let lines = (0..keys).map(|line| format!("key{line}: {line}\n"));
        repo.push("a long file", &[("long.yml", &lines.collect::<String>())]);
        repo
    }

    /// The folder that holds the repository, for a daemon to serve.
    pub(crate) fn parent(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("config.git")
    }

    /// Commits files on `main`.
    pub(crate) fn push(&self, message: &str, files: &[(&str, &str)]) -> String {
        self.push_to("main", message, files)
    }

    /// Commits files on a branch, which begins at `main` when it is new.
    pub(crate) fn push_to(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        let commit = self.commit(branch, message, files);
        self.point(branch, &commit);
        commit
    }

    /// Commits files on `main` in the name of somebody else.
    pub(crate) fn push_by(&self, author: &str, message: &str, files: &[(&str, &str)]) -> String {
        let commit = self.commit_by(author, "main", message, files);
        self.point("main", &commit);
        commit
    }

    /// Commits files that nobody sees before the branch points to them.
    pub(crate) fn commit(&self, branch: &str, message: &str, files: &[(&str, &str)]) -> String {
        self.commit_by("Test", branch, message, files)
    }

    fn commit_by(
        &self,
        author: &str,
        branch: &str,
        message: &str,
        files: &[(&str, &str)],
    ) -> String {
        let reference = format!("refs/heads/{branch}");
        let tip = |name: &str| {
            self.repository
                .find_reference(name)
                .ok()
                .and_then(|reference| reference.peel_to_commit().ok())
        };
        let parent = tip(&reference).or_else(|| tip("refs/heads/main"));
        let tree = self.tree(parent.as_ref(), files);
        let signature = Signature::now(author, "test@example.com").unwrap();
        let parents: Vec<_> = parent.iter().collect();
        let commit = self
            .repository
            .commit(
                None,
                &signature,
                &signature,
                message,
                &self.repository.find_tree(tree).unwrap(),
                &parents,
            )
            .unwrap();
        commit.to_string()
    }

    /// Has a branch point to a commit.
    pub(crate) fn point(&self, branch: &str, commit: &str) {
        let reference = format!("refs/heads/{branch}");
        let commit = Oid::from_str(commit).unwrap();
        self.repository
            .reference(&reference, commit, true, "point")
            .unwrap();
    }

    pub(crate) fn delete_branch(&self, name: &str) {
        self.repository
            .find_reference(&format!("refs/heads/{name}"))
            .unwrap()
            .delete()
            .unwrap();
    }

    fn tree(&self, parent: Option<&git2::Commit<'_>>, files: &[(&str, &str)]) -> Oid {
        let base = match parent {
            Some(commit) => commit.tree().unwrap(),
            None => self
                .repository
                .find_tree(self.repository.treebuilder(None).unwrap().write().unwrap())
                .unwrap(),
        };
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            let blob = self.repository.blob(text.as_bytes()).unwrap();
            update.upsert(*path, blob, git2::FileMode::Blob);
        }
        update.create_updated(&self.repository, &base).unwrap()
    }
}

pub(crate) fn sample_repo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-repo")
}

fn sample_files() -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(sample_repo())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
