//! `cargo xtask interop bus`: unmodified Spring applications that confbus configures, on a real RabbitMQ.

pub(super) mod application;
pub(super) mod confbus;
pub(super) mod configuration;
mod gate;
pub(super) mod line;
mod scenarios;
mod stage;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Context as _;
use clap::ValueEnum as _;

use self::line::Line;
use self::scenarios::Scenario;
use self::stage::{Programs, Stage};
use super::Tally;
use crate::rabbit::server;
use crate::shell;

#[derive(clap::Args)]
pub(super) struct Args {
    /// A line of Spring, several times for several; all of them without this.
    #[arg(long = "line", value_enum)]
    lines: Vec<Line>,
    /// Only the scenarios whose name contains this.
    filter: Option<String>,
    /// Only what every commit has to pass.
    #[arg(long)]
    quick: bool,
}

/// Runs the scenarios on each line, each line with a broker, a confbus and three applications of its own.
pub(super) fn run(args: &Args) -> anyhow::Result<Tally> {
    let lines = match args.lines.as_slice() {
        [] => Line::value_variants(),
        lines => lines,
    };
    let filter = args.filter.as_deref().unwrap_or_default();
    let wanted =
        |scenario: &&Scenario| (scenario.quick || !args.quick) && scenario.name.contains(filter);
    let scenarios: Vec<_> = scenarios::ALL.iter().filter(wanted).collect();
    run_on(lines, &scenarios, shell::debug_server)
}

/// What every commit has to pass, after all tests have been built.
///
/// # Errors
/// [`Unavailable`](super::Unavailable) among others.
pub(super) fn quick() -> anyhow::Result<Tally> {
    let scenarios: Vec<_> = scenarios::ALL
        .iter()
        .filter(|scenario| scenario.quick)
        .collect();
    // Other features than those of the tests would build most of it again.
    run_on(&[Line::Boot40], &scenarios, shell::built_server)
}

fn run_on(
    lines: &[Line],
    scenarios: &[&Scenario],
    confbus: fn() -> anyhow::Result<PathBuf>,
) -> anyhow::Result<Tally> {
    // Whether Maven can build them is known before anything is started.
    let jars: Vec<_> = lines
        .iter()
        .map(|line| line.package())
        .collect::<anyhow::Result<_>>()?;
    let confbus = confbus()?;
    let rabbit = server::find_or_install()?;
    let mut tally = Tally::default();
    for (&line, spring) in lines.iter().zip(jars) {
        let programs = Programs {
            line,
            spring,
            confbus: confbus.clone(),
            rabbit: rabbit.clone(),
        };
        tally.count(line.name(), |tally| run_line(programs, scenarios, tally))?;
    }
    Ok(tally)
}

/// A line that cannot be set up is a failure of that line alone.
fn run_line(programs: Programs, scenarios: &[&Scenario], tally: &mut Tally) -> anyhow::Result<()> {
    let line = programs.line.name();
    let folder = tempfile::Builder::new()
        .prefix("confbus-interop-")
        .tempdir()?;
    let started = Instant::now();
    match Stage::set(programs, folder.path()) {
        Ok(mut stage) => {
            println!(
                "{line}: ready after {:.0} s",
                started.elapsed().as_secs_f32()
            );
            play(&mut stage, scenarios, tally);
        }
        Err(error) => tally.fail(line, &format!("{error:#}")),
    }
    if tally.failed > 0 {
        println!("{line}: logs are kept in {}", folder.keep().display());
    }
    Ok(())
}

fn play(stage: &mut Stage, scenarios: &[&Scenario], tally: &mut Tally) {
    let line = stage.line();
    for scenario in scenarios {
        if scenario.line.is_some_and(|only| only != line) {
            continue;
        }
        let started = Instant::now();
        let what = format!("{}: {}", line.name(), scenario.name);
        let aligned = stage.align().context("before the scenario");
        match aligned.and_then(|()| (scenario.play)(stage)) {
            Ok(()) => {
                tally.passed += 1;
                println!("ok {what} ({:.1} s)", started.elapsed().as_secs_f32());
            }
            Err(error) => tally.fail(&what, &format!("{error:#}")),
        }
    }
}
