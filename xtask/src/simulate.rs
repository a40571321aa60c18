//! `cargo xtask simulate`: a push to many instances, by a model of server, broker, network and clients that is told measured
//! figures; `--measure` takes them, foresees a thousand clients, and holds that against a thousand clients.

mod engine;
mod fit;
mod measure;
mod model;
mod outcome;
/// How a client spreads its question and its report.
#[path = "../../crates/client/src/pace.rs"]
mod pace;
mod page;
mod parameters;
mod record;
mod scenario;
mod site;
/// Within which time a server wants to be asked.
#[path = "../../src/refresh/window.rs"]
mod window;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::bench::fleet::trial::Programs;
use crate::shell::{root, target_folder};
use record::Record;

/// What the page was made of.
const RECORD: &str = "docs/scaling.json";
const PAGE: &str = "docs/scaling.md";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Measure the figures with a few clients, foresee a thousand, and measure a thousand.
    #[arg(long)]
    measure: bool,
    /// How often everything is measured.
    #[arg(long, default_value_t = 7, requires = "measure", value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Where the figures are read from [default: docs/scaling.json], or written to [default: target/scaling.json].
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write docs/scaling.md and docs/scaling.json anew.
    #[arg(long)]
    write: bool,
    #[command(flatten)]
    programs: Programs,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let record = if args.measure {
        let file = match &args.record {
            Some(file) => file.clone(),
            None => target_folder()?.join("scaling.json"),
        };
        let record = measure::measure(args.programs.clone(), args.rounds)?;
        record.write(&file)?;
        println!("written to {}", file.display());
        record
    } else {
        Record::read(&args.record.clone().unwrap_or_else(|| root().join(RECORD)))?
    };
    if args.write {
        record.write(&root().join(RECORD))?;
        page::write(&root().join(PAGE), &record)?;
    } else {
        print!("{}", page::text(&record)?);
    }
    Ok(if record.is_held() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
