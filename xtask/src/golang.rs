//! Programs of others that are built with Go from the modules of its proxy, each once for good.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::interop::Unavailable;
use crate::shell::{announce, find_program, output, run, target_folder};

const HOW_TO_INSTALL: &str = "is built with Go, version 1.21 or later; type:
  sudo apt-get install --no-install-recommends golang-go    (Debian 13, Ubuntu 24.04)
  brew install go                                           (macOS)";

/// One of them, which lies beside what cargo builds.
struct Tool {
    name: &'static str,
    /// What of the proxy it is.
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
    path: "github.com/versity/versitygw/cmd/versitygw",
    version: "1.8.0",
};

/// What `go mod download` says of a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    dir: PathBuf,
}

/// A Consul; to build it takes ten minutes and more.
///
/// # Errors
/// [`Unavailable`] when Go is missing or has nothing to download from; another when it does not build.
pub(crate) fn consul() -> anyhow::Result<PathBuf> {
    CONSUL.built(|folder| {
        let sources = folder.join("sources");
        download(&sources)?;
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
/// [`Unavailable`] when Go is missing, too old, or has nothing to download from.
pub(crate) fn versitygw() -> anyhow::Result<PathBuf> {
    VERSITYGW.built(|folder| {
        let mut install = go();
        install.arg("install").arg(VERSITYGW.versioned());
        said(install.env("GOBIN", folder)).map(drop)
    })
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

    fn versioned(&self) -> String {
        format!("{}@v{}", self.path, self.version)
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

/// A copy of what Go keeps, which nobody may write to.
fn download(to: &Path) -> anyhow::Result<()> {
    let mut download = go();
    download.args(["mod", "download", "-json", &CONSUL.versioned()]);
    let said = said(&mut download)?;
    let module: Module = serde_json::from_str(&said).context("go says no folder")?;
    run(Command::new("cp").arg("-R").arg(&module.dir).arg(to))?;
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
    use super::published;

    #[test]
    fn only_folders_are_not_replaced_any_more() {
        let text = "module x\n\nreplace (\n\tx/api => ./api\n)\n\nrequire y v1\n";
        assert_eq!(published(text).unwrap(), "module x\n\n\nrequire y v1\n");
        assert!(published(&text.replace("./api", "other v1")).is_err());
        assert!(published("module x\n").is_err());
    }
}
