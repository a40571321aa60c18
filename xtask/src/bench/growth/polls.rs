//! A look at the remote that brings no news, beside ever more branches.

use std::thread;
use std::time::Duration;

use anyhow::ensure;

use super::WORKLOAD;
use super::slope::log_log;
use crate::bench::record::{Bound, Record};
use crate::bench::repositories::Shape;
use crate::bench::rounds::Summary;
use crate::bench::server::{Cores, Running};
use crate::bench::stage::Stage;
use crate::bench::threads::cpu_nanoseconds;
use crate::bench::workload::Context;

const BRANCHES: [u32; 3] = [1, 100, 10_000];

/// Of looking once a second.
const SECONDS: u64 = 2;

/// A server that looks each second.
struct Scene {
    server: Running,
    stage: Stage,
}

pub(super) fn measure(context: &Context) -> anyhow::Result<Vec<Record>> {
    eprintln!("W10 looks and branches");
    let scenes: anyhow::Result<Vec<_>> = BRANCHES
        .iter()
        .map(|branches| Scene::set(context, *branches))
        .collect();
    let scenes = scenes?;
    let (mut slopes, mut most) = (Vec::new(), Vec::new());
    for _ in 0..context.rounds {
        let costs: anyhow::Result<Vec<_>> = scenes.iter().map(Scene::cost).collect();
        let amounts = BRANCHES.iter().map(|count| f64::from(*count));
        let points: Vec<_> = amounts.zip(costs?).collect();
        slopes.push(log_log(&points)?);
        most.extend(points.last().map(|(_, cost)| *cost));
    }
    let record = |measure| Record::new(WORKLOAD.name, "branches", measure);
    Ok(vec![
        record("server's CPU for a look without news, log-log slope")
            .figure(&Summary::of(slopes)?, "")
            .beyond(Bound::AtMost(0.1)),
        record("server's CPU for a look without news, 10,000 branches")
            .figure(&Summary::of(most)?, "ms"),
    ])
}

impl Scene {
    fn set(context: &Context, branches: u32) -> anyhow::Result<Self> {
        let stage = Stage::new(context, &Shape::small(branches, 0))?;
        let settings = ["--spring.cloud.config.server.git.refresh-rate=1"];
        Ok(Self {
            server: stage.confbus(context, Cores::Free, &settings)?,
            stage,
        })
    }

    /// In milliseconds for each look.
    fn cost(&self) -> anyhow::Result<f64> {
        let mark = self.stage.remote.mark()?;
        let before = cpu_nanoseconds(self.server.id())?;
        thread::sleep(Duration::from_secs(SECONDS));
        let used = cpu_nanoseconds(self.server.id())?.saturating_sub(before);
        let requests = self.stage.remote.requests_since(mark)?;
        ensure!(
            !requests.is_empty(),
            "the server does not look at its remote"
        );
        Ok(used.as_secs_f64() * 1000.0 / SECONDS as f64)
    }
}
