//! Everything around the servers is dead, and they are killed, too.

use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::{SECOND, SOON};
use crate::figure::{Figure, percentile};
use crate::proxy::Manner;
use crate::rig::{Rig, Stampede, Tally, first_answer};

const READS: u64 = 1_000_000;
const RESTARTS: usize = 20;
/// Within so many milliseconds of its start a server has an answer, half of the time, while others use the machine.
const AS_SHIPPED: f64 = 50.0;
const BUILT_QUICKLY: f64 = 1_000.0;
/// Between two restarts.
const RUNS: Duration = SECOND;
const LONGEST: Duration = Duration::from_secs(900);
/// Applications of the large repository that are asked for.
const APPLICATIONS: u32 = 200;

pub(crate) async fn play(rig: &mut Rig) -> anyhow::Result<()> {
    let paths = (0..APPLICATIONS).map(|number| format!("/app{number:04}/prod/main"));
    let paths: Vec<_> = paths.collect();
    rig.note_fault("git-refuses", true);
    rig.git.set(Manner::Refuse);
    rig.note_fault("broker-stopped", true);
    rig.broker.stop().await?;
    let mut readers = Vec::new();
    for server in &rig.servers {
        readers.push(Stampede::start(server.port(), &paths).await?);
    }
    let (mut starts, took) = last(rig, &readers, &paths).await?;
    let tally = total(&readers);
    let reasons: Vec<_> = readers.iter().flat_map(Stampede::reasons).collect();
    drop(readers);
    rig.figure(Figure::new("reads", tally.answered as f64, ""));
    let per_second = tally.answered as f64 / took.as_secs_f64();
    rig.figure(Figure::new("reads in a second", per_second, ""));
    rig.figure(Figure::new("reads cut by kills", tally.cut as f64, ""));
    rig.figure(Figure::new("failed reads", tally.failed as f64, ""));
    rig.figure(Figure::new("restarts", starts.len() as f64, ""));
    let half = percentile(&mut starts, 50.0).context("no start")?;
    for (what, of_hundred) in [("least", 0.0), ("median", 50.0), ("most", 100.0)] {
        let start = percentile(&mut starts, of_hundred).context("no start")?;
        let what = format!("first answer after exec, {what}");
        rig.figure(Figure::new(what, start, "ms"));
    }
    ensure!(
        tally.failed == 0,
        "{} reads failed: {reasons:?}",
        tally.failed
    );
    let bound = if rig.is_shipped() {
        AS_SHIPPED
    } else {
        BUILT_QUICKLY
    };
    ensure!(
        half <= bound,
        "half of the first answers took {half:.0} ms or more"
    );
    rig.git.set(Manner::Pass);
    rig.note_fault("git-refuses", false);
    rig.broker.start_again().await?;
    rig.note_fault("broker-stopped", false);
    rig.settle(SOON).await.map(|_| ())
}

/// Kills and starts one server after the other until there were enough reads; how many milliseconds each start took.
async fn last(
    rig: &mut Rig,
    readers: &[Stampede],
    paths: &[String],
) -> anyhow::Result<(Vec<f64>, Duration)> {
    let began = Instant::now();
    let mut starts = Vec::new();
    while total(readers).answered < READS || starts.len() < RESTARTS {
        ensure!(began.elapsed() < LONGEST, "too slow for so many reads");
        tokio::time::sleep(RUNS).await;
        let turn = starts.len() % rig.servers.len();
        let (server, readers) = (&mut rig.servers[turn], &readers[turn]);
        readers.turn();
        server.kill()?;
        let (port, path) = (server.port(), paths[starts.len() % paths.len()].clone());
        let spawned = server.spawn(Stdio::null())?;
        let waiting = move || first_answer(port, &path, spawned);
        let first = tokio::task::spawn_blocking(waiting).await??;
        readers.turn();
        server.note_start();
        starts.push(first.as_secs_f64() * 1e3);
    }
    Ok((starts, began.elapsed()))
}

fn total(readers: &[Stampede]) -> Tally {
    let tallies = readers.iter().map(Stampede::tally);
    tallies.fold(Tally::default(), |sum, one| Tally {
        answered: sum.answered + one.answered,
        cut: sum.cut + one.cut,
        failed: sum.failed + one.failed,
    })
}
