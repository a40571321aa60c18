//! What is done to a rig, row by row of the matrix.

pub(crate) mod balanced;
pub(crate) mod bus;
pub(crate) mod clock;
pub(crate) mod commits;
pub(crate) mod crowd;
pub(crate) mod damage;
pub(crate) mod events;
pub(crate) mod full;
pub(crate) mod git;
pub(crate) mod half;
pub(crate) mod limits;
mod measure;
pub(crate) mod outage;
pub(crate) mod process;
pub(crate) mod replicas;
pub(crate) mod stuck;
pub(crate) mod webhook;

use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::history::Outcome;
use crate::rig::{Connection, Push, Response, Rig};

/// Long enough for everybody to get what was pushed, when nothing fails.
const SOON: Duration = Duration::from_secs(20);
/// Between two looks at whether something has come true.
const GLANCE: Duration = Duration::from_millis(20);
/// Reads per second and server, where a scenario starts them itself.
const READS: u32 = 50;
/// Between two pushes.
const SECOND: Duration = Duration::from_secs(1);

/// Pushes once a second for a while, and tells a server each time.
async fn push_for(rig: &mut Rig, lasts: Duration, told: usize) -> anyhow::Result<()> {
    let until = Instant::now() + lasts;
    while Instant::now() < until {
        let push = rig.repository.push_shared()?;
        rig.tell(told, &push).await?;
        tokio::time::sleep(SECOND).await;
    }
    Ok(())
}

/// Pushes everything, tells the first server, and waits for everybody; how long that took.
async fn push_and_settle(rig: &mut Rig) -> anyhow::Result<Duration> {
    let push = rig.repository.push_all()?;
    told_and_settled(rig, &push).await
}

async fn told_and_settled(rig: &Rig, push: &Push) -> anyhow::Result<Duration> {
    rig.tell(0, push).await?;
    rig.settle(SOON).await
}

/// Ends a server as a power cut would, and starts it again; how long until it had an answer.
async fn restart(rig: &mut Rig, server: usize, within: Duration) -> anyhow::Result<Duration> {
    rig.servers[server].kill()?;
    let listens = rig.servers[server].start().await?;
    Ok(listens + served(rig, server, within).await?)
}

/// Asks a server for `orders`.
async fn ask(rig: &Rig, server: usize) -> anyhow::Result<Response> {
    get(rig, server, "/orders/prod/main").await
}

async fn get(rig: &Rig, server: usize, path: &str) -> anyhow::Result<Response> {
    let port = rig.servers.get(server).context("no such server")?.port();
    Connection::new(port).get(path).await
}

/// The commit that a server answers with.
async fn version(rig: &Rig, server: usize, path: &str) -> anyhow::Result<Option<String>> {
    match crate::rig::outcome(&get(rig, server, path).await?) {
        Outcome::Found { version, .. } => Ok(Some(version.to_string())),
        Outcome::Other { .. } | Outcome::Failed { .. } => Ok(None),
    }
}

/// What a server's health says of the Git remote, if it is not well.
async fn git_trouble(rig: &Rig, server: usize) -> anyhow::Result<Option<String>> {
    let health = get(rig, server, "/actuator/health/git").await?;
    let health: serde_json::Value = serde_json::from_slice(&health.body)?;
    Ok(health["details"]["error"].as_str().map(str::to_owned))
}

/// Looks until there is something; what it is, and how long that took.
async fn eventually<T>(
    what: &str,
    within: Duration,
    mut look: impl AsyncFnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<(T, Duration)> {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await? {
            return Ok((found, began.elapsed()));
        }
        ensure!(
            began.elapsed() < within,
            "not within {} s: {what}",
            within.as_secs()
        );
        tokio::time::sleep(GLANCE).await;
    }
}

/// Asks until there is a configuration; how long that took.
async fn served(rig: &Rig, server: usize, within: Duration) -> anyhow::Result<Duration> {
    let began = Instant::now();
    loop {
        let response = ask(rig, server).await?;
        if matches!(crate::rig::outcome(&response), Outcome::Found { .. }) {
            return Ok(began.elapsed());
        }
        if began.elapsed() > within {
            bail!("still answered with {}", response.status);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}
