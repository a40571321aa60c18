//! Three servers that know nothing of each other but what is on the bus, and a balancer in front that knows nothing at all.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{SECOND, SOON, served};
use crate::figure::Figure;
use crate::proxy::{Manner, Proxy};
use crate::rig::{Balancer, Rig, Server, Walked, Walkers};

const SERVERS: usize = 3;
const CLIENTS: usize = 6;
const READERS: usize = 8;
/// Of the readers in all.
const READS: u64 = 1_000_000;
/// How often each server is restarted, one after the other.
const ROUNDS: usize = 5;
/// How long each fault lasts.
const LASTS: Duration = Duration::from_secs(4);
/// What a slow server takes longer for everything.
const SLOW: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(1200);

/// What fails of one server.
#[derive(Debug, Clone, Copy)]
enum Fails {
    /// It is killed, and started again.
    Server,
    /// Nothing comes from the Git remote.
    Git,
    /// Nobody gets an answer.
    Readers,
    /// Everybody gets it late.
    Slowly,
}

const FAULTS: [Fails; 4] = [Fails::Server, Fails::Git, Fails::Readers, Fails::Slowly];

/// Nobody is led back, whoever answers.
pub(crate) async fn monotonic(rig: &mut Rig) -> anyhow::Result<()> {
    let (mut to_git, mut to_server) = (Vec::new(), Vec::new());
    for _ in 0..SERVERS {
        let way = rig.another_way_to_git()?;
        let uri = format!("spring.cloud.config.server.git.uri={}", rig.uri(&way));
        let server = rig.add_server(&[&uri]).await?;
        to_server.push(Proxy::start(server.port())?);
        to_git.push(way);
    }
    rig.add_clients(CLIENTS).await?;
    rig.read(super::READS);
    rig.settle(SOON).await?;
    let balancer = Balancer::start(to_server.iter().map(Proxy::port).collect()).await?;
    let walkers = rig.walk(balancer, READERS);
    let began = Instant::now();
    let mut faults = 0;
    while walkers.walked().found < READS || faults < SERVERS * FAULTS.len() {
        ensure!(began.elapsed() < LONGEST, "too slow for so many reads");
        let server = faults % SERVERS;
        let fails = FAULTS[faults / SERVERS % FAULTS.len()];
        set(
            rig,
            fails,
            server,
            true,
            &to_git[server],
            &to_server[server],
        )
        .await?;
        push_about(rig, server).await?;
        set(
            rig,
            fails,
            server,
            false,
            &to_git[server],
            &to_server[server],
        )
        .await?;
        rig.settle(SOON).await?;
        faults += 1;
    }
    let walked = figures(rig, &walkers);
    rig.figure(Figure::new("faults", faults as f64, ""));
    ensure!(walked.found >= READS, "too few reads");
    rig.proxies.extend(to_git.into_iter().chain(to_server));
    rig.settle_with(&walkers, SOON).await
}

/// Begins or ends a fault.
async fn set(
    rig: &mut Rig,
    fails: Fails,
    server: usize,
    begins: bool,
    to_git: &Proxy,
    to_server: &Proxy,
) -> anyhow::Result<()> {
    let (name, way, manner) = match fails {
        Fails::Server if begins => return rig.servers[server].kill(),
        Fails::Server => {
            rig.servers[server].start().await?;
            return served(rig, server, SOON).await.map(|_| ());
        }
        Fails::Git => ("replica-without-git", to_git, Manner::BlackHole),
        Fails::Readers => ("replica-cut-off", to_server, Manner::BlackHole),
        Fails::Slowly => ("replica-slow", to_server, Manner::Delay(SLOW)),
    };
    rig.note_fault(name, begins);
    way.set(if begins { manner } else { Manner::Pass });
    if !begins {
        // What hung in it goes nowhere any more.
        way.cut();
    }
    Ok(())
}

/// Pushes once a second, and tells the servers that are well in turn.
async fn push_about(rig: &mut Rig, ill: usize) -> anyhow::Result<()> {
    let until = Instant::now() + LASTS;
    let mut told = ill;
    while Instant::now() < until {
        told = (told + 1) % SERVERS;
        if told == ill {
            told = (told + 1) % SERVERS;
        }
        let push = rig.repository.push_shared()?;
        rig.tell(told, &push).await?;
        tokio::time::sleep(SECOND).await;
    }
    Ok(())
}

/// Each server is stopped and started, and nobody notices. Who has seen a commit that a server has yet to fetch waits for it.
pub(crate) async fn rolling(rig: &mut Rig) -> anyhow::Result<()> {
    let ports = rig.servers.iter().map(Server::port).collect();
    let balancer = Balancer::start(ports).await?;
    let walkers = rig.walk(balancer, READERS);
    let mut slowest = Duration::ZERO;
    for _ in 0..ROUNDS {
        for server in 0..rig.servers.len() {
            let push = rig.repository.push_shared()?;
            rig.tell(server, &push).await?;
            rig.settle(SOON).await?;
            let (status, took) = rig.servers[server].stop().await?;
            ensure!(status.success(), "a server ended with {status}");
            slowest = slowest.max(took);
            rig.servers[server].start().await?;
            served(rig, server, SOON).await?;
        }
    }
    // A connection that met the last stop is tried again a second later.
    tokio::time::sleep(3 * SECOND).await;
    let walked = figures(rig, &walkers);
    rig.figure(Figure::new("restarts", (ROUNDS * SERVERS) as f64, ""));
    rig.figure(Figure::time("a stop, at most", slowest));
    ensure!(walked.failed == 0, "{} reads failed", walked.failed);
    ensure!(
        walked.lagging == 0,
        "{} reads were sent away",
        walked.lagging
    );
    rig.settle_with(&walkers, SOON).await
}

fn figures(rig: &mut Rig, walkers: &Walkers) -> Walked {
    let walked = walkers.walked();
    rig.figure(Figure::new("reads", walked.found as f64, ""));
    rig.figure(Figure::new("sent away", walked.lagging as f64, ""));
    rig.figure(Figure::new("cut off", walked.failed as f64, ""));
    walked
}
