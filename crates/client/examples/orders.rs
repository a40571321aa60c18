//! A small service that lives by its configuration.
//!
//! Start a config server on port 8888, confbus or Spring's, then run
//! `SPRING_APPLICATION_NAME=orders cargo run -p confbus-client --example orders`.
//! Push a change of `orders.yml` to the server's repository and watch it arrive; one that does not fit is refused in the log,
//! with its place. With `--features amqp` and `SPRING_RABBITMQ_HOST` events come over Spring Cloud Bus.
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::io::IsTerminal as _;

use confbus_client::{Client, Live, Rejection, Settings};
use serde::Deserialize;

/// The section that the service reads.
const SECTION: &str = "orders.limits";

/// The section `orders.limits`.
#[derive(Debug, PartialEq, Deserialize)]
struct Limits {
    max_open: u32,
    #[serde(default)]
    currencies: Vec<String>,
    note: Option<String>,
}

fn sane(limits: &Limits) -> Result<(), Rejection> {
    match limits.max_open {
        1..=10_000 => Ok(()),
        other => Err(Rejection::at(
            "orders.limits.max-open",
            format!("expected 1 to 10000, found {other}"),
        )),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_ansi(std::io::stdout().is_terminal())
        .init();
    let client = Client::connect(Settings::from_env()?).await?;
    let limits = client.bind(SECTION).validate(sane).live()?;
    println!(
        "{} runs version {}",
        client.bus_id(),
        client.snapshot().version().unwrap_or("unknown")
    );
    tell_places(&client);

    tokio::select! {
        result = take_orders(limits) => result,
        () = tell_changes(client) => Ok(()),
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

/// Where each value was written; secrets stay hidden.
fn tell_places(client: &Client) {
    let snapshot = client.snapshot();
    for key in snapshot.keys().filter(|key| key.starts_with(SECTION)) {
        if let (Some(value), Some(origin)) = (snapshot.get(key), snapshot.origin(key)) {
            let value = snapshot.redacted(value.to_string());
            println!("{key} = {value} ({origin})");
        }
    }
}

/// Stands for the work of the service: each order is taken under the limits of its moment.
async fn take_orders(limits: Live<Limits>) -> anyhow::Result<()> {
    let mut every_five_seconds = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        every_five_seconds.tick().await;
        let Limits {
            max_open,
            currencies,
            note,
        } = &*limits.latest();
        let note = note.as_deref().unwrap_or("no note");
        println!("at most {max_open} open orders in {currencies:?}, {note}");
    }
}

async fn tell_changes(client: Client) {
    let mut changes = client.changes();
    while let Some(change) = changes.next().await {
        println!("version {}", change.version.as_deref().unwrap_or("unknown"));
        for key in &change.keys {
            let place = key.new.as_ref().and_then(|new| new.origin());
            let place = place.map_or_else(String::new, |place| format!(" ({place})"));
            println!("{key}{place}");
        }
    }
}
