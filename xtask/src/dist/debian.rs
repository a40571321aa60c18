//! The Debian package: cargo-deb packs what `Cargo.toml` lists, which is the program, `packaging`, and what the program writes
//! about itself.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;

use crate::shell::{output, run as sh};

/// Shells, and what the file with their completions is called.
const COMPLETIONS: [(&str, &str); 3] = [
    ("bash", "confbus.bash"),
    ("zsh", "_confbus"),
    ("fish", "confbus.fish"),
];

/// Lays the manual and the completions of a program into `package` beside it.
pub(super) fn describe(program: &Path) -> anyhow::Result<()> {
    let folder = program.with_file_name("package");
    // Pages of commands that there are no more.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    let manual = folder.join("man");
    sh(Command::new(program).arg("man").arg(&manual))?;
    // Without the time, which would be that of the build.
    let mut pack = Command::new("gzip");
    pack.args(["--best", "--no-name", "--recursive"]);
    sh(pack.arg(manual))?;
    for (shell, file) in COMPLETIONS {
        let script = output(Command::new(program).args(["completions", shell]))?;
        fs::write(folder.join(file), script)?;
    }
    Ok(())
}

/// Packs what is built, into a folder, with a `cargo deb` that knows where it was built; the name of the package's file.
pub(super) fn pack(mut deb: Command, folder: &Path) -> anyhow::Result<String> {
    deb.args([
        "--package",
        "confbus",
        "--no-build",
        "--no-strip",
        "--output",
    ]);
    let said = output(deb.arg(folder))?;
    let file = said.lines().last().map(Path::new).and_then(Path::file_name);
    let name = file.and_then(|name| name.to_str());
    Ok(name.context("cargo-deb names no package")?.to_owned())
}
