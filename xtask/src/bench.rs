//! `cargo xtask bench`: how fast the server is beside others that do the same work at the same time on this machine, one
//! workload after the other. `cargo xtask bench memory`: what an application with the client needs.

mod blackhole;
mod bytes;
mod commits;
mod confbus;
mod fetching;
pub(crate) mod fleet;
mod formats;
mod growth;
mod hot;
mod http;
pub(crate) mod instructions;
mod keep;
mod labels;
mod limits;
mod load;
pub(crate) mod loris;
mod machine;
mod memory;
mod nginx;
mod part;
mod plain;
mod push;
mod random;
mod record;
mod remote;
mod report;
mod repositories;
mod results;
mod rounds;
mod sample;
mod server;
mod spring;
mod stage;
mod starting;
mod table;
mod thread_times;
mod threads;
mod workload;
mod wrk;

use std::cell::{Cell, OnceCell};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};

use crate::shell::target_folder;
use results::Results;
use workload::{Context, Workload};

/// In the order in which they are measured.
static WORKLOADS: &[Workload] = &[
    hot::WORKLOAD,
    random::WORKLOAD,
    labels::WORKLOAD,
    formats::WORKLOAD,
    plain::WORKLOAD,
    fetching::WORKLOAD,
    commits::WORKLOAD,
    fleet::WORKLOAD,
    fleet::STREAM,
    starting::WORKLOAD,
    growth::WORKLOAD,
    blackhole::WORKLOAD,
    spring::WORKLOAD,
];

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// What is measured, W1 … W10; everything by default.
    workloads: Vec<String>,
    /// How often each contestant has its turn.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a turn lasts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
    /// One round of one second, to try whether everything works; nothing is judged.
    #[arg(long)]
    quick: bool,
    /// Where the figures are written, one JSON line each [default: target/bench].
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
    /// A built server to measure, instead of building it for release.
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
    /// The client's built example `fleet`, instead of building it for release.
    #[arg(long, value_name = "FILE")]
    fleet: Option<PathBuf>,
    /// A turn is repeated when others kept more cores busy meanwhile.
    #[arg(long, value_name = "CORES", default_value_t = 0.2)]
    foreign: f64,
    /// How often turns are repeated for that, all in all.
    #[arg(long, value_name = "TIMES", default_value_t = 60)]
    repeats: u32,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Serve one of the measured repositories over HTTP until standard input ends.
    Remote(keep::Args),
    /// Write docs/performance from the figures of the last runs.
    Report(report::Args),
    /// Memory of the client's example on axum, connected to a RabbitMQ (Linux).
    Memory(memory::Args),
}

/// A bare repository of 3,000 files, which nobody may change; made if it is not there yet.
pub(crate) fn large_repository() -> anyhow::Result<PathBuf> {
    repositories::pristine(&repositories::R3K)
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.other {
        Some(Other::Memory(args)) => memory::run(args),
        Some(Other::Remote(args)) => keep::run(args),
        Some(Other::Report(args)) => report::run(args),
        None => measure(args),
    }
}

fn measure(args: &Args) -> anyhow::Result<ExitCode> {
    ensure!(
        cfg!(target_os = "linux"),
        "only Linux tells what a process uses"
    );
    let chosen = choose(&args.workloads)?;
    limits::raise_open_files()?;
    let context = context(args)?;
    let results = Results::open(&context)?;
    let mut lines = Vec::new();
    for workload in chosen {
        eprintln!("{}: {}", workload.name, workload.about);
        lines.extend(results.replace(workload.name, workload.carry_out(&context))?);
    }
    print!("{}", table::text(&lines));
    println!(
        "written to {}; `cargo xtask bench report` makes a page of it",
        results.file().display()
    );
    if lines.iter().any(|line| !line.judged) {
        println!("what has too few rounds for its target is not judged");
    }
    let failed = lines.iter().any(|line| line.record.has_failed());
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The workloads of these names; all without names.
fn choose(names: &[String]) -> anyhow::Result<Vec<&'static Workload>> {
    let named = |name: &String| {
        let found = WORKLOADS
            .iter()
            .find(|workload| workload.name.eq_ignore_ascii_case(name));
        found.with_context(|| {
            let known: Vec<_> = WORKLOADS.iter().map(|workload| workload.name).collect();
            format!(
                "there is no workload {name}; there are {}",
                known.join(", ")
            )
        })
    };
    if names.is_empty() {
        return Ok(WORKLOADS.iter().collect());
    }
    names.iter().map(named).collect()
}

fn context(args: &Args) -> anyhow::Result<Context> {
    for program in [&args.program, &args.fleet].into_iter().flatten() {
        ensure!(program.is_file(), "there is no file {}", program.display());
    }
    let out = match &args.out {
        Some(folder) => folder.clone(),
        None => target_folder()?.join("bench"),
    };
    Ok(Context {
        rounds: if args.quick { 1 } else { args.rounds },
        seconds: if args.quick { 1 } else { args.seconds },
        quick: args.quick,
        foreign: args.foreign,
        repeats: Cell::new(args.repeats),
        out,
        program: args.program.clone(),
        built: OnceCell::new(),
        fleet: args
            .fleet
            .clone()
            .map_or_else(OnceCell::new, OnceCell::from),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_chosen_by_name() {
        assert_eq!(choose(&[]).unwrap().len(), WORKLOADS.len());
        assert_eq!(choose(&["w1".to_owned()]).unwrap()[0].name, "W1");
        let error = choose(&["W99".to_owned()]).err().unwrap().to_string();
        assert!(error.contains("W99") && error.contains("W1"), "{error}");
    }
}
