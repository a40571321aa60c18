//! `cargo xtask confined`: the black-box tests where almost nothing is allowed. They run as a user without rights, on a file
//! system that may be written in one folder alone, and `strace` notes what each server and client starts and where it writes.
//! The broker that they share runs outside of it: it is no program of ours.

mod traces;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, ensure};

use self::traces::{CALLS, Findings, Reader};
use crate::rabbit::{Rabbit, server};
use crate::shell::{self, cargo};
use crate::test;

const ENTER: &str = include_str!("confined/enter.sh");
const USER: &str = "nobody";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Passed on to the tests, for example `-- watch::`.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// Fails when a test does, or when a server did what it must not.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "to make a file system read-only takes root: sudo cargo xtask confined"
    );
    let server = server::find_or_install()?;
    let tests = black_box_tests()?;
    let rabbit = Rabbit::start(&server)?;
    let open = Open::mount()?;
    // How it ends tells nothing: whoever is left is killed.
    let mut enter = enter(open.0.path(), &tests);
    enter.args(&args.rest);
    test::name_brokers(&mut enter, rabbit.url(), &server)?;
    _ = shell::status(&mut enter)?;
    let status = fs::read_to_string(open.0.path().join("status"));
    let status = status.context("the tests did not come to an end")?;
    let notes = fs::read(notes(open.0.path())).context("strace has noted nothing")?;
    let folder = open.0.path().display().to_string();
    let findings = Reader::read(&String::from_utf8_lossy(&notes), &folder).print();
    ensure!(findings.fine > 0, "nothing was traced");
    let is_good =
        status.trim() == "0" && findings.written.is_empty() && findings.started.is_empty();
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

impl Findings {
    fn print(self) -> Self {
        println!(
            "{} servers wrote {} times to their own folders; they started nothing but their workers",
            self.servers, self.fine
        );
        let told = self.told.iter();
        let told: Vec<_> = told
            .map(|(name, times)| format!("{name} {times}"))
            .collect();
        println!(
            "{} clients wrote {} times where they were told to; they were told to start: {}",
            self.clients,
            self.delivered,
            told.join(", ")
        );
        println!(
            "but for {} writes elsewhere and {} other programs",
            self.written.len(),
            self.started.len()
        );
        for line in self.written.iter().chain(&self.started) {
            println!("  {line}");
        }
        self
    }
}

/// The program of the tests, built as for `cargo xtask test`.
fn black_box_tests() -> anyhow::Result<PathBuf> {
    let mut build = cargo(["test", "--package", "confbus", "--test", "it", "--no-run"]);
    build.args(["--features", "broker-tests", "--message-format=json"]);
    let said = shell::output(&mut build)?;
    let is_ours = |message: &serde_json::Value| message["target"]["name"] == "it";
    let messages = said
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let program = messages.filter(is_ours).find_map(|message| {
        let path = message["executable"].as_str()?;
        Some(PathBuf::from(path))
    });
    program.context("cargo does not say where it built the tests")
}

/// The only folder that may be written; what lies there ends with it.
struct Open(tempfile::TempDir);

impl Open {
    fn mount() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "mode=1777,size=2g", "none"]);
        shell::run(mount.arg(folder.path()))?;
        Ok(Self(folder))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // A folder that somebody still uses is gone once he ends.
        _ = shell::status(Command::new("umount").arg("--lazy").arg(self.0.path()));
    }
}

fn notes(folder: &Path) -> PathBuf {
    folder.join("notes")
}

fn enter(folder: &Path, tests: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--pid", "--fork", "--mount-proc"]);
    command.args(["sh", "-c", ENTER, "enter.sh"]);
    command.arg(folder).arg(USER).arg(notes(folder)).arg(CALLS);
    command
        .arg(tests)
        .env("TMPDIR", folder)
        .env("HOME", folder)
        .current_dir(shell::root());
    command
}
