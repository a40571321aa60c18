//! Programs of others that are built with Go from the modules of its proxy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use super::Unavailable;
use crate::shell::{announce, find_program, output, run, target_folder};

/// Of which the proxy has every module.
const CONSUL: &str = "github.com/hashicorp/consul@v1.20.6";
const HOW_TO_INSTALL: &str = "Consul is built with Go, version 1.23 or later; type:
  sudo apt-get install --no-install-recommends golang-go    (Debian, Ubuntu)
  brew install go                                           (macOS)";

/// What `go mod download` says of a module.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Module {
    dir: PathBuf,
}

/// The program, built the first time that somebody wants it: that takes ten minutes and more.
///
/// # Errors
/// [`Unavailable`] when Go is missing or has nothing to download from; another when it does not build.
pub(super) fn consul() -> anyhow::Result<PathBuf> {
    let folder = target_folder()?.join("tools").join("consul-1.20.6");
    let program = folder.join("consul");
    if program.is_file() {
        return Ok(program);
    }
    if find_program("go").is_none() {
        bail!(Unavailable::new(format!(
            "go is not here: {HOW_TO_INSTALL}"
        )));
    }
    let sources = folder.join("sources");
    download(&sources)?;
    build(&sources, &folder)?;
    fs::remove_dir_all(&sources)?;
    Ok(program)
}

/// A copy of what Go keeps, which nobody may write to.
fn download(to: &Path) -> anyhow::Result<()> {
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", CONSUL]);
    announce(&go);
    let said = match output(&mut go) {
        Ok(said) => said,
        Err(error) => bail!(Unavailable::new(format!(
            "Go could not download:\n{error:#}"
        ))),
    };
    let module: Module = serde_json::from_str(&said).context("go says no folder")?;
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to.parent().context("no folder")?)?;
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

fn build(sources: &Path, to: &Path) -> anyhow::Result<()> {
    // Beside it, and moved when it is whole.
    let half = to.join("consul.half");
    // Nobody waits for it but this run.
    let mut go = Command::new("nice");
    go.args(["-n", "10", "go", "build"])
        .args(["-mod=mod", "-buildvcs=false", "-o"])
        .arg(&half)
        .arg(".")
        .current_dir(sources);
    run(&mut go)?;
    fs::rename(&half, to.join("consul"))?;
    Ok(())
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
