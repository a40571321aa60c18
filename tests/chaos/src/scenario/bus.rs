//! The broker fails, or what goes over it is lost.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{SMALL, SOON, Scenario, small};
use crate::rig::{Rig, Tools, Transport};

pub(super) const B1: Scenario = Scenario {
    name: "B1",
    about: "the broker is down at the start of servers and clients: both start, polls carry the news",
    run: |tools, name| Box::pin(b1(tools, name)),
};

async fn b1(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = Rig::new(tools, name).await?;
    rig.note_fault("broker-stopped", true);
    rig.broker.stop().await?;
    for _ in 0..SMALL.servers {
        rig.add_server(&[]).await?;
    }
    rig.add_clients(SMALL.clients).await?;
    rig.read(SMALL.reads);
    rig.settle(SOON).await?;
    rig.repository.push_all()?;
    rig.settle(SOON).await?;
    rig.broker.start_again().await?;
    rig.note_fault("broker-stopped", false);
    Ok(rig)
}

pub(super) const B2: Scenario = Scenario {
    name: "B2",
    about: "the broker stops amid pushes and returns without memory: what could not be said is made up for",
    run: |tools, name| Box::pin(b2(tools, name)),
};

async fn b2(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for _ in 0..2 {
        let push = rig.repository.push_shared()?;
        rig.tell(0, &push).await?;
        rig.note_fault("broker-stopped", true);
        rig.broker.stop().await?;
        for _ in 0..5 {
            let push = rig.repository.push_shared()?;
            rig.tell(1, &push).await?;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        rig.broker.start_again().await?;
        rig.note_fault("broker-stopped", false);
        rig.settle(SOON).await?;
    }
    Ok(rig)
}

pub(super) const B9: Scenario = Scenario {
    name: "B9",
    about: "queues are deleted under their owners: new ones are made, nothing is lost",
    run: |tools, name| Box::pin(b9(tools, name)),
};

async fn b9(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    let queues = rig.broker.queues().await?;
    rig.note_fault("queues-deleted", true);
    for queue in &queues {
        rig.broker.delete_queue(queue).await?;
    }
    rig.note_fault("queues-deleted", false);
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    let until = Instant::now() + SOON;
    loop {
        let now = rig.broker.queues().await?;
        if now.len() == queues.len() && now.iter().all(|queue| !queues.contains(queue)) {
            return Ok(rig);
        }
        ensure!(Instant::now() < until, "{queues:?} became {now:?}");
    }
}

pub(super) const B16: Scenario = Scenario {
    name: "B16",
    about: "every event is lost: servers publish where nobody listens, polls carry the news",
    run: |tools, name| Box::pin(b16(tools, name)),
};

async fn b16(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = Rig::new(tools, name).await?;
    for _ in 0..SMALL.servers {
        let elsewhere = "spring.cloud.bus.destination=elsewhere";
        rig.add_server(&[elsewhere]).await?;
    }
    rig.add_clients(SMALL.clients).await?;
    rig.read(SMALL.reads);
    for _ in 0..5 {
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
    }
    Ok(rig)
}

pub(super) const B18: Scenario = Scenario {
    name: "B18",
    about: "a client is away when it is told: it has the news when it is back",
    run: |tools, name| Box::pin(b18(tools, name)),
};

async fn b18(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for _ in 0..3 {
        let client = rig.clients.remove(0);
        drop(client);
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
        let port = rig.bus.port();
        rig.add_client(0, Transport::Rabbit(port)).await?;
        rig.settle(SOON).await?;
    }
    Ok(rig)
}
