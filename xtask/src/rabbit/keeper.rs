//! The process that owns a broker and ends it together with its data.

use std::io::{Read as _, stdin};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use super::node::{Node, Ports};

/// A start takes 5 s on an idle machine; this is for two cores that compile meanwhile.
const START_DEADLINE: Duration = Duration::from_secs(180);

/// Killing is quick; the kernel may still hold the last files for a moment.
const REMOVE_DEADLINE: Duration = Duration::from_secs(10);

const POLL: Duration = Duration::from_millis(100);

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The `rabbitmq-server` to start.
    #[arg(long)]
    server: PathBuf,
    /// Where it listens for AMQP, instead of any free port.
    #[arg(long)]
    port: Option<u16>,
    /// Where to write a program that is `rabbitmqctl` for this broker.
    #[arg(long)]
    control: Option<PathBuf>,
}

/// Starts a broker, writes its port to standard output, and ends it when standard input ends.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let owner = watch_owner();
    let folder = tempfile::Builder::new()
        .prefix("confbus-rabbit-")
        .tempdir()
        .context("no temporary folder")?;

    let outcome = keep(args, folder.path(), &owner);
    remove(folder)?;
    outcome.map(|()| ExitCode::SUCCESS)
}

fn keep(args: &Args, folder: &Path, owner: &Receiver<()>) -> anyhow::Result<()> {
    let mut node = Node::start(&args.server, folder, Ports::choose(args.port)?)?;
    if let Some(path) = &args.control {
        node.write_control(&args.server, folder, path)?;
    }
    let deadline = Instant::now() + START_DEADLINE;
    while !node.is_ready() {
        if let Some(how) = node.ended()? {
            bail!(
                "rabbitmq-server ended before it was ready: {how}\n{}",
                node.log_tail()
            );
        }
        if Instant::now() > deadline {
            bail!(
                "rabbitmq-server was not ready after {} s\n{}",
                START_DEADLINE.as_secs(),
                node.log_tail()
            );
        }
        if owner.recv_timeout(POLL) == Err(RecvTimeoutError::Disconnected) {
            return Ok(());
        }
    }
    println!("{}", node.amqp_port());
    // Nobody sends anything: this returns when the channel closes.
    _ = owner.recv();
    Ok(())
}

/// A channel that closes when our standard input does, which is when our owner has ended.
fn watch_owner() -> Receiver<()> {
    let (alive, owner) = mpsc::channel();
    thread::spawn(move || {
        let mut stdin = stdin().lock();
        while stdin.read(&mut [0; 64]).is_ok_and(|read| read > 0) {}
        drop(alive);
    });
    owner
}

fn remove(folder: TempDir) -> anyhow::Result<()> {
    let folder = folder.keep();
    let deadline = Instant::now() + REMOVE_DEADLINE;
    loop {
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(_) if Instant::now() < deadline => thread::sleep(POLL),
            removed => {
                return removed.with_context(|| format!("cannot remove {}", folder.display()));
            }
        }
    }
}
