//! What `cargo xtask chaos` runs, once it has built the server and started a Git remote.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, Subcommand};
use confbus_chaos::rig::{Size, Tools};
use confbus_chaos::run::{Plan, by_plan};
use confbus_chaos::scenario::{ALL, Scenario};

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
}

#[derive(clap::Args)]
struct Args {
    /// The built server.
    #[arg(long)]
    server: PathBuf,
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
    /// Where histories, clones and logs go.
    #[arg(long)]
    out: PathBuf,
    /// What the plan follows from.
    #[arg(long)]
    seed: u64,
    /// How long things fail.
    #[arg(long)]
    minutes: f64,
    /// Single scenarios instead of the plan; `all` for every one.
    #[arg(long)]
    scenario: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let Command::Run(args) = Cli::parse().command else {
        for scenario in ALL {
            println!("{:4} {}", scenario.name, scenario.about);
        }
        return ExitCode::SUCCESS;
    };
    match run(args).await {
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
        server: args.server,
        keeper: args.keeper,
        rabbit: args.rabbit,
        git_port: args.git_port,
        repositories: args.repositories,
        folder: args.out,
    };
    if args.scenario.is_empty() {
        let minutes = Duration::try_from_secs_f64(args.minutes * 60.0);
        let plan = Plan {
            seed: args.seed,
            lasts: minutes.context("--minutes is no length of time")?,
            size: Size::default(),
        };
        let report = by_plan(&tools, &plan).await?;
        println!("{report}\n{}", report.line());
        return Ok(report.is_good());
    }
    scenarios(&tools, &chosen(&args.scenario)?).await
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<&'static Scenario>> {
    if names == ["all"] {
        return Ok(ALL.iter().collect());
    }
    names.iter().map(|name| Scenario::find(name)).collect()
}

async fn scenarios(tools: &Tools, chosen: &[&Scenario]) -> anyhow::Result<bool> {
    let mut failed = Vec::new();
    for scenario in chosen {
        eprintln!("{}: {}", scenario.name, scenario.about);
        let good = match scenario.run(tools).await {
            Ok(report) => {
                println!("{report}\n{}", report.line());
                report.is_good()
            }
            Err(error) => {
                println!("{} FAILED: {error:#}", scenario.name);
                false
            }
        };
        if !good {
            failed.push(scenario.name);
        }
    }
    let line = serde_json::json!({ "scenarios": chosen.len(), "failed": failed });
    println!("{line}");
    Ok(failed.is_empty())
}
