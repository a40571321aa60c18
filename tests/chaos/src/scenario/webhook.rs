//! Webhooks that come too early, too often, or not at all.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{SMALL, SOON, Scenario, say, small};
use crate::history::What;
use crate::rig::{LOOK_SECONDS, Rig, Tools};

/// How often a delivery is repeated.
const AGAIN: usize = 20;

pub(super) const W1: Scenario = Scenario {
    name: "W1",
    about: "a webhook comes before its push can be seen: the server looks again until it is there",
    run: |tools, name| Box::pin(w1(tools, name)),
};

async fn w1(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = Rig::new(tools, name).await?;
    // Nobody looks by himself.
    let never = "spring.cloud.config.server.git.refresh-rate=-1";
    rig.add_server(&[never]).await?;
    rig.add_clients(3).await?;
    rig.read(SMALL.reads);
    for early in [200, 700, 1_500] {
        let push = rig.repository.prepare("orders")?;
        rig.tell(0, &push).await?;
        tokio::time::sleep(Duration::from_millis(early)).await;
        rig.repository.reveal()?;
        let visible = Instant::now();
        rig.settle(SOON).await?;
        let took = visible.elapsed().as_millis();
        say(&format!(
            "told {early} ms early: everywhere {took} ms after it could be seen"
        ));
    }
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    Ok(rig)
}

pub(super) const W2: Scenario = Scenario {
    name: "W2",
    about: "webhooks are lost: the poll finds what was pushed",
    run: |tools, name| Box::pin(w2(tools, name)),
};

async fn w2(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for _ in 0..5 {
        rig.repository.push_all()?;
        let pushed = Instant::now();
        rig.settle(SOON).await?;
        say(&format!(
            "everywhere after {} ms",
            pushed.elapsed().as_millis()
        ));
    }
    Ok(rig)
}

pub(super) const W5: Scenario = Scenario {
    name: "W5",
    about: "a webhook is delivered again and again: nobody is told twice",
    run: |tools, name| Box::pin(w5(tools, name)),
};

async fn w5(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    let push = rig.repository.push_all()?;
    rig.tell(0, &push).await?;
    rig.settle(SOON).await?;
    // Both servers have looked by themselves, too.
    let looks = Duration::from_secs(2 * LOOK_SECONDS);
    tokio::time::sleep(looks).await;
    let events = || {
        rig.recorder
            .count(|what| matches!(what, What::Event { .. }))
    };
    let before = events();
    for _ in 0..AGAIN {
        rig.tell(0, &push).await?;
    }
    tokio::time::sleep(looks).await;
    let more = events() - before;
    ensure!(more == 0, "{more} events without a commit");
    Ok(rig)
}
