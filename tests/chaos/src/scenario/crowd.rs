//! Clients that all start at once.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;

use super::{READS, SOON, push_and_settle};
use crate::figure::{Figure, percentile};
use crate::history::Outcome;
use crate::rig::{Connection, Rig, outcome};

const CLIENTS: u64 = 10_000;
/// All of them start within so long.
const WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn p11(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_server(&[]).await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    let before = rig.servers[0].usage()?.memory;
    let port = rig.servers[0].port();
    let clients = (0..CLIENTS).map(|number| start(port, number));
    let mut times = try_join_all(clients).await?;
    let memory = rig.servers[0].usage()?.memory.saturating_sub(before);
    rig.figure(Figure::new("clients", CLIENTS as f64, ""));
    let p99 = percentile(&mut times, 99.0).context("nobody started")?;
    rig.figure(Figure::new("p99 of their first reads", p99, "ms"));
    let memory = memory as f64 / f64::from(1 << 20);
    rig.figure(Figure::new("more memory afterwards", memory, "MiB"));
    push_and_settle(rig).await.map(|_| ())
}

/// Starts at a moment of its own, asks, and goes; the milliseconds until its answer.
async fn start(port: u16, number: u64) -> anyhow::Result<f64> {
    tokio::time::sleep(WITHIN.mul_f64(number as f64 / CLIENTS as f64)).await;
    let began = Instant::now();
    let mut connection = Connection::new(port);
    let answer = connection.get("/orders/prod/main").await;
    let answer = answer.with_context(|| format!("client {number}"))?;
    let is_found = matches!(outcome(&answer), Outcome::Found { .. });
    ensure!(is_found, "client {number}: {}", answer.status);
    Ok(began.elapsed().as_secs_f64() * 1e3)
}
