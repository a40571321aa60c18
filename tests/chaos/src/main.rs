//! What `cargo xtask chaos` runs, once it has built the server and started a Git remote.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use confbus_chaos::document::document;
use confbus_chaos::matrix::{self, Proof, Row};
use confbus_chaos::rig::{Size, Tools};
use confbus_chaos::run::{self, Plan, Record, Report};

/// Breaks everything around confbus, records what happens, and checks the record.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say which scenarios there are.
    List,
    /// Let things fail.
    Run(Args),
    /// Print the document that records of runs make.
    Document {
        /// Where they lie.
        folders: Vec<PathBuf>,
    },
}

#[derive(clap::Args)]
struct Args {
    /// The built server.
    #[arg(long)]
    server: PathBuf,
    /// How it was built.
    #[arg(long)]
    build: String,
    /// The program that keeps a RabbitMQ.
    #[arg(long)]
    keeper: PathBuf,
    /// The `rabbitmq-server` it keeps.
    #[arg(long)]
    rabbit: PathBuf,
    /// Where the Git remote listens.
    #[arg(long)]
    git_port: u16,
    /// The folder whose repositories it serves.
    #[arg(long)]
    repositories: PathBuf,
    /// A bare repository of thousands of files.
    #[arg(long)]
    large: PathBuf,
    /// Where histories, clones and logs go.
    #[arg(long)]
    out: PathBuf,
    /// What the plan follows from.
    #[arg(long)]
    seed: u64,
    /// How long things fail.
    #[arg(long)]
    minutes: f64,
    /// A commit each second instead of the plan, and what servers take meanwhile.
    #[arg(long)]
    soak: bool,
    /// Single scenarios instead of the plan; `all` for every one.
    #[arg(long)]
    scenario: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::List => {
            for Row {
                name,
                fault,
                expected,
                ..
            } in matrix::scenarios()
            {
                println!("{name:4} {fault}: {expected}");
            }
            Ok(true)
        }
        Command::Document { folders } => Record::read(&folders).map(|records| {
            print!("{}", document(&records));
            true
        }),
        Command::Run(args) => run(args).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("chaos: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether every promise was kept.
async fn run(args: Args) -> anyhow::Result<bool> {
    let tools = Tools {
        build: format!("{}, {}", version(&args.server)?, args.build),
        server: args.server,
        keeper: args.keeper,
        rabbit: args.rabbit,
        git_port: args.git_port,
        repositories: args.repositories,
        large: args.large,
        folder: args.out,
    };
    if !args.scenario.is_empty() {
        return scenarios(&tools, &chosen(&args.scenario)?).await;
    }
    let minutes = Duration::try_from_secs_f64(args.minutes * 60.0);
    let plan = Plan {
        seed: args.seed,
        lasts: minutes.context("--minutes is no length of time")?,
        size: Size::default(),
    };
    let report = if args.soak {
        run::soak(&tools, &plan).await?
    } else {
        run::by_plan(&tools, &plan).await?
    };
    tell(&tools, &report)?;
    Ok(report.is_good())
}

/// What a server calls itself.
fn version(server: &Path) -> anyhow::Result<String> {
    let output = std::process::Command::new(server).arg("--version").output();
    let output = output.context("cannot run the server")?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

/// For people, for programs, and for the document.
fn tell(tools: &Tools, report: &Report) -> anyhow::Result<()> {
    let record = report.record();
    println!("{report}\n{}", serde_json::to_string(&record)?);
    record.write(&tools.folder)
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Row>> {
    if names == ["all"] {
        return Ok(matrix::scenarios().collect());
    }
    names.iter().map(|name| matrix::find(name)).collect()
}

async fn scenarios(tools: &Tools, chosen: &[&Row]) -> anyhow::Result<bool> {
    let mut failed = Vec::new();
    for row in chosen {
        let Proof::Played(start, play) = row.proof else {
            continue;
        };
        eprintln!("{}: {}: {}", row.name, row.fault, row.expected);
        let good = match run::scenario(tools, row.name, start, play).await {
            Ok(report) => {
                tell(tools, &report)?;
                report.is_good()
            }
            Err(error) => {
                println!("{} FAILED: {error:#}", row.name);
                false
            }
        };
        if !good {
            failed.push(row.name);
        }
    }
    let line = serde_json::json!({ "scenarios": chosen.len(), "failed": failed });
    println!("{line}");
    Ok(failed.is_empty())
}
