//! A line for each key that changes.

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use anyhow::Context as _;
use confbus::{
    shutdown,
    telemetry::{self, LogFormat},
};
use confbus_client::{ChangeSet, Client, KeyChange};

use super::{
    say::{printable, short},
    settings,
};
use crate::cli::WatchArgs;

/// Runs until it is told to stop.
pub(super) async fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let _log = telemetry::init(LogFormat::Text, "warn")?;
    let name = format!(
        "{}:{}:{}",
        args.address.application, args.address.profiles, args.index
    );
    let client = Client::connect(settings::of(&args, None)?).await?;
    let ended = tokio::select! {
        followed = follow(&client, &name) => followed,
        stopped = shutdown::requested() => stopped.map_err(anyhow::Error::from),
    };
    client.leave().await;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Writes what the client has and every change of it, until the client ends or nobody reads any more.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) async fn follow(client: &Client, name: &str) -> anyhow::Result<()> {
    match write_lines(client, name).await {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("standard output"),
    }
}

async fn write_lines(client: &Client, name: &str) -> io::Result<()> {
    client.ready();
    let mut changes = client.changes();
    let snapshot = client.snapshot();
    let number = snapshot.keys().len();
    let version = short(snapshot.version());
    write_line(&format!("{name}  {number} properties at {version}"))?;
    write_line(&format!("{name}  listening as bus id {}", client.bus_id()))?;
    while let Some(set) = changes.next().await {
        for change in &set.keys {
            write_line(&line(name, &set, change))?;
        }
    }
    Ok(())
}

fn write_line(line: &str) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", printable(line))
}

fn line(name: &str, set: &ChangeSet, change: &KeyChange) -> String {
    format!(
        "{name}  {}  {}  {}",
        short(set.version.as_deref()),
        change.key,
        change.shown()
    )
}
