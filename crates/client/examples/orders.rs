//! A small service that lives by its configuration.
//!
//! Start a config server on port 8888, then run
//! `SPRING_APPLICATION_NAME=orders cargo run -p confbus-client --example orders`.
//! Push a change of `orders.yml` to the server's repository and watch it arrive.
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use confbus_client::{Client, Live, Rejection, Settings};
use serde::Deserialize;

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
    let client = Client::connect(Settings::from_env()?).await?;
    let limits = client.bind("orders.limits").validate(sane).live()?;
    println!(
        "{} runs version {}",
        client.bus_id(),
        client.snapshot().version().unwrap_or("unknown")
    );

    tokio::select! {
        result = take_orders(limits.clone()) => result,
        () = tell_changes(limits) => Ok(()),
        () = tell_every_key(client) => Ok(()),
        stopped = tokio::signal::ctrl_c() => Ok(stopped?),
    }
}

/// Stands for the work of the service: each order is taken under the limits of its moment.
async fn take_orders(limits: Live<Limits>) -> anyhow::Result<()> {
    let mut every_five_seconds = tokio::time::interval(std::time::Duration::from_secs(5));
    loop {
        every_five_seconds.tick().await;
        let limits = limits.load();
        println!(
            "at most {} open orders in {:?}",
            limits.max_open, limits.currencies
        );
    }
}

async fn tell_changes(limits: Live<Limits>) {
    loop {
        let change = limits.changed().await;
        println!(
            "{:?} moved: {:?} -> {:?}",
            change.keys, change.old, change.new
        );
    }
}

async fn tell_every_key(client: Client) {
    let mut changes = client.changes();
    while let Some(change) = changes.next().await {
        println!(
            "version {}: {:?}",
            change.version.as_deref().unwrap_or("unknown"),
            change.keys
        );
        if let Some(reason) = client.health().refused {
            println!("refused: {reason}");
        }
    }
}
