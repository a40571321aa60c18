//! Webhooks that come too early, too often, or not at all.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures_util::{StreamExt as _, stream};

use super::measure::{Quiet, p99};
use super::{READS, SOON, push_and_settle};
use crate::figure::{Figure, percentile};
use crate::history::What;
use crate::rig::{LOOK_SECONDS, Rig};

/// How often a delivery is repeated.
const AGAIN: usize = 20;
/// Of W3.
const BURST: usize = 1_000;
/// Events that are no more than one commit of everything is worth, from two servers.
const FEW: usize = 8;
/// Webhooks under way at once.
const AT_ONCE: usize = 50;
/// Of W6.
const FORGED: usize = 5_000;

fn events(rig: &Rig) -> usize {
    rig.recorder
        .count(|what| matches!(what, What::Event { .. }))
}

pub(crate) async fn w1(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_blind_server().await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    for early in [200, 700, 1_500] {
        let push = rig.repository.prepare("orders")?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(Duration::from_millis(early)).await;
        rig.repository.reveal()?;
        let took = rig.settle(SOON).await?;
        let what = format!("told {early} ms early: everywhere when it could be seen, after");
        rig.figure(Figure::time(what, took));
    }
    push_and_settle(rig).await.map(|_| ())
}

pub(crate) async fn w2(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..5 {
        rig.repository.push_all()?;
        let took = rig.settle(SOON).await?;
        rig.figure(Figure::time("everywhere after", took));
    }
    Ok(())
}

pub(crate) async fn w3(rig: &mut Rig) -> anyhow::Result<()> {
    let before = events(rig);
    let push = rig.repository.push_all()?;
    let tell = || async {
        let began = Instant::now();
        rig.tell(0, &push).await?;
        anyhow::Ok(began.elapsed().as_secs_f64() * 1e3)
    };
    let told = stream::iter((0..BURST).map(|_| tell()));
    let told: Vec<_> = told.buffer_unordered(AT_ONCE).collect().await;
    let mut times: Vec<_> = told.into_iter().collect::<anyhow::Result<_>>()?;
    rig.settle(SOON).await?;
    let events = events(rig) - before;
    let slow = percentile(&mut times, 99.0).unwrap_or_default();
    rig.figure(Figure::new("webhooks", times.len() as f64, ""));
    rig.figure(Figure::new("p99 of their answers", slow, "ms"));
    rig.figure(Figure::new("events", events as f64, ""));
    ensure!(events <= FEW, "{events} events for one commit");
    Ok(())
}

pub(crate) async fn w4(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_blind_server().await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    for _ in 0..5 {
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        rig.servers[0].kill()?;
        rig.servers[0].start().await?;
        let took = rig.settle(SOON).await?;
        rig.figure(Figure::time("everywhere after the start", took));
    }
    Ok(())
}

pub(crate) async fn w5(rig: &mut Rig) -> anyhow::Result<()> {
    push_and_settle(rig).await?;
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    // Both servers have looked by themselves, too.
    let looks = Duration::from_secs(2 * LOOK_SECONDS);
    tokio::time::sleep(looks).await;
    let before = events(rig);
    for _ in 0..AGAIN {
        rig.tell(0, &push).await?;
    }
    tokio::time::sleep(looks).await;
    let more = events(rig) - before;
    ensure!(more == 0, "{more} events without a commit");
    Ok(())
}

pub(crate) async fn w6(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_server(&[]).await?;
    let closed = "spring.cloud.config.server.monitor.validation-filter-enabled=true";
    rig.add_server(&[closed]).await?;
    rig.add_clients(6).await?;
    rig.read(4 * READS);
    rig.settle(SOON).await?;
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    let push = rig.repository.push_all()?;
    let began = Instant::now();
    let told = stream::iter((0..FORGED).map(|_| rig.deliver(1, &push)));
    let statuses: Vec<_> = told.buffer_unordered(AT_ONCE).collect().await;
    let per_second = FORGED as f64 / began.elapsed().as_secs_f64();
    for status in statuses {
        let status = status?;
        ensure!(status == 403, "a forged webhook is answered with {status}");
    }
    rig.figure(Figure::new("forged webhooks", per_second, "per second"));
    let faulty = p99(rig, since)?;
    quiet.judge(rig, faulty).await
}

pub(crate) async fn w7(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_blind_server().await?;
    rig.add_blind_server().await?;
    rig.add_clients(6).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    for _ in 0..5 {
        let took = push_and_settle(rig).await?;
        rig.figure(Figure::time("everywhere after", took));
    }
    Ok(())
}
