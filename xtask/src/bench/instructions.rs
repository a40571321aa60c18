//! `cargo xtask instructions`: what a hot request takes, counted in instructions, which a busy machine does not change.

mod callgrind;
mod figures;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use self::callgrind::Callgrind;
use self::figures::Figure;
use super::http::Connection;
use super::repositories::{self, R100};
use super::stage::HOT;
use crate::shell::{find_program, release_server, root};

const HOW_TO_INSTALL: &str = "valgrind is missing; type:\n  sudo apt-get install valgrind";

/// Before anything is counted, so that what is made once has been made.
const WARM: u32 = 500;

/// By how many requests two runs differ: enough for the whims of threads to vanish beside them.
const COUNTED: u32 = 4_000;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Make today's figures the ones that are compared with.
    #[arg(long)]
    write: bool,
    /// Without valgrind say how to install it, and succeed.
    #[arg(long)]
    if_possible: bool,
    /// A built server, instead of building it for release.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// How the answer is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Environment,
    NotModified,
}

/// Counts, and compares with what is committed.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if find_program("valgrind").is_none() {
        ensure!(args.if_possible, HOW_TO_INSTALL);
        println!("{HOW_TO_INSTALL}");
        return Ok(ExitCode::SUCCESS);
    }
    let program = match &args.program {
        Some(built) => built.clone(),
        None => release_server()?,
    };
    let counted = count(&program)?;
    let file = root().join("xtask/instructions.txt");
    if args.write {
        figures::write(&file, &counted)?;
    }
    let committed = figures::read(&file)?;
    let mut good = true;
    for figure in &counted {
        let change = figure.change(&committed)?;
        println!("{figure}: {change}");
        good &= !change.is_worse();
    }
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What a request takes from socket to socket, for each kind.
fn count(program: &Path) -> anyhow::Result<Vec<Figure>> {
    let folder = tempfile::Builder::new()
        .prefix("confbus-bench-")
        .tempdir()?;
    let server = Callgrind {
        program,
        repository: &repositories::copy(&R100, folder.path())?,
        folder: folder.path(),
    };
    let base = server.instructions(|port| ask(port, Kind::Environment, WARM))?;
    [Kind::Environment, Kind::NotModified]
        .into_iter()
        .map(|kind| {
            let more = server.instructions(|port| ask(port, kind, WARM + COUNTED))?;
            let more = more.checked_sub(base).context("more requests take less")?;
            Ok(Figure::new(kind.name(), more / u64::from(COUNTED)))
        })
        .collect()
}

/// Many times the same on one connection; the first [`WARM`] requests are alike in every run.
fn ask(port: u16, kind: Kind, requests: u32) -> anyhow::Result<()> {
    let mut connection = Connection::open(port)?;
    let mut fields = Vec::new();
    let mut expected = 200;
    for number in 0..requests {
        let answer = connection.ask("GET", HOT, &fields, b"")?;
        ensure!(
            answer.status == expected,
            "GET {HOT} is answered with {}",
            answer.status
        );
        if number + 1 == WARM && kind == Kind::NotModified {
            let tag = answer.field("etag").context("the answer has no ETag")?;
            fields.push(format!("If-None-Match: {tag}"));
            expected = 304;
        }
    }
    Ok(())
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Environment => "environment",
            Self::NotModified => "not-modified",
        }
    }
}
