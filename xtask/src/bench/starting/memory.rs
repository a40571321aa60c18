//! How much of the machine's memory a server keeps, once nothing changes any more.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::Scene;
use crate::bench::http::Connection;
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::{R3K, R10K, application};
use crate::bench::rounds::Summary;
use crate::bench::server::Running;
use crate::bench::stage::HOT;
use crate::bench::workload::Context;

const CONNECTIONS: usize = 1_000;

/// Memory changes slowly and hardly from start to start, so that fewer do where there is no target.
const ROUNDS_WITHOUT_TARGET: u32 = 3;

const SETTLED_WITHIN: Duration = Duration::from_secs(15);

/// In MiB.
struct Round {
    first_clone: f64,
    idle: f64,
    connections: f64,
    all_answers: f64,
}

pub(super) fn measure(context: &Context, scene: &Scene) -> anyhow::Result<Vec<Record>> {
    let idle = match scene.shape {
        R3K => Some(20.0),
        R10K => Some(45.0),
        _ => None,
    };
    let count = match idle {
        Some(_) => context.rounds,
        None => context.rounds.min(ROUNDS_WITHOUT_TARGET),
    };
    let rounds: anyhow::Result<Vec<_>> = (0..count).map(|_| round(context, scene)).collect();
    let rounds = rounds?;
    let of = |figure: fn(&Round) -> f64| Summary::of(rounds.iter().map(figure).collect());
    let bounded = |record: Record, bound: Option<f64>| match bound {
        Some(bound) => record.target(Bound::AtMost(bound)),
        None => record,
    };
    let record = |measure, figure: Summary| scene.record(measure).figure(&figure, "MiB");
    Ok(vec![
        bounded(
            record("memory, idle after a warm start", of(|it| it.idle)?),
            idle,
        ),
        bounded(
            record(
                "memory, idle after the first clone",
                of(|it| it.first_clone)?,
            ),
            idle,
        ),
        bounded(
            record(
                "1,000 kept-alive connections need",
                of(|it| it.connections - it.idle)?,
            ),
            idle.map(|_| 8.0),
        ),
        record(
            "memory after all answers were read",
            of(|it| it.all_answers)?,
        )
        .note(format!(
            "{} answers, on 1,000 connections",
            answers(scene).count()
        )),
    ])
}

fn round(context: &Context, scene: &Scene) -> anyhow::Result<Round> {
    let home = tempfile::tempdir_in(scene.stage.folder())?;
    let (first, _) = scene.start(context, home.path())?;
    let first_clone = settled(scene, &first)?;
    drop(first);

    let (server, _) = scene.start(context, home.path())?;
    let idle = settled(scene, &server)?;
    let mut open = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = Connection::open(server.port)?;
        ensure!(
            connection.get(HOT)?.status == 200,
            "a connection is refused"
        );
        open.push(connection);
    }
    let connections = settled(scene, &server)?;
    for path in answers(scene) {
        let answer = open[0].get(&path)?;
        ensure!(
            answer.status == 200,
            "GET {path} is answered with {}",
            answer.status
        );
    }
    Ok(Round {
        first_clone,
        idle,
        connections,
        all_answers: settled(scene, &server)?,
    })
}

/// Every application with each of its profiles.
fn answers(scene: &Scene) -> impl Iterator<Item = String> {
    let all = 0..scene.shape.applications();
    all.flat_map(|number| {
        ["default", "dev", "prod"].map(|profile| format!("/{}/{profile}/main", application(number)))
    })
}

/// Once nothing is done behind the scenes any more and two readings half a second apart are the same, in MiB.
fn settled(scene: &Scene, server: &Running) -> anyhow::Result<f64> {
    scene.stage.remote.settle(server)?;
    let started = Instant::now();
    let mut last = server.resident_kib()?;
    loop {
        thread::sleep(Duration::from_millis(500));
        let now = server.resident_kib()?;
        if now.abs_diff(last) < 64 || started.elapsed() > SETTLED_WITHIN {
            return Ok(now as f64 / 1024.0);
        }
        last = now;
    }
}
