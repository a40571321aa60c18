//! The repositories that are measured: made once, the same ids on every machine, kept below `target/bench-data`.

mod content;
mod stream;

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::shell::{KillOnDrop, output, target_folder};

/// Counts up with whatever changes a commit id, so that no old repository is taken for a new one.
const CONTENT_VERSION: u32 = 1;

/// What a repository holds; everything else follows from these figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    /// Of applications, besides `application.yml` and `application-prod.yml`.
    pub(super) files: u32,
    /// Besides `main`, each with a commit of its own.
    pub(super) branches: u32,
    /// Of commits on `main`, every second one annotated.
    pub(super) tags: u32,
    /// On `main`, each after the first with one changed file.
    pub(super) commits: u32,
}

pub(super) const R100: Shape = Shape {
    name: "R100",
    files: 100,
    branches: 5,
    tags: 0,
    commits: 1,
};
pub(super) const R3K: Shape = Shape {
    name: "R3k",
    files: 3_000,
    branches: 10,
    tags: 20,
    commits: 200,
};
pub(super) const R10K: Shape = Shape {
    name: "R10k",
    files: 10_000,
    branches: 1_000,
    tags: 20,
    commits: 200,
};
pub(super) const R30K: Shape = Shape {
    name: "R30k",
    files: 30_000,
    branches: 10,
    tags: 20,
    commits: 200,
};
/// R3k with a thousand branches.
pub(super) const MANY_LABELS: Shape = Shape {
    name: "R3k-labels",
    branches: 1_000,
    ..R3K
};

/// All that have a name of their own on the command line.
pub(super) const NAMED: [Shape; 5] = [R100, R3K, R10K, R30K, MANY_LABELS];

impl Shape {
    /// How many applications have all three files: their own, for `dev` and for `prod`.
    pub(super) fn applications(&self) -> u32 {
        self.files / 3
    }

    /// R100 with other figures.
    pub(super) fn small(branches: u32, tags: u32) -> Self {
        Self {
            branches,
            tags,
            ..R100
        }
    }

    fn folder(&self) -> String {
        let Self {
            name,
            files,
            branches,
            tags,
            commits,
        } = self;
        format!("{name}-{files}-{branches}-{tags}-{commits}.git")
    }
}

/// The name of an application, counted from zero.
pub(super) fn application(number: u32) -> String {
    format!("app{number:04}")
}

/// The name of a branch besides `main`, counted from zero.
pub(super) fn branch(number: u32) -> String {
    format!("feature/branch-{number:05}")
}

/// The name of a tag, counted from zero.
pub(super) fn tag(number: u32) -> String {
    format!("v{number:05}")
}

/// `application.yml`, which every answer contains, at a revision.
pub(super) fn shared(revision: u32) -> (String, String) {
    let text = format!("common:\n  a: 1\n  b: two\n  revision: {revision}\n");
    ("application.yml".to_owned(), text)
}

/// Path and text of an application's file, three of them for each application, at a revision.
pub(super) fn file(number: u32, revision: u32) -> (String, String) {
    (content::path(number), content::text(number, revision))
}

/// A bare repository of this shape that nobody may change; made if it is not there yet.
pub(super) fn pristine(shape: &Shape) -> anyhow::Result<PathBuf> {
    let all = target_folder()?
        .join("bench-data")
        .join(CONTENT_VERSION.to_string());
    pristine_in(&all, shape)
}

fn pristine_in(all: &Path, shape: &Shape) -> anyhow::Result<PathBuf> {
    let made = all.join(shape.folder());
    if made.is_dir() {
        return Ok(made);
    }
    fs::create_dir_all(all)?;
    // Another run may be making the same; whoever is first wins.
    let unfinished = tempfile::Builder::new()
        .prefix("unfinished-")
        .tempdir_in(all)?;
    let repository = unfinished.path().join(shape.folder());
    make(shape, &repository)
        .with_context(|| format!("cannot make the repository {}", shape.name))?;
    match fs::rename(&repository, &made) {
        Err(error) if !made.is_dir() => Err(error.into()),
        _ => Ok(made),
    }
}

/// A repository of this shape to commit to, as `<name>.git` in a folder.
pub(super) fn copy(shape: &Shape, folder: &Path) -> anyhow::Result<PathBuf> {
    let copy = folder.join(format!("{}.git", shape.name));
    let mut cp = Command::new("cp");
    output(cp.arg("-R").arg(pristine(shape)?).arg(&copy))?;
    Ok(copy)
}

fn make(shape: &Shape, repository: &Path) -> anyhow::Result<()> {
    output(
        git(repository.parent().context("no folder")?)
            .args(["init", "--quiet", "--bare"])
            .args(["--initial-branch=main"])
            .arg(repository),
    )?;
    for setting in [
        ["http.receivepack", "true"],
        // As the big hosts allow it.
        ["uploadpack.allowAnySHA1InWant", "true"],
        // Nothing may tidy up while something is measured.
        ["gc.auto", "0"],
        ["receive.autogc", "false"],
    ] {
        output(git(repository).arg("config").args(setting))?;
    }
    import(repository, |stream| stream::write(shape, stream))?;
    output(git(repository).args(["repack", "-a", "-d", "--quiet"]))?;
    output(git(repository).args(["pack-refs", "--all"]))?;
    Ok(())
}

/// Commits files to `main` of a bare repository; answers with the commit's id.
pub(super) fn commit(repository: &Path, files: &[(String, String)]) -> anyhow::Result<String> {
    let said = import(repository, |stream| stream::commit(files, stream))?;
    let id = said.trim();
    ensure!(
        id.len() == 40,
        "git fast-import did not name the commit: {said:?}"
    );
    Ok(id.to_owned())
}

/// What `git fast-import` answers to a stream.
fn import(
    repository: &Path,
    write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> anyhow::Result<String> {
    let mut command = git(repository);
    command.args(["fast-import", "--quiet", "--done"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut importer = KillOnDrop::spawn(&mut command)?;
    let mut input = BufWriter::new(importer.0.stdin.take().context("no input")?);
    write(&mut input)?;
    drop(input.into_inner().context("the stream is cut")?);
    let said = std::io::read_to_string(importer.0.stdout.take().context("no output")?)?;
    let how = importer.0.wait()?;
    ensure!(how.success(), "git fast-import failed: {how}");
    Ok(said)
}

/// Git inside a repository, without anybody's own settings.
pub(super) fn git(folder: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .arg("-C")
        .arg(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_SYSTEM", "/dev/null");
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(repository: &Path, revision: &str) -> String {
        let id = output(git(repository).args(["rev-parse", revision])).unwrap();
        id.trim().to_owned()
    }

    #[test]
    fn the_same_shape_has_the_same_ids_everywhere() {
        let folder = tempfile::tempdir().unwrap();
        let shape = Shape {
            tags: 4,
            commits: 3,
            ..R100
        };
        let repository = pristine_in(folder.path(), &shape).unwrap();
        assert_eq!(
            id(&repository, "main"),
            "23c53b571e1b3853c03186e4c830a40e411191d1"
        );
        assert_eq!(
            id(&repository, &branch(4)),
            "99ec78e8dc545b101cec820409bf3b2ba6f7f3ec"
        );
        assert_eq!(
            id(&repository, &format!("{}^{{commit}}", tag(3))),
            "02d86c98dbe1e5a084402f6c92460763b6c61073"
        );
    }

    #[test]
    fn a_commit_is_on_top_of_main() {
        let folder = tempfile::tempdir().unwrap();
        let repository = pristine_in(folder.path(), &R100).unwrap();
        let before = id(&repository, "main");
        let new = commit(&repository, &[shared(1)]).unwrap();
        assert_eq!(id(&repository, "main"), new);
        assert_eq!(id(&repository, "main^"), before);
        let seen = output(git(&repository).args(["show", "main:application.yml"])).unwrap();
        assert_eq!(seen, shared(1).1);
    }
}
