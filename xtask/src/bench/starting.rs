//! W9: from the start of the program to the first configuration, and the memory that it keeps.

mod memory;

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::confbus::Confbus;
use super::http::Connection;
use super::part::part;
use super::record::{Bound, Record};
use super::repositories::{R3K, R10K, R30K, Shape};
use super::rounds::{Summary, once_each};
use super::server::{Cores, Running, end, free_port};
use super::stage::{HOT, Stage};
use super::workload::{Context, Workload};
use crate::shell::{KillOnDrop, output};

pub(super) const WORKLOAD: Workload = Workload {
    name: "W9",
    about: "start → first configuration, memory",
    needs: &["git", "nginx", "fcgiwrap"],
    run,
};

const GIT: usize = 0;

const DEADLINE: Duration = Duration::from_secs(120);

/// Between two attempts to connect: nobody is there who would be kept from working.
const ABSENT: Duration = Duration::from_micros(200);

/// Between two questions to a server that has nothing yet; each one is work for it.
const EMPTY: Duration = Duration::from_millis(2);

fn run(context: &Context) -> anyhow::Result<Vec<Record>> {
    let mut records = Vec::new();
    for shape in [R3K, R10K, R30K] {
        let scene = Scene {
            shape,
            stage: Stage::new(context, &shape)?,
        };
        if shape != R30K {
            let starts = || scene.starts(context);
            records.extend(part(WORKLOAD.name, shape.name, starts));
        }
        let memory = || memory::measure(context, &scene);
        records.extend(part(WORKLOAD.name, shape.name, memory));
    }
    Ok(records)
}

/// A repository that servers start from.
struct Scene {
    shape: Shape,
    stage: Stage,
}

impl Scene {
    fn record(&self, measure: &str) -> Record {
        Record::new(WORKLOAD.name, self.shape.name, measure)
    }

    /// Starts on a disk that is empty and on one where the server was before, next to `git clone`.
    fn starts(&self, context: &Context) -> anyhow::Result<Vec<Record>> {
        let (mut empty, mut warm, mut git, mut ratios) = (vec![], vec![], vec![], vec![]);
        for round in 0..context.rounds {
            let (mut clone, mut first) = (0.0, 0.0);
            for contestant in once_each(2, round) {
                if contestant == GIT {
                    clone = self.clone_by_git()?;
                    continue;
                }
                let home = tempfile::tempdir_in(self.stage.folder())?;
                let (server, took) = self.start(context, home.path())?;
                first = took;
                // A start is warm when the one before it had the time to write down what it served.
                self.stage.remote.settle(&server)?;
                drop(server);
                warm.push(self.start(context, home.path())?.1);
            }
            ratios.push(first / (1.3 * clone + 20.0));
            empty.push(first);
            git.push(clone);
        }
        let mut warm_start = self
            .record("start → first configuration, warm")
            .figure(&Summary::of(warm)?, "ms");
        if self.shape == R3K {
            warm_start = warm_start.target(Bound::AtMost(20.0));
        }
        let ratio = self
            .record("start on an empty disk ÷ (1.3 × git clone --depth=1 + 20 ms)")
            .figure(&Summary::of(ratios)?, "×")
            .peer("git");
        Ok(vec![
            warm_start,
            if self.shape == R3K {
                ratio.target(Bound::AtMost(1.0))
            } else {
                ratio.beyond(Bound::AtMost(1.0))
            },
            self.record("start → first configuration, empty disk")
                .figure(&Summary::of(empty)?, "ms"),
            self.record("git clone --depth=1")
                .figure(&Summary::of(git)?, "ms")
                .peer("git"),
        ])
    }

    /// A server that has served its first configuration, and after how many milliseconds.
    fn start(&self, context: &Context, home: &Path) -> anyhow::Result<(Running, f64)> {
        let server = Confbus {
            program: context.server()?,
            uri: &self.stage.url(),
            folder: home,
            cores: Cores::Free,
            ready: HOT,
            settings: &["--spring.cloud.config.server.git.refresh-rate=-1".to_owned()],
        };
        let port = free_port()?;
        let mut command = server.command(port)?;
        let started = Instant::now();
        let mut process = KillOnDrop::spawn(&mut command)?;
        while let Some(pause) = pause(port) {
            let ended = process.ended()?;
            ensure!(
                ended.is_none() && started.elapsed() < DEADLINE,
                "nothing is served:\n{}",
                end(&server.log())
            );
            thread::sleep(pause);
        }
        let took = started.elapsed().as_secs_f64() * 1000.0;
        Ok((Running::new(port, process), took))
    }

    fn clone_by_git(&self) -> anyhow::Result<f64> {
        let copy = tempfile::tempdir_in(self.stage.folder())?;
        let mut command = Command::new("git");
        command
            .args(["clone", "--quiet", "--depth=1"])
            .arg(self.stage.url())
            .arg(copy.path());
        let started = Instant::now();
        output(&mut command).context("git cannot clone")?;
        Ok(started.elapsed().as_secs_f64() * 1000.0)
    }
}

/// When to ask again; nothing when the configuration is served.
fn pause(port: u16) -> Option<Duration> {
    let answer = Connection::open(port).and_then(|mut connection| connection.get(HOT));
    match answer {
        Ok(answer) if answer.status == 200 => None,
        Ok(_) => Some(EMPTY),
        Err(_) => Some(ABSENT),
    }
}
