//! `cargo xtask conformance`: the recorded answers of the original against ours, as a table.

mod table;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{ExitCode, Stdio};

use anyhow::Context as _;

use self::table::Table;
use crate::shell::{KillOnDrop, announce, cargo, root};

/// The cases that wait for something to be built.
const NOT_YET: &str = "tests/conformance/not-yet.txt";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only the cases with this in their name, for example `git::` or `yaml-109`.
    filter: Option<String>,
    /// Take the cases that pass by now off the list of those that wait for something to be built.
    #[arg(long)]
    update: bool,
}

/// Shows what failed and why, then the table; the last line adds it up.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut command = cargo(["test", "--workspace", "--test", "conformance", "--"]);
    command.arg("--format=pretty").args(&args.filter);
    announce(&command);
    let mut tests = KillOnDrop::spawn(command.stdout(Stdio::piped()))?;
    let output = tests.0.stdout.take();
    let output = BufReader::new(output.context("the tests have no standard output")?);

    let mut table = Table::default();
    let mut failures = false;
    for line in output.lines() {
        let line = line.context("cannot read what the tests say")?;
        table.add(&line);
        failures |= line == "failures:";
        if failures {
            println!("{line}");
        }
    }
    let status = tests.0.wait()?;
    if args.update {
        update(&mut table)?;
    }
    print!("{table}");
    // Without a single result, cargo has said why.
    let success = table.succeeded() && (status.success() || args.update);
    Ok(if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Rewrites the list without what passes.
fn update(table: &mut Table) -> anyhow::Result<()> {
    let passing = table.accept_passing();
    if passing.is_empty() {
        return Ok(());
    }
    let file = root().join(NOT_YET);
    let list = fs::read_to_string(&file).with_context(|| NOT_YET.to_owned())?;
    let stays = |line: &&str| {
        let id = line.split(' ').next().unwrap_or_default();
        !passing.iter().any(|passing| passing == id)
    };
    let list: String = list
        .lines()
        .filter(stays)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(&file, list).with_context(|| NOT_YET.to_owned())?;
    eprintln!("{NOT_YET}: {} cases less", passing.len());
    Ok(())
}
