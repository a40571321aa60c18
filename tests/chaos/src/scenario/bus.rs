//! The broker fails.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{READS, SECOND, SOON, push_and_settle, push_for};
use crate::figure::Figure;
use crate::history::What;
use crate::proxy::Manner;
use crate::rig::{Rig, Size, Transport};

const SIZE: Size = Size {
    servers: 2,
    clients: 6,
    reads: READS,
};
/// Long enough for connections to be given up that nobody answers on.
const DEAD: Duration = Duration::from_secs(15);
/// Of B4.
const AWAY: Duration = Duration::from_secs(30);
/// Of B11.
const CLOSINGS: usize = 15;
/// What memory may vary by without a reason.
const ROOM: f64 = 16.0;
/// Of clients that are connected: each has one at least, or two in the middle of a change.
const SPARE: f64 = 8.0;

pub(crate) async fn b1(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("broker-stopped", true);
    rig.broker.stop().await?;
    rig.grow(SIZE).await?;
    rig.settle(SOON).await?;
    rig.repository.push_all()?;
    rig.settle(SOON).await?;
    rig.broker.start_again().await?;
    rig.note_fault("broker-stopped", false);
    Ok(())
}

pub(crate) async fn b2(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..2 {
        let push = rig.repository.push_shared()?;
        rig.tell(0, &push).await?;
        rig.note_fault("broker-stopped", true);
        rig.broker.stop().await?;
        push_for(rig, 3 * SECOND, 1).await?;
        rig.broker.start_again().await?;
        rig.note_fault("broker-stopped", false);
        rig.settle(SOON).await?;
    }
    Ok(())
}

pub(crate) async fn b4(rig: &mut Rig) -> anyhow::Result<()> {
    let before = rig.servers[0].usage()?;
    rig.note_fault("broker-stopped", true);
    rig.broker.stop().await?;
    let commits = rig.recorder.now();
    push_for(rig, AWAY, 0).await?;
    let more = rig.servers[0].usage()?.memory as f64 - before.memory as f64;
    let more = more / f64::from(1 << 20);
    rig.figure(Figure::new("memory more than before", more, "MiB"));
    let pushed = rig.recorder.pick(commits, |entry| {
        matches!(entry.what, What::Pushed { .. }).then_some(())
    });
    rig.figure(Figure::new("commits meanwhile", pushed.len() as f64, ""));
    rig.broker.start_again().await?;
    rig.note_fault("broker-stopped", false);
    let back = rig.recorder.now();
    rig.settle(SOON).await?;
    // Whoever has something to say again has said it then.
    tokio::time::sleep(SOON).await;
    let events = rig.recorder.pick(back, |entry| {
        matches!(entry.what, What::Event { .. }).then_some(())
    });
    rig.figure(Figure::new("events on its return", events.len() as f64, ""));
    ensure!(more < ROOM, "{more} MiB more");
    ensure!(
        events.len() < pushed.len(),
        "{} events on its return",
        events.len()
    );
    Ok(())
}

pub(crate) async fn b5(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("bus-silent", true);
    rig.bus.set(Manner::BlackHole);
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    // Polls are enough.
    let took = rig.settle(SOON).await?;
    rig.figure(Figure::time("everywhere while it lasted, after", took));
    push_for(rig, DEAD, 0).await?;
    rig.bus.set(Manner::Pass);
    rig.note_fault("bus-silent", false);
    rig.settle(SOON).await.map(|_| ())
}

pub(crate) async fn b8(rig: &mut Rig) -> anyhow::Result<()> {
    rig.note_fault("broker-blocks", true);
    rig.broker.set_memory("0.00001").await?;
    push_for(rig, DEAD, 0).await?;
    let took = rig.settle(SOON).await?;
    rig.figure(Figure::time("everywhere while it lasted, after", took));
    rig.broker.set_memory("0.4").await?;
    rig.note_fault("broker-blocks", false);
    push_and_settle(rig).await.map(|_| ())
}

pub(crate) async fn b9(rig: &mut Rig) -> anyhow::Result<()> {
    let queues = rig.broker.queues().await?;
    rig.note_fault("queues-deleted", true);
    for queue in &queues {
        rig.broker.delete_queue(queue).await?;
    }
    rig.note_fault("queues-deleted", false);
    push_and_settle(rig).await?;
    let until = Instant::now() + SOON;
    loop {
        let now = rig.broker.queues().await?;
        if now.len() == queues.len() && now.iter().all(|queue| !queues.contains(queue)) {
            return Ok(());
        }
        ensure!(Instant::now() < until, "{queues:?} became {now:?}");
    }
}

pub(crate) async fn b11(rig: &mut Rig) -> anyhow::Result<()> {
    let before = rig.servers[0].usage()?.descriptors as f64;
    let connections = rig.bus.connections();
    rig.note_fault("bus-closed", true);
    for _ in 0..CLOSINGS {
        rig.broker.close_connections().await?;
        let push = rig.repository.push_shared()?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(2 * SECOND).await;
    }
    rig.note_fault("bus-closed", false);
    push_and_settle(rig).await?;
    let made = (rig.bus.connections() - connections) as f64;
    rig.figure(Figure::new("connections made again", made, ""));
    let more = rig.servers[0].usage()?.descriptors as f64 - before;
    rig.figure(Figure::new("descriptors more than before", more, ""));
    ensure!(more < SPARE, "{more} descriptors more");
    Ok(())
}

pub(crate) async fn b16(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..SIZE.servers {
        let elsewhere = "spring.cloud.bus.destination=elsewhere";
        rig.add_server(&[elsewhere]).await?;
    }
    rig.add_clients(SIZE.clients).await?;
    rig.read(SIZE.reads);
    for _ in 0..5 {
        push_and_settle(rig).await?;
    }
    Ok(())
}

pub(crate) async fn b18(rig: &mut Rig) -> anyhow::Result<()> {
    for _ in 0..3 {
        let client = rig.clients.remove(0);
        drop(client);
        push_and_settle(rig).await?;
        let port = rig.bus.port();
        rig.add_client(0, Transport::Rabbit(port)).await?;
        rig.settle(SOON).await?;
    }
    Ok(())
}
