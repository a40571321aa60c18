//! Programs of others that are built with Go from the modules of its proxy, each once for good.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};

use crate::interop::Unavailable;
use crate::shell::{announce, find_program, output, run, target_folder};

const HOW_TO_INSTALL: &str = "is built with Go, version 1.21 or later; type:
  sudo apt-get install --no-install-recommends golang-go    (Debian 13, Ubuntu 24.04)
  brew install go                                           (macOS)";

/// Go, as it is called.
type Go = fn() -> Command;

/// One of them, which lies beside what cargo builds.
struct Tool {
    name: &'static str,
    /// Its module, of those that the proxy has.
    path: &'static str,
    version: &'static str,
}

/// Of which the proxy has every module.
const CONSUL: Tool = Tool {
    name: "consul",
    path: "github.com/hashicorp/consul",
    version: "1.20.6",
};

const VERSITYGW: Tool = Tool {
    name: "versitygw",
    path: "github.com/versity/versitygw",
    version: "1.8.0",
};

/// A Consul; to build it takes ten minutes and more.
///
/// # Errors
/// [`Unavailable`] when Go is missing or has nothing to download from; another when it does not build.
pub(crate) fn consul() -> anyhow::Result<PathBuf> {
    CONSUL.built(|folder| {
        let sources = folder.join("sources");
        copy(&CONSUL.download(go)?, &sources)?;
        let mut dependencies = go();
        dependencies.args(["list", "-mod=mod", "-deps", "."]);
        said(dependencies.current_dir(&sources))?;
        let build = [
            "build",
            "-mod=mod",
            "-buildvcs=false",
            "-o",
            "../consul",
            ".",
        ];
        run(go().args(build).current_dir(sources))
    })
}

/// A store that speaks S3, in two minutes.
///
/// # Errors
/// [`Unavailable`] when Go is missing, too old, or has nothing to download from; another when it does not build.
pub(crate) fn versitygw() -> anyhow::Result<PathBuf> {
    VERSITYGW.built(|folder| make_versitygw(go, folder))
}

fn make_versitygw(go: Go, to: &Path) -> anyhow::Result<()> {
    let sources = VERSITYGW.download(go)?;
    // Downloads what it depends on, so that nothing but the build itself can fail after it.
    let package = "./cmd/versitygw";
    said(go().args(["list", "-deps", package]).current_dir(&sources))?;
    let mut build = go();
    build.args(["build", "-buildvcs=false", "-o"]).arg(to);
    run(build.arg(package).current_dir(sources))
}

impl Tool {
    /// Where the program is, which is made in a folder of its own the first time that somebody wants it.
    fn built(&self, make: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<PathBuf> {
        let Self { name, version, .. } = self;
        let folder = target_folder()?
            .join("tools")
            .join(format!("{name}-{version}"));
        let program = folder.join(name);
        if program.is_file() {
            return Ok(program);
        }
        if find_program("go").is_none() {
            bail!(Unavailable::new(format!(
                "go is not here: {name} {HOW_TO_INSTALL}"
            )));
        }
        // Moved when it is whole.
        let half = folder.join("half");
        if half.exists() {
            fs::remove_dir_all(&half)?;
        }
        fs::create_dir_all(&half)?;
        make(&half)?;
        fs::rename(half.join(name), &program)?;
        fs::remove_dir_all(&half)?;
        Ok(program)
    }

    /// Where Go keeps its sources, which nobody may write to.
    fn download(&self, go: Go) -> anyhow::Result<PathBuf> {
        let module = format!("{}@v{}", self.path, self.version);
        said(go().args(["mod", "download", &module]))?;
        let folder = said(go().args(["list", "-m", "-f", "{{.Dir}}", &module]))?;
        let folder = folder.trim_end();
        ensure!(!folder.is_empty(), "go says no folder of {module}");
        Ok(folder.into())
    }
}

/// Go, which lets others run first, and fetches a newer Go where a module asks for that: Debian's does not unless it is told.
fn go() -> Command {
    let mut go = Command::new("nice");
    go.args(["-n", "10", "go"]);
    if env::var_os("GOTOOLCHAIN").is_none() {
        go.env("GOTOOLCHAIN", "auto");
    }
    go
}

/// What Go wrote; whatever keeps it from what it downloads is nobody's mistake.
fn said(go: &mut Command) -> anyhow::Result<String> {
    announce(go);
    match output(go) {
        Ok(said) => Ok(said),
        Err(error) => bail!(Unavailable::new(format!("{error:#}"))),
    }
}

/// A copy that builds by itself.
fn copy(sources: &Path, to: &Path) -> anyhow::Result<()> {
    run(Command::new("cp").arg("-R").arg(sources).arg(to))?;
    run(Command::new("chmod").args(["-R", "u+w"]).arg(to))?;
    let file = to.join("go.mod");
    let text = fs::read_to_string(&file)?;
    fs::write(&file, published(&text)?)?;
    Ok(())
}

/// Without what stands for folders of its repository: the modules that were published count.
fn published(text: &str) -> anyhow::Result<String> {
    let (before, rest) = text
        .split_once("\nreplace (")
        .context("nothing is replaced")?;
    let (replaced, after) = rest.split_once("\n)").context("no end")?;
    let mut lines = replaced.lines().filter(|line| !line.trim().is_empty());
    ensure!(
        lines.all(|line| line.contains("=> ./")),
        "more is replaced than folders: {replaced}"
    );
    Ok(format!("{before}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut go = Command::new("sh");
        go.args(["-c", script, "go"]);
        go
    }

    #[test]
    fn what_cannot_be_downloaded_is_missing_and_what_does_not_build_is_wrong() {
        let downloads_nothing: Go = || sh("echo no such host >&2; exit 1");
        let downloads_no_dependencies: Go =
            || sh(r#"test "$2" != -deps && echo / || ! echo no such host >&2"#);
        let does_not_compile: Go = || sh(r#"test "$1" != build && echo /"#);
        let failure = |go| make_versitygw(go, Path::new("/nowhere")).unwrap_err();
        for go in [downloads_nothing, downloads_no_dependencies] {
            let why = failure(go).downcast::<Unavailable>().unwrap();
            assert!(why.to_string().contains("no such host"), "{why}");
        }
        let error = failure(does_not_compile);
        assert!(!error.is::<Unavailable>(), "{error:#}");
        assert!(error.to_string().contains("./cmd/versitygw"), "{error:#}");
    }

    #[test]
    fn only_folders_are_not_replaced_any_more() {
        let text = "module x\n\nreplace (\n\tx/api => ./api\n)\n\nrequire y v1\n";
        assert_eq!(published(text).unwrap(), "module x\n\n\nrequire y v1\n");
        assert!(published(&text.replace("./api", "other v1")).is_err());
        assert!(published("module x\n").is_err());
    }
}
