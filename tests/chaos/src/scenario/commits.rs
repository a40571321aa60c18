//! Unusual commits and refs.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::measure::{Quiet, p99};
use super::{READS, SECOND, SOON, ask, eventually, get, told_and_settled, version};
use crate::figure::Figure;
use crate::proxy::Manner;
use crate::rig::{LOOK_SECONDS, Rig, State};

/// Of G20.
const MANY: usize = 1_000;
const WITHIN: Duration = Duration::from_secs(10);
/// Of G21.
const FILES: usize = 50_000;
/// What a bomb may take of memory.
const ROOM: f64 = 64.0 * 1024.0 * 1024.0;
/// Two looks, and some time to find it out.
const TWO_LOOKS: Duration = Duration::from_secs(2 * LOOK_SECONDS + 4);
const NEXT: &str = "refs/heads/next";
const TAG: &str = "refs/tags/v1";

pub(crate) async fn g12(rig: &mut Rig) -> anyhow::Result<()> {
    for commits in 1..=3 {
        for _ in 0..commits {
            rig.repository.push_shared()?;
        }
        rig.settle(SOON).await?;
        let push = rig.repository.rewrite("orders", commits)?;
        told_and_settled(rig, &push).await?;
    }
    Ok(())
}

pub(crate) async fn g13(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..3 {
        let push = rig.repository.start_over()?;
        let took = told_and_settled(rig, &push).await?;
        rig.figure(Figure::time("everywhere after", took));
    }
    Ok(())
}

pub(crate) async fn g14(rig: &mut Rig) -> anyhow::Result<()> {
    for commits in 1..=3 {
        for _ in 0..commits {
            rig.repository.push_all()?;
        }
        rig.settle(SOON).await?;
        let push = rig.repository.go_back(commits)?;
        told_and_settled(rig, &push).await?;
    }
    Ok(())
}

pub(crate) async fn g15(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..2 {
        rig.repository.delete()?;
        // Whoever looks finds nothing, and goes on with what there was.
        tokio::time::sleep(TWO_LOOKS).await;
        ensure!(ask(rig, 0).await?.status == 200, "the branch is forgotten");
        rig.repository.restore()?;
        super::push_and_settle(rig).await?;
    }
    Ok(())
}

pub(crate) async fn g17(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..3 {
        rig.repository.push("orders", State::Good)?;
        rig.repository.point(TAG)?;
        let newest = rig.repository.newest();
        let moved = eventually("the tag is where it is now", SOON, async || {
            let version = version(rig, 0, "/orders/prod/v1").await?;
            Ok((version.as_deref() == Some(&newest)).then_some(()))
        });
        let ((), took) = moved.await?;
        rig.figure(Figure::time("found after", took));
    }
    Ok(())
}

pub(crate) async fn g18(rig: &mut Rig) -> anyhow::Result<()> {
    for application in ["orders", "billing"] {
        rig.repository.push(application, State::Broken)?;
        let push = rig.repository.push("users", State::Good)?;
        told_and_settled(rig, &push).await?;
        let held = get(rig, 0, &format!("/{application}/prod/main")).await?;
        ensure!(held.held, "{application} is not held");
        let place = format!("{application}.yml:3:");
        let health = get(rig, 0, "/actuator/health").await?.text();
        ensure!(health.contains(&place), "{place} is not in {health}");
    }
    rig.servers[0].kill()?;
    rig.servers[0].start().await?;
    rig.settle(SOON).await?;
    let push = rig.repository.push("orders", State::Good)?;
    told_and_settled(rig, &push).await?;
    ensure!(
        !ask(rig, 0).await?.held,
        "a mended application is still held"
    );
    Ok(())
}

pub(crate) async fn g19(rig: &mut Rig) -> anyhow::Result<()> {
    let before = rig.servers[0].usage()?;
    let mut most = 0.0_f64;
    for _ in 0..3 {
        rig.repository.push("orders", State::Bomb)?;
        let push = rig.repository.push("users", State::Good)?;
        let took = told_and_settled(rig, &push).await?;
        rig.figure(Figure::time("others are at the commit after", took));
        ensure!(ask(rig, 0).await?.held, "the bomb is not refused");
        let more = rig.servers[0].usage()?.memory as f64 - before.memory as f64;
        most = most.max(more);
    }
    let busy = rig.servers[0].usage()?.busy - before.busy;
    rig.figure(Figure::new(
        "memory more than before",
        most / 1048576.0,
        "MiB",
    ));
    rig.figure(Figure::new("time on a processor", busy, "s"));
    ensure!(most < ROOM, "three bombs took {most} bytes");
    Ok(())
}

pub(crate) async fn g20(rig: &mut Rig) -> anyhow::Result<()> {
    let began = Instant::now();
    for number in 0..MANY {
        let push = rig.repository.push_shared()?;
        if number % 10 == 0 {
            rig.tell(0, &push).await?;
        }
        let due = WITHIN * u32::try_from(number)? / u32::try_from(MANY)?;
        tokio::time::sleep(due.saturating_sub(began.elapsed())).await;
    }
    rig.figure(Figure::time("a thousand commits took", began.elapsed()));
    let took = super::push_and_settle(rig).await?;
    rig.figure(Figure::time("the last one is everywhere after", took));
    Ok(())
}

pub(crate) async fn g21(rig: &mut Rig) -> anyhow::Result<()> {
    let quiet = Quiet::measure(rig).await?;
    let since = rig.recorder.now();
    let push = rig.repository.push_bulk(FILES)?;
    rig.tell(0, &push).await?;
    let took = rig.settle(3 * SOON).await?;
    rig.figure(Figure::new("files", FILES as f64, ""));
    rig.figure(Figure::time("everywhere after", took));
    let faulty = p99(rig, since)?;
    quiet.judge(rig, faulty).await
}

pub(crate) async fn g22(rig: &mut Rig) -> anyhow::Result<()> {
    rig.add_blind_server().await?;
    rig.add_clients(3).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    rig.note_fault("git-slow", true);
    rig.git.set(Manner::Delay(Duration::from_millis(30)));
    for round in 0..40_u64 {
        for _ in 0..2 {
            let push = rig.repository.push("orders", State::Good)?;
            rig.tell(0, &push).await?;
            tokio::time::sleep(Duration::from_millis(round * 7 % 200)).await;
        }
        rig.settle(SOON).await?;
    }
    rig.git.set(Manner::Pass);
    rig.note_fault("git-slow", false);
    Ok(())
}

pub(crate) async fn g23(rig: &mut Rig) -> anyhow::Result<()> {
    rig.repository.point(NEXT)?;
    for _ in 0..5 {
        let before = rig.repository.newest();
        rig.repository.push("orders", State::Good)?;
        rig.settle(SOON).await?;
        let next = version(rig, 0, "/orders/prod/next").await?;
        ensure!(next.as_deref() == Some(&before), "next is at {next:?}");
        tokio::time::sleep(SECOND).await;
        rig.repository.point(NEXT)?;
        let newest = rig.repository.newest();
        let both = eventually("both branches are there", SOON, async || {
            let version = version(rig, 0, "/orders/prod/next").await?;
            Ok((version.as_deref() == Some(&newest)).then_some(()))
        });
        both.await?;
    }
    Ok(())
}
