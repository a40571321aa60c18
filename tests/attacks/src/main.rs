//! What `cargo xtask attacks` runs, once it has built the server and started what it needs.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use clap::Parser;
use confbus_attacks::canaries::Canaries;
use confbus_attacks::class::CLASSES;
use confbus_attacks::judge::Judge;
use confbus_attacks::stage::Tools;

/// Plays every attack of the corpus against a server; the last line is JSON.
#[derive(Parser)]
struct Args {
    /// The built server.
    #[arg(long)]
    server: PathBuf,
    /// Where logs and disks go.
    #[arg(long)]
    out: PathBuf,
    /// Where repositories are made.
    #[arg(long)]
    repositories: PathBuf,
    /// Where a Git remote serves them.
    #[arg(long)]
    git_port: Option<u16>,
    /// A broker.
    #[arg(long)]
    amqp: Option<String>,
    /// Single classes instead of all.
    #[arg(long)]
    class: Vec<String>,
    /// Only what is quick.
    #[arg(long)]
    quick: bool,
}

fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("attacks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether nothing was found.
fn run(args: Args) -> anyhow::Result<bool> {
    for name in &args.class {
        let known = CLASSES.iter().any(|(known, _)| known == name);
        ensure!(known, "there is no class `{name}`");
    }
    let tools = Tools {
        program: args.server,
        out: args.out,
        repositories: args.repositories,
        git_port: args.git_port,
        amqp: args.amqp,
        quick: args.quick,
    };
    let mut judge = Judge::new(Canaries::default());
    let began = Instant::now();
    for (name, play) in CLASSES {
        if !args.class.is_empty() && !args.class.iter().any(|class| class == name) {
            continue;
        }
        let (attacks, requests, found) = (judge.attacks, judge.requests, judge.found);
        let class_began = Instant::now();
        judge.turn_to(name);
        if let Err(error) = play(&tools, &mut judge) {
            judge.find(
                "all",
                confbus_attacks::judge::What::Others,
                format!("{error:#}"),
            );
        }
        println!(
            "{name}: {} attacks, {} requests, {} findings in {:.1} s",
            judge.attacks - attacks,
            judge.requests - requests,
            judge.found - found,
            class_began.elapsed().as_secs_f32()
        );
    }
    for finding in &judge.findings {
        println!("{finding}");
    }
    println!("{}", summary(&judge, began));
    Ok(judge.found == 0)
}

fn summary(judge: &Judge, began: Instant) -> serde_json::Value {
    use confbus_attacks::judge::What;
    let of = |what| {
        judge
            .findings
            .iter()
            .filter(|finding| finding.what == what)
            .count()
    };
    serde_json::json!({
        "attacks": judge.attacks,
        "requests": judge.requests,
        "findings": judge.found,
        "canaries": of(What::Canary),
        "hangs": of(What::Hang),
        "panics": of(What::Panic),
        "slowestMs": judge.slowest.as_millis(),
        "peakMiB": judge.most_memory >> 20,
        "seconds": began.elapsed().as_secs(),
    })
}
