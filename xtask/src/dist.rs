//! `cargo xtask dist`: what is shipped. The program with the list of its crates inside, the same list as a file beside it, a
//! Debian package, and their sums. All depend on the commit and the toolchain alone, not on where and when they are built;
//! `--twice` shows it.

mod debian;
mod sections;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, iter};

use anyhow::{Context as _, bail, ensure};
use sha2::{Digest as _, Sha256};

use crate::shell::{find_program, output, root, run as sh, target_folder};

const PROGRAM: &str = "confbus";
const LIST: &str = "confbus.cdx.json";
const COMPILER: &str = include_str!("dist/cc.sh");

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Build everything from nothing at two places, and compare.
    #[arg(long)]
    twice: bool,
    /// Pack a program that is built already, and build nothing.
    #[arg(long, value_name = "FILE", conflicts_with = "twice")]
    program: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    need("cargo-deb")?;
    let dist = target_folder()?.join("dist");
    fs::create_dir_all(&dist)?;
    let place = tempfile::tempdir_in(&dist)?;
    let source = place.path().join("source");
    if let Some(program) = &args.program {
        let built = place.path().join("target/release").join(PROGRAM);
        fs::create_dir_all(built.with_file_name(""))?;
        fs::copy(program, built)?;
        let package = Build::at(&source, &place.path().join("target"))?.pack(&dist)?;
        println!("{}", dist.join(package).display());
        return Ok(ExitCode::SUCCESS);
    }
    need("cargo-auditable")?;
    need("cargo-cyclonedx")?;
    let sums = if args.twice {
        match twice(&dist)? {
            Some(sums) => sums,
            None => return Ok(ExitCode::FAILURE),
        }
    } else {
        Build::at(&source, &dist.join("target"))?.give(&dist)?.sums
    };
    fs::write(dist.join("SHA256SUMS"), &sums)?;
    println!("{sums}in {}", dist.display());
    Ok(ExitCode::SUCCESS)
}

fn need(tool: &str) -> anyhow::Result<()> {
    if find_program(tool).is_none() {
        bail!("{tool} is missing; type:\n  cargo install --locked {tool}");
    }
    Ok(())
}

/// Builds at two places whose names have different lengths; the sums where all is the same.
fn twice(dist: &Path) -> anyhow::Result<Option<String>> {
    let place = tempfile::tempdir_in(dist)?;
    let mut built = Vec::new();
    for (source, target, given) in [
        ("a", "t", "first"),
        (
            "another/place/with/a/longer/name",
            "and/another/target",
            "second",
        ),
    ] {
        let at = |name: &str| place.path().join(name);
        let given = dist.join(given);
        fs::create_dir_all(&given)?;
        built.push(Build::at(&at(source), &at(target))?.give(&given)?);
        // Two of them are some gigabytes.
        fs::remove_dir_all(at(target))?;
    }
    print!("first:\n{}second:\n{}", built[0].sums, built[1].sums);
    for file in &built[0].files {
        fs::copy(dist.join("first").join(file), dist.join(file))?;
    }
    if built[0].sums == built[1].sums {
        return Ok(built.pop().map(|given| given.sums));
    }
    let programs = ["first", "second"].map(|given| dist.join(given).join(PROGRAM));
    for section in sections::that_differ(&programs)? {
        println!("{PROGRAM}: {section} differs");
    }
    println!(
        "compare {} and second beside it",
        dist.join("first").display()
    );
    Ok(None)
}

/// What came of a build: names of files, and a line with the sum of each.
struct Given {
    files: Vec<String>,
    sums: String,
}

/// A checkout of what is committed, and a folder to build it in.
struct Build {
    source: PathBuf,
    target: PathBuf,
    /// Holds the compiler's stand-in.
    tools: tempfile::TempDir,
    /// When it was committed, in seconds since 1970.
    time: String,
}

impl Build {
    fn at(source: &Path, target: &Path) -> anyhow::Result<Self> {
        let mut git = Command::new("git");
        git.args(["clone", "--quiet", "--local"]).arg(root());
        sh(git.arg(source))?;
        let mut git = Command::new("git");
        git.args(["show", "--no-patch", "--format=%ct"]);
        let time = output(git.current_dir(source))?.trim().to_owned();
        let tools = tempfile::tempdir()?;
        let compiler = tools.path().join("cc");
        fs::write(&compiler, COMPILER)?;
        fs::set_permissions(&compiler, fs::Permissions::from_mode(0o755))?;
        Ok(Self {
            source: source.canonicalize()?,
            target: target.to_owned(),
            tools,
            time,
        })
    }

    /// Builds, and puts what came of it into a folder.
    fn give(&self, folder: &Path) -> anyhow::Result<Given> {
        let mut build = self.cargo("auditable")?;
        build.args(["build", "--release", "--locked", "--package", "confbus"]);
        sh(build.args(["--bin", PROGRAM]))?;
        fs::copy(
            self.target.join("release").join(PROGRAM),
            folder.join(PROGRAM),
        )?;
        let mut list = self.cargo("cyclonedx")?;
        list.args(["--format", "json", "--all", "--spec-version", "1.5"]);
        sh(list.args(["--manifest-path", "Cargo.toml", "--quiet"]))?;
        let list = fs::read_to_string(self.source.join(LIST))?;
        fs::write(folder.join(LIST), placeless(&list, &self.source))?;
        let files = vec![PROGRAM.to_owned(), LIST.to_owned(), self.pack(folder)?];
        let sums = sums(folder, &files)?;
        Ok(Given { files, sums })
    }

    /// Makes the Debian package of what is built; the name of its file.
    fn pack(&self, folder: &Path) -> anyhow::Result<String> {
        debian::describe(&self.target.join("release").join(PROGRAM))?;
        debian::pack(self.cargo("deb")?, folder)
    }

    fn cargo(&self, subcommand: &str) -> anyhow::Result<Command> {
        let compiler = find_program("cc").context("there is no C compiler `cc`")?;
        let home = cargo_home()?;
        let path = env::var_os("PATH").unwrap_or_default();
        let path = iter::once(self.tools.path().to_owned()).chain(env::split_paths(&path));
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for name in ["CFLAGS", "LDFLAGS", "RUSTFLAGS", "CARGO_BUILD_TARGET"] {
            cargo.env_remove(name);
        }
        cargo
            .arg(subcommand)
            .current_dir(&self.source)
            .env("CARGO_TARGET_DIR", &self.target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(&home))
            .env("SOURCE_DATE_EPOCH", &self.time)
            .env("PATH", env::join_paths(path)?)
            .env("DIST_CC", compiler)
            .env("DIST_TARGET", &self.target)
            .env("DIST_CARGO_HOME", home)
            .env("LC_ALL", "C");
        Ok(cargo)
    }

    fn flags(&self, home: &Path) -> OsString {
        flags(&[
            (&self.source, "/confbus"),
            (&self.target, "/target"),
            (home, "/cargo"),
        ])
    }
}

fn cargo_home() -> anyhow::Result<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from).or_else(home);
    home.context("neither CARGO_HOME nor HOME says where cargo keeps its sources")
}

/// Tells rustc what to call these places, in cargo's form for flags that may hold blanks.
fn flags(places: &[(&Path, &str)]) -> OsString {
    let mut flags = OsString::new();
    for (place, name) in places {
        if !flags.is_empty() {
            flags.push("\x1f");
        }
        flags.push("--remap-path-prefix=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    flags
}

/// The list without the place of the checkout.
fn placeless(list: &str, source: &Path) -> String {
    list.replace(&*source.to_string_lossy(), "/confbus")
}

/// A line for each file, as `sha256sum --check` reads them.
fn sums(folder: &Path, files: &[String]) -> anyhow::Result<String> {
    let mut lines = String::new();
    for name in files {
        let bytes = fs::read(folder.join(name)).with_context(|| format!("no {name}"))?;
        ensure!(!bytes.is_empty(), "{name} is empty");
        let sum = Sha256::digest(&bytes);
        let sum: String = sum.iter().map(|byte| format!("{byte:02x}")).collect();
        lines += &format!("{sum}  {name}\n");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_names_of_their_own() {
        let places: [(&Path, &str); 2] = [
            (Path::new("/home/a b/confbus"), "/confbus"),
            (Path::new("/t"), "/target"),
        ];
        assert_eq!(
            flags(&places),
            "--remap-path-prefix=/home/a b/confbus=/confbus\x1f--remap-path-prefix=/t=/target"
        );
        let list = r#"{"bom-ref":"path+file:///home/a/confbus/crates/bus#0.1.0"}"#;
        assert_eq!(
            placeless(list, Path::new("/home/a/confbus")),
            r#"{"bom-ref":"path+file:///confbus/crates/bus#0.1.0"}"#
        );
    }

    #[test]
    fn sums_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        let files = [PROGRAM, LIST].map(str::to_owned);
        fs::write(folder.path().join(PROGRAM), "a").unwrap();
        assert!(sums(folder.path(), &files).is_err());
        fs::write(folder.path().join(LIST), "b").unwrap();
        assert_eq!(
            sums(folder.path(), &files).unwrap(),
            "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb  confbus\n\
             3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d  confbus.cdx.json\n"
        );
    }
}
