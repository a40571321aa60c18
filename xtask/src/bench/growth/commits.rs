//! What a commit costs the server, against the files that it changes and against the files that there are.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::WORKLOAD;
use super::slope::log_log;
use crate::bench::http::Connection;
use crate::bench::part::part;
use crate::bench::push::{self, Push};
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::{R3K, R10K, R30K, R100, Shape, file};
use crate::bench::rounds::Summary;
use crate::bench::server::{Cores, Running};
use crate::bench::stage::{HOT, Stage};
use crate::bench::threads::cpu_nanoseconds;
use crate::bench::workload::Context;

const CHANGED: &str = "changed files, R10k";
const ONE_OF_MANY: &str = "files, one of them changed";

/// Of the cost of a commit against the files that there are: what stays the same must not matter. As for a look without news,
/// a little is left for what anybody has to read of a larger repository.
const STEEPEST: f64 = 0.1;

/// How many files a commit changes.
const CHANGES: [u32; 4] = [1, 10, 100, 1_000];

/// Of each size; the median of them is a round's figure.
const COMMITS: u32 = 5;

/// Rarely asked, because each question counts as work.
const PAUSE: Duration = Duration::from_millis(10);

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn measure(context: &Context) -> Vec<Record> {
    let mut records = part(WORKLOAD.name, CHANGED, || by_changes(context));
    records.extend(part(WORKLOAD.name, ONE_OF_MANY, || {
        by_files(context).map(Some)
    }));
    records
}

fn by_changes(context: &Context) -> anyhow::Result<Vec<Record>> {
    eprintln!("W10 commits and changed files");
    let mut scene = Scene::set(context, R10K)?;
    let mut costs = vec![Vec::new(); CHANGES.len()];
    for _ in 0..context.rounds {
        for (of_size, changes) in costs.iter_mut().zip(CHANGES) {
            of_size.push(scene.cost(changes)?);
        }
    }
    let record = |measure: &str| Record::new(WORKLOAD.name, CHANGED, measure);
    let mut records = Vec::new();
    for (of_size, changes) in costs.iter().zip(CHANGES) {
        let measure = format!("server's CPU for a commit of {changes}");
        let record = record(&measure).figure(&Summary::of(of_size.clone())?, "ms");
        records.push(match changes {
            1 => record.beyond(Bound::AtMost(6.0)),
            _ => record,
        });
    }
    let of_round = |figure: fn(f64, f64, f64) -> anyhow::Result<f64>| {
        let [one, _, hundred, thousand] = &costs[..] else {
            unreachable!("there are four sizes")
        };
        let rounds = one.iter().zip(hundred).zip(thousand);
        let figures: anyhow::Result<Vec<_>> = rounds
            .map(|((one, hundred), thousand)| figure(*one, *hundred, *thousand))
            .collect();
        Summary::of(figures?)
    };
    let exponent = of_round(|one, hundred, thousand| {
        log_log(&[(99.0, hundred - one), (999.0, thousand - one)])
    })?;
    let each = of_round(|one, _, thousand| Ok(1000.0 * (thousand - one) / 999.0))?;
    records.push(
        record("cost beyond the first file, log-log slope")
            .figure(&exponent, "")
            .target(Bound::AtMost(1.1))
            .note("1 is linear"),
    );
    records.push(
        record("server's CPU for each further file")
            .figure(&each, "us")
            .beyond(Bound::AtMost(20.0)),
    );
    Ok(records)
}

fn by_files(context: &Context) -> anyhow::Result<Record> {
    eprintln!("W10 commits and files");
    let shapes = [R100, R3K, R10K, R30K];
    let scenes: anyhow::Result<Vec<_>> = shapes
        .iter()
        .map(|shape| Scene::set(context, *shape))
        .collect();
    let mut scenes = scenes?;
    let mut slopes = Vec::new();
    let mut last = Vec::new();
    for _ in 0..context.rounds {
        let costs: anyhow::Result<Vec<_>> = scenes.iter_mut().map(|it| it.cost(1)).collect();
        last = costs?;
        let amounts = shapes.iter().map(|shape| f64::from(shape.files));
        slopes.push(log_log(
            &amounts.zip(last.iter().copied()).collect::<Vec<_>>(),
        )?);
    }
    let points = shapes.iter().zip(&last);
    let points = points.map(|(shape, cost)| [f64::from(shape.files), *cost]);
    let told: Vec<_> = last.iter().map(|cost| format!("{cost:.1}")).collect();
    Ok(Record::new(
        WORKLOAD.name,
        ONE_OF_MANY,
        "server's CPU for a commit, log-log slope",
    )
    .figure(&Summary::of(slopes)?, "")
    .curve(points.collect())
    .target(Bound::AtMost(STEEPEST))
    .note(format!("in the last round {} ms", told.join(", "))))
}

/// A server that is pushed to.
struct Scene {
    stage: Stage,
    server: Running,
    revision: u32,
}

impl Scene {
    fn set(context: &Context, shape: Shape) -> anyhow::Result<Self> {
        let stage = Stage::new(context, &shape)?;
        let signed = push::setting();
        // Only when told.
        let settings = [
            signed.as_str(),
            "--spring.cloud.config.server.git.refresh-rate=-1",
        ];
        let server = stage.confbus(context, Cores::Free, &settings)?;
        let mut scene = Self {
            stage,
            server,
            revision: 1_000_000,
        };
        // The first commit makes connections and reads what is kept later.
        scene.commit(1)?;
        Ok(scene)
    }

    /// CPU time of the server for a commit of so many files, in milliseconds.
    fn cost(&mut self, changes: u32) -> anyhow::Result<f64> {
        let costs: anyhow::Result<Vec<_>> = (0..COMMITS).map(|_| self.commit(changes)).collect();
        Ok(Summary::of(costs?)?.median)
    }

    fn commit(&mut self, changes: u32) -> anyhow::Result<f64> {
        self.revision += 1;
        // From those of the application that is asked for onwards.
        let files: Vec<_> = (3..3 + changes)
            .map(|number| file(number, self.revision))
            .collect();
        let mut reader = Connection::open(self.server.port)?;
        let seen = reader.get(HOT)?;
        let old = seen.field("x-config-version").context("no version")?;
        let new = self.stage.commit(&files)?;
        let push = Push::new(old, &new, &files);
        let before = cpu_nanoseconds(self.server.id())?;
        push.deliver(&mut Connection::open(self.server.port)?)?;
        let started = Instant::now();
        loop {
            thread::sleep(PAUSE);
            if reader.get(HOT)?.field("x-config-version") == Some(&new) {
                break;
            }
            ensure!(started.elapsed() < DEADLINE, "the push never arrives");
        }
        let used = self.until_quiet()?.saturating_sub(before);
        Ok(used.as_secs_f64() * 1000.0)
    }

    /// Until nothing is done behind the scenes any more.
    fn until_quiet(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut last = cpu_nanoseconds(self.server.id())?;
        loop {
            thread::sleep(Duration::from_millis(30));
            let now = cpu_nanoseconds(self.server.id())?;
            let idle = now.saturating_sub(last) < Duration::from_micros(200);
            if idle || started.elapsed() > Duration::from_secs(5) {
                return Ok(now);
            }
            last = now;
        }
    }
}
