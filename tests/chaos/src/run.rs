//! A run by a plan: what fails when follows from a seed alone.

mod plan;
mod report;

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use fastrand::Rng;

pub use report::Report;

use crate::checker::{Bounds, check};
use crate::history;
use crate::rig::{Rig, Size, Tools};

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
    let mut rig = Rig::running(tools, &name, plan.size).await?;
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
    conclude(rig, &name, Some(plan.seed), &tools.folder).await
}

/// Pushes for the last time, waits for everybody, and checks the history, which is written to a folder as
/// `<name>.jsonl`.
///
/// # Errors
/// When the push fails or the history cannot be written.
pub async fn conclude(
    mut rig: Rig,
    name: &str,
    seed: Option<u64>,
    folder: &Path,
) -> anyhow::Result<Report> {
    rig.repository.push_all()?;
    let bounds = Bounds::default();
    // Who is late is found by the checker, too.
    let late = rig.settle(bounds.healed).await.err();
    rig.sample();
    let history = rig.recorder.history();
    drop(rig);
    let path = folder.join(format!("{name}.jsonl"));
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    history::write(&history, BufWriter::new(file))?;
    Ok(Report {
        name: name.to_owned(),
        seed,
        violations: check(&history, &bounds),
        late: late.map(|error| format!("{error:#}")),
        history,
        path,
    })
}
