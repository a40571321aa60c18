//! Follows the configuration of an application: a line for each key that changes.

use std::time::Duration;

use anyhow::Context as _;
use confbus::{
    shutdown,
    telemetry::{self, LogFormat},
};
use confbus_bus::RabbitSettings;
use confbus_client::{ChangeSet, Client, KeyChange, Settings, Transport};

use crate::cli::WatchArgs;

/// Runs until it is told to stop.
pub(crate) async fn run(args: WatchArgs) -> anyhow::Result<()> {
    telemetry::init(LogFormat::Text, "warn")?;
    let name = format!(
        "{}:{}:{}",
        args.address.application, args.address.profiles, args.index
    );
    let client = Client::connect(settings(args)?).await?;
    tokio::select! {
        () = follow(&client, &name) => Ok(()),
        stopped = shutdown::requested() => Ok(stopped?),
    }
}

fn settings(args: WatchArgs) -> anyhow::Result<Settings> {
    let mut settings = Settings::new(args.address.application)
        .profiles(args.address.profiles)
        .server(args.server)
        .index(args.index);
    if let Some(label) = args.address.label {
        settings = settings.label(label);
    }
    if let Some(folder) = args.last_good {
        settings = settings.last_good_dir(folder);
    }
    if let Some(url) = args.amqp {
        let broker = RabbitSettings {
            exchange: args.exchange,
            ..RabbitSettings::from_url(&url).context("--amqp")?
        };
        settings = settings.transport(Transport::Amqp(Box::new(broker)));
    }
    Ok(match args.poll {
        0 => settings.without_poll(),
        seconds => settings.poll_every(Duration::from_secs(seconds)),
    })
}

/// Writes what the client has and every change of it, until the client ends.
#[expect(clippy::print_stdout, reason = "the lines are what the program is for")]
pub(crate) async fn follow(client: &Client, name: &str) {
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

/// Seven digits are enough for people.
fn short(version: Option<&str>) -> &str {
    version.map_or("an unnamed version", |version| {
        version.get(..7).unwrap_or(version)
    })
}
