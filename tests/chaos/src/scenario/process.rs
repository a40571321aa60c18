//! Servers are killed, ended and started, and disks vanish.

use std::process::Stdio;
use std::time::Duration;

use anyhow::ensure;
use fastrand::Rng;

use super::{SOON, eventually, push_and_settle, restart, served};
use crate::figure::Figure;
use crate::rig::Rig;

const KILLS: usize = 10;
/// Of D1.
const RANDOM_KILLS: u64 = 30;
/// Of P3.
const ROLLS: usize = 10;
/// A debug build on a machine that has other things to do; the figure is said.
const STARTS: Duration = Duration::from_secs(3);
/// Until a server that was asked to end has.
const ENDS: Duration = Duration::from_secs(20);
/// Of P5.
const STORM: usize = 300;

pub(crate) async fn p1(rig: &mut Rig) -> anyhow::Result<()> {
    let mut slowest = Duration::ZERO;
    for turn in 0..6 {
        let server = turn % rig.servers.len();
        let push = rig.repository.push_shared()?;
        rig.tell(server, &push).await?;
        let (status, took) = rig.servers[server].stop().await?;
        ensure!(status.success(), "it ended with {status}");
        slowest = slowest.max(took);
        rig.servers[server].start().await?;
        rig.settle(SOON).await?;
    }
    rig.figure(Figure::time("ended at most after", slowest));
    ensure!(slowest < ENDS, "it took {slowest:?} to end");
    Ok(())
}

pub(crate) async fn p2(rig: &mut Rig) -> anyhow::Result<()> {
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        let server = kill % rig.servers.len();
        rig.repository.push_shared()?;
        slowest = slowest.max(restart(rig, server, STARTS).await?);
    }
    rig.figure(Figure::time("first answer after exec, at most", slowest));
    ensure!(slowest < STARTS, "a first answer took {slowest:?}");
    Ok(())
}

pub(crate) async fn p3(rig: &mut Rig) -> anyhow::Result<()> {
    for turn in 0..ROLLS {
        let server = turn % rig.servers.len();
        let push = rig.repository.push_all()?;
        rig.tell(1 - server, &push).await?;
        rig.servers[server].stop().await?;
        rig.servers[server].start().await?;
        served(rig, server, STARTS).await?;
    }
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn p5(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..3 {
        let push = rig.repository.push_all()?;
        let tells = (0..STORM).map(|_| rig.tell(0, &push));
        let storm = futures_util::future::join_all(tells);
        // Amid it the server is killed.
        _ = tokio::time::timeout(Duration::from_millis(20), storm).await;
        restart(rig, 0, STARTS).await?;
        rig.settle(SOON).await?;
    }
    Ok(())
}

pub(crate) async fn d1(rig: &mut Rig) -> anyhow::Result<()> {
    let mut rng = Rng::with_seed(1);
    let mut slowest = Duration::ZERO;
    for _ in 0..RANDOM_KILLS {
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(Duration::from_millis(rng.u64(..400))).await;
        slowest = slowest.max(restart(rig, 0, STARTS).await?);
    }
    rig.figure(Figure::new("kills", RANDOM_KILLS as f64, ""));
    rig.figure(Figure::time("first answer after exec, at most", slowest));
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn d8(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..3 {
        rig.servers[0].lose_disk()?;
        push_and_settle(rig).await?;
    }
    // What was cloned again is as good as the first.
    restart(rig, 0, STARTS).await.map(|_| ())
}

pub(crate) async fn d10(rig: &mut Rig) -> anyhow::Result<()> {
    let shared = rig.servers[0].disk();
    let basedir = format!(
        "spring.cloud.config.server.git.basedir={}",
        shared.display()
    );
    let mut second = rig.new_server(&[&basedir])?;
    second.spawn(Stdio::null())?;
    let ended = eventually("the second server gives up", ENDS, async || second.ended());
    let (status, took) = ended.await?;
    rig.figure(Figure::time("the second one gave up after", took));
    ensure!(!status.success(), "it ended as if all was well");
    push_and_settle(rig).await.map(|_| ())
}
