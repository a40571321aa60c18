//! What is served: a repository behind HTTP, as a team has it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::git_remote::GitRemote;
use crate::interop::repository::Repository;
use crate::shell::{output, root};

const NAME: &str = "config.git";

/// A work tree, and the remote that it pushes to.
pub(super) struct Configuration {
    work: Repository,
    bare: PathBuf,
    remote: GitRemote,
}

impl Configuration {
    /// An empty one; everything that belongs to it lies in the folder.
    pub(super) fn create(folder: &Path) -> anyhow::Result<Self> {
        let repositories = folder.join("repositories");
        let bare = repositories.join(NAME);
        output(
            Command::new("git")
                .args(["init", "--quiet", "--bare", "--initial-branch=main"])
                .arg(&bare),
        )?;
        Ok(Self {
            work: Repository::create(folder.join("work"))?,
            remote: GitRemote::start(&repositories, folder)?,
            bare,
        })
    }

    /// What the demo is made of, with a second branch, a branch with a slash, a tag, folders, and an encrypted value.
    pub(super) fn of_sample(folder: &Path) -> anyhow::Result<Self> {
        let configuration = Self::create(folder)?;
        let mut files = Vec::new();
        for file in fs::read_dir(root().join("sample-repo"))? {
            let file = file?;
            let name = file.file_name().to_string_lossy().into_owned();
            files.push((name, fs::read_to_string(file.path())?));
        }
        let files: Vec<_> = files
            .iter()
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        configuration.push(&files)?;
        configuration.label("refs/tags/v1")?;
        configuration.push(&[
            (
                "application.json",
                "{\"json\": {\"list\": [1, 2.50, null]}}",
            ),
            (
                "shared/application.properties",
                "shared.folder = yes\nshared.text = caf\\u00e9\n",
            ),
            ("shared/orders-prod.yml", "shared:\n  of: orders\n"),
            ("orders/orders.yml", "own:\n  folder: true\n"),
            ("vault.yml", CIPHER),
        ])?;
        configuration.label("refs/heads/release")?;
        configuration.push(&[("orders-dev.yml", "greeting: Hello from a branch\n")])?;
        configuration.label("refs/heads/feature/limits")?;
        configuration.push(&[("orders-dev.yml", "greeting: Hello from main\n")])?;
        Ok(configuration)
    }

    /// Where servers find it.
    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/{NAME}", self.remote.port())
    }

    /// Its files as they lie there.
    pub(super) fn work_tree(&self) -> &Path {
        self.work.path()
    }

    /// Commits files and pushes them to `main`. Nobody is told.
    pub(super) fn push(&self, files: &[(&str, &str)]) -> anyhow::Result<()> {
        self.work.commit(files)?;
        self.label("refs/heads/main")
    }

    /// All labels, by their short names.
    pub(super) fn labels(&self) -> anyhow::Result<Vec<String>> {
        let format = "--format=%(refname:lstrip=2)";
        let mut git = Command::new("git");
        git.current_dir(&self.bare).args(["for-each-ref", format]);
        Ok(output(&mut git)?.lines().map(str::to_owned).collect())
    }

    /// The paths of all files of `main`.
    pub(super) fn files(&self) -> anyhow::Result<Vec<String>> {
        let listed = self.work.git(&["ls-tree", "-r", "--name-only", "HEAD"])?;
        Ok(listed.lines().map(str::to_owned).collect())
    }

    /// Lets a ref name what was committed last.
    fn label(&self, reference: &str) -> anyhow::Result<()> {
        let remote = self.bare.display().to_string();
        let pushed = format!("HEAD:{reference}");
        self.work
            .git(&["push", "--quiet", "--force", &remote, &pushed])
            .map(drop)
    }
}

/// Under the key `foo`.
const CIPHER: &str = "password: '{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda'\n\
    broken: '{cipher}00'\n";
