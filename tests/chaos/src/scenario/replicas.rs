//! Several servers that do not know the same.

use std::time::Duration;

use super::{READS, SECOND, SOON, push_and_settle, push_for};
use crate::figure::Figure;
use crate::proxy::Manner;
use crate::rig::Rig;

/// How long one of them cannot fetch.
const BEHIND: Duration = Duration::from_secs(15);

pub(crate) async fn p4(rig: &mut Rig) -> anyhow::Result<()> {
    let way = rig.another_way_to_git()?;
    let uri = format!("spring.cloud.config.server.git.uri={}", rig.uri(&way));
    rig.add_server(&[]).await?;
    rig.add_server(&[&uri]).await?;
    rig.add_clients(12).await?;
    rig.read(READS);
    rig.settle(SOON).await?;
    for commits in [0, 2] {
        rig.note_fault("replica-behind", true);
        way.set(Manner::BlackHole);
        push_for(rig, BEHIND, 0).await?;
        if commits > 0 {
            let push = rig.repository.go_back(commits)?;
            rig.tell(0, &push).await?;
            tokio::time::sleep(3 * SECOND).await;
        }
        way.set(Manner::Pass);
        rig.note_fault("replica-behind", false);
        let took = rig.settle(SOON).await?;
        rig.figure(Figure::time("all agree after both could fetch", took));
    }
    rig.proxies.push(way);
    Ok(())
}

pub(crate) async fn c8(rig: &mut Rig) -> anyhow::Result<()> {
    rig.servers[0].pause()?;
    push_for(rig, 10 * SECOND, 1).await?;
    rig.servers[0].go_on()?;
    rig.settle(SOON).await?;
    rig.servers[0].kill()?;
    let push = rig.repository.push_all()?;
    rig.tell(1, &push).await?;
    tokio::time::sleep(5 * SECOND).await;
    rig.servers[0].start().await?;
    push_and_settle(rig).await.map(|_| ())
}
