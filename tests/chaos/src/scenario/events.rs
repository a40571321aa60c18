//! Single events fare otherwise than they should.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::measure::p99;
use super::{READS, SECOND, SOON, push_and_settle, push_for};
use crate::figure::Figure;
use crate::history::What;
use crate::proxy::{Fate, Manner};
use crate::rig::{Flood, Rig};

/// How long single events fare otherwise.
const LASTS: Duration = Duration::from_secs(15);
/// Events per second that ask everybody to refresh; more of them, and the broker takes all of a small machine.
const FLOOD: u32 = 1_000;
/// How soon a webhook is answered, whatever the broker does, on a machine with other work.
const ANSWERED: Duration = Duration::from_millis(500);

async fn fare(rig: &mut Rig, fault: &'static str, fate: Fate) -> anyhow::Result<()> {
    rig.note_fault(fault, true);
    rig.bus.set(Manner::Events(fate));
    let until = Instant::now() + LASTS;
    while Instant::now() < until {
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(SECOND).await;
    }
    rig.bus.set(Manner::Pass);
    rig.note_fault(fault, false);
    push_and_settle(rig).await.map(|_| ())
}

pub(crate) async fn b6(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("confirms-lost", true);
    rig.bus.set(Manner::Events(Fate::LoseConfirms));
    let mut slowest = Duration::ZERO;
    let until = Instant::now() + LASTS;
    while Instant::now() < until {
        let push = rig.repository.push_all()?;
        let told = Instant::now();
        rig.tell(0, &push).await?;
        slowest = slowest.max(told.elapsed());
        tokio::time::sleep(SECOND).await;
    }
    let lost = rig.bus.lost();
    rig.figure(Figure::new("confirms lost", lost as f64, ""));
    rig.figure(Figure::time("webhooks answered at most after", slowest));
    rig.bus.set(Manner::Pass);
    rig.note_fault("confirms-lost", false);
    ensure!(lost > 0, "no confirm was lost");
    ensure!(slowest < ANSWERED, "a webhook waited for {slowest:?}");
    push_and_settle(rig).await.map(|_| ())
}

pub(crate) async fn b14(rig: &mut Rig) -> anyhow::Result<()> {
    fare(rig, "events-repeated", Fate::Repeat(20)).await
}

pub(crate) async fn b15(rig: &mut Rig) -> anyhow::Result<()> {
    fare(rig, "events-swapped", Fate::Swap).await
}

pub(crate) async fn b17(rig: &mut Rig) -> anyhow::Result<()> {
    let way = rig.another_way_to_git()?;
    let uri = format!("spring.cloud.config.server.git.uri={}", rig.uri(&way));
    rig.add_server(&[]).await?;
    rig.add_server(&[&uri]).await?;
    rig.add_clients(6).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    for _ in 0..3 {
        rig.note_fault("replica-behind", true);
        way.set(Manner::Refuse);
        push_for(rig, 3 * SECOND, 0).await?;
        way.set(Manner::Pass);
        rig.note_fault("replica-behind", false);
        let took = rig.settle(SOON).await?;
        rig.figure(Figure::time("everywhere after both could see it", took));
    }
    rig.proxies.push(way);
    Ok(())
}

pub(crate) async fn b19(rig: &mut Rig) -> anyhow::Result<()> {
    let since = rig.recorder.now();
    rig.note_fault("flood", true);
    let flood = Flood::start(rig.broker.port()).await?;
    let sent = flood.publish(FLOOD, LASTS).await?;
    rig.figure(Figure::new("events", sent as f64, ""));
    rig.note_fault("flood", false);
    rig.figure(Figure::new("p99 of reads", p99(rig, since)?, "ms"));
    let took = push_and_settle(rig).await?;
    rig.figure(Figure::time("the next commit is everywhere after", took));
    Ok(())
}

pub(crate) async fn b23(rig: &mut Rig) -> anyhow::Result<()> {
    let since = rig.recorder.now();
    for _ in 0..5 {
        push_and_settle(rig).await?;
    }
    let acks = rig.recorder.pick(since, |entry| match &entry.what {
        What::Acknowledged { origin } => Some(origin.clone()),
        _ => None,
    });
    rig.figure(Figure::new("acks on the bus", acks.len() as f64, ""));
    let of_clients = acks.iter().find(|origin| origin.contains("client-"));
    ensure!(of_clients.is_none(), "{of_clients:?} acknowledged an event");
    Ok(())
}
