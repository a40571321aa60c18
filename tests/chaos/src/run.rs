//! A run by a plan: what fails when follows from a seed alone.

mod plan;
mod record;
mod report;
mod soak;

use std::fs::File;
use std::io::BufWriter;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fastrand::Rng;

pub use record::Record;
pub use report::Report;
pub use soak::soak;

use crate::checker::{Bounds, check};
use crate::history;
use crate::matrix::Play;
use crate::rig::{Rig, Size, Start, Tools};

/// How a run by the plan goes.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What everything follows from.
    pub seed: u64,
    /// How long things fail.
    pub lasts: Duration,
    /// How much takes part.
    pub size: Size,
}

/// Lets things fail for a while, heals them, and says what came of it.
///
/// # Errors
/// When the rig cannot be set up or a part of it is lost; a broken promise is none.
pub async fn by_plan(tools: &Tools, plan: &Plan) -> anyhow::Result<Report> {
    let mut rng = Rng::with_seed(plan.seed);
    let name = format!("plan-{}", plan.seed);
    let mut rig = Rig::start(tools, &name, Start::Running(plan.size)).await?;
    let until = Instant::now() + plan.lasts;
    let mut step = 0_u32;
    while Instant::now() < until {
        step += 1;
        if step.is_multiple_of(plan::CALM_EACH) {
            plan::calm(&mut rig).await?;
        } else {
            let fault = plan::Fault::choose(&mut rng, rig.servers.len());
            fault.last(&mut rig, &mut rng).await?;
        }
    }
    conclude(rig, &name, Some(plan.seed), tools).await
}

/// Plays a scenario, heals everything, and says what came of it.
///
/// # Errors
/// When the rig cannot be set up; what the scenario finds is in the report.
pub async fn scenario(
    tools: &Tools,
    name: &str,
    start: Start,
    play: Play,
) -> anyhow::Result<Report> {
    let mut rig = Rig::start(tools, name, start).await?;
    match play(&mut rig).await {
        Ok(()) => conclude(rig, name, None, tools).await,
        Err(error) => {
            let mut report = report(rig, name, None, tools)?;
            report.failed = Some(format!("{error:#}"));
            Ok(report)
        }
    }
}

/// Pushes for the last time, waits for everybody, and checks the history.
async fn conclude(
    mut rig: Rig,
    name: &str,
    seed: Option<u64>,
    tools: &Tools,
) -> anyhow::Result<Report> {
    let push = rig.repository.push_all()?;
    if !rig.looks {
        rig.tell(0, &push).await?;
    }
    let bounds = Bounds::default();
    // Who is late is found by the checker, too.
    let late = rig.settle(bounds.healed).await.err();
    rig.sample();
    let mut report = report(rig, name, seed, tools)?;
    report.violations = check(&report.history, &bounds);
    report.late = late.map(|error| format!("{error:#}"));
    Ok(report)
}

/// Ends everything; the history is written as `<name>.jsonl`.
fn report(rig: Rig, name: &str, seed: Option<u64>, tools: &Tools) -> anyhow::Result<Report> {
    let history = rig.recorder.history();
    let figures = rig.figures.clone();
    drop(rig);
    let path = tools.folder.join(format!("{name}.jsonl"));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    history::write(&history, BufWriter::new(file))?;
    Ok(Report {
        name: name.to_owned(),
        seed,
        build: tools.build.clone(),
        violations: Vec::new(),
        late: None,
        failed: None,
        figures,
        history,
        path,
    })
}
