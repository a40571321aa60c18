//! Servers are killed, and disks vanish.

use std::time::Duration;

use anyhow::ensure;

use super::{SOON, Scenario, say, served, small};
use crate::rig::{Rig, Tools};

const KILLS: usize = 10;
/// A debug build on a machine that has other things to do; the figure is said.
const STARTS: Duration = Duration::from_secs(3);

pub(super) const P2: Scenario = Scenario {
    name: "P2",
    about: "servers are killed under load again and again: each answers from disk right after its start",
    run: |tools, name| Box::pin(p2(tools, name)),
};

async fn p2(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    let mut slowest = Duration::ZERO;
    for kill in 0..KILLS {
        let server = kill % rig.servers.len();
        rig.repository.push_shared()?;
        rig.servers[server].kill()?;
        let listens = rig.servers[server].start().await?;
        let answers = listens + served(&rig, server, STARTS).await?;
        slowest = slowest.max(answers);
    }
    say(&format!(
        "first answer at most {} ms after exec",
        slowest.as_millis()
    ));
    ensure!(slowest < STARTS, "a first answer took {slowest:?}");
    Ok(rig)
}

pub(super) const D8: Scenario = Scenario {
    name: "D8",
    about: "the clone is deleted under a running server: it serves from memory and clones again",
    run: |tools, name| Box::pin(d8(tools, name)),
};

async fn d8(tools: &Tools, name: &str) -> anyhow::Result<Rig> {
    let mut rig = small(tools, name).await?;
    for _ in 0..3 {
        rig.servers[0].lose_disk()?;
        let push = rig.repository.push_all()?;
        rig.tell(0, &push).await?;
        rig.settle(SOON).await?;
    }
    // What was cloned again is as good as the first.
    rig.servers[0].kill()?;
    rig.servers[0].start().await?;
    served(&rig, 0, STARTS).await?;
    Ok(rig)
}
