//! `cargo xtask bench remote`: the Git remote of the measurements, to try things by hand: Enter makes a commit.

use std::io;
use std::process::ExitCode;

use anyhow::Context as _;

use super::remote::Remote;
use super::repositories::{self, NAMED};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// R100, R3k, R10k, R30k or R3k-labels.
    #[arg(default_value = "R3k")]
    repository: String,
}

/// Each line of input is a commit; what the remote was asked since the last one is shown. Everything is gone afterwards.
pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let shape = NAMED
        .iter()
        .find(|shape| shape.name.eq_ignore_ascii_case(&args.repository))
        .with_context(|| format!("there is no repository {}", args.repository))?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-bench-")
        .tempdir()?;
    repositories::copy(shape, folder.path())?;
    let remote = Remote::start(folder.path(), folder.path())?;
    println!(
        "{} is {}",
        remote.url(shape.name),
        remote.folder(shape.name).display()
    );
    let mut mark = remote.mark()?;
    for (line, revision) in io::stdin().lines().zip(1..) {
        line?;
        for request in remote.requests_since(mark)? {
            println!("  {request}");
        }
        mark = remote.mark()?;
        let shared = repositories::shared(revision);
        println!("{}", remote.commit(shape.name, &[shared])?);
    }
    Ok(ExitCode::SUCCESS)
}
