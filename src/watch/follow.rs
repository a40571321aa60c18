//! A line for each key that changes.

use std::process::ExitCode;

use confbus::{
    shutdown,
    telemetry::{self, LogFormat},
};
use confbus_client::{ChangeSet, Client, KeyChange};

use super::{say::short, settings};
use crate::cli::WatchArgs;

/// Runs until it is told to stop.
pub(super) async fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(LogFormat::Text, "warn")?;
    let name = format!(
        "{}:{}:{}",
        args.address.application, args.address.profiles, args.index
    );
    let client = Client::connect(settings::of(&args)?).await?;
    tokio::select! {
        () = follow(&client, &name) => {}
        stopped = shutdown::requested() => stopped?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes what the client has and every change of it, until the client ends.
#[expect(clippy::print_stdout, reason = "the lines are what the program is for")]
pub(crate) async fn follow(client: &Client, name: &str) {
    client.ready();
    let mut changes = client.changes();
    let snapshot = client.snapshot();
    println!(
        "{name}  {} properties at {}",
        snapshot.keys().len(),
        short(snapshot.version())
    );
    println!("{name}  listening as bus id {}", client.bus_id());
    while let Some(set) = changes.next().await {
        for change in &set.keys {
            println!("{}", line(name, &set, change));
        }
    }
}

fn line(name: &str, set: &ChangeSet, change: &KeyChange) -> String {
    format!(
        "{name}  {}  {}  {}",
        short(set.version.as_deref()),
        change.key,
        change.shown()
    )
}
