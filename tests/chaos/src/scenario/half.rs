//! A large fleet that hears half of what it is told.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::{READS, push_for};
use crate::figure::{Figure, percentile};
use crate::history::What;
use crate::proxy::{Fate, Manner};
use crate::rig::Rig;

const CLIENTS: usize = 1_000;
/// What applications have that set nothing.
const POLL: Duration = Duration::from_secs(30);
/// Within which all are at the last commit.
const BOUND: Duration = Duration::from_secs(60);
/// How long commits come, one each second.
const COMMITS: Duration = Duration::from_secs(10);
/// For a fleet to connect, on a machine that has other things to do.
const SETTLES: Duration = Duration::from_secs(120);

pub(crate) async fn play(rig: &mut Rig) -> anyhow::Result<()> {
    rig.poll = POLL;
    rig.add_server(&[]).await?;
    rig.read(READS);
    rig.add_clients_of_rabbit(CLIENTS).await?;
    rig.settle(SETTLES).await?;
    rig.note_fault("events-lost", true);
    rig.bus.set(Manner::Events(Fate::Lose(50)));
    push_for(rig, COMMITS, 0).await?;
    let push = rig.repository.push_all()?;
    let (pushed, lost) = (rig.recorder.now(), rig.bus.lost());
    rig.tell(0, &push).await?;
    let took = rig.settle(2 * BOUND).await?;
    let of_last = rig.bus.lost() - lost;
    rig.figure(Figure::new("clients", CLIENTS as f64, ""));
    rig.figure(Figure::new("events lost", rig.bus.lost() as f64, ""));
    rig.figure(Figure::new("of the last commit", of_last as f64, ""));
    let applied = rig.recorder.pick(pushed, |entry| match &entry.what {
        What::Applied {
            client, version, ..
        } if **version == *push.commit => Some((client.clone(), entry.at - pushed)),
        _ => None,
    });
    // The newest comes first, so that what stays is when each had it first.
    let first: HashMap<_, _> = applied.into_iter().collect();
    let mut times: Vec<_> = first.values().map(|at| *at as f64 / 1e6).collect();
    for (what, of_hundred) in [("half", 50.0), ("99 of a hundred", 99.0), ("all", 100.0)] {
        let time = percentile(&mut times, of_hundred).context("nobody applied it")?;
        let what = format!("{what} at the last commit after");
        rig.figure(Figure::new(what, time, "s"));
    }
    ensure!(of_last > 0, "no event was lost");
    ensure!(took < BOUND, "the last one had it after {took:?}");
    rig.bus.set(Manner::Pass);
    rig.note_fault("events-lost", false);
    Ok(())
}
