//! `cargo xtask bench`: the server and nginx, taking turns with the same bytes on loopback; `cargo xtask bench memory`: what
//! an application with the client needs.

mod confbus;
mod http;
mod keep;
mod memory;
mod nginx;
mod remote;
mod repositories;
mod sample;
mod server;
mod wrk;

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};

use crate::shell::{find_program, release_server};

/// What both are asked for.
const PATH: &str = "/orders/dev/main";

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    other: Option<Other>,
    /// How often each of the two has its turn.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long a turn lasts.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    seconds: u32,
}

#[derive(clap::Subcommand)]
enum Other {
    /// Serve one of the measured repositories over HTTP until standard input ends.
    Remote(keep::Args),
    /// Memory of the client's example on axum, connected to a RabbitMQ (Linux).
    Memory(memory::Args),
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.other {
        Some(Other::Memory(args)) => memory::run(args),
        Some(Other::Remote(args)) => keep::run(args),
        None => throughput(args),
    }
}

fn throughput(args: &Args) -> anyhow::Result<ExitCode> {
    for program in ["git", "nginx", "wrk"] {
        if find_program(program).is_none() {
            bail!(
                "{program} is missing; type:\n  sudo apt-get install git nginx wrk    (macOS: brew install git nginx wrk)"
            );
        }
    }
    let program = release_server()?;
    let folder = tempfile::Builder::new()
        .prefix("confbus-bench-")
        .tempdir()?;
    let repository =
        sample::repository(folder.path()).context("cannot make a repository of sample-repo")?;

    let ours = confbus::start(&program, &repository, folder.path())?;
    let body = http::get(ours.port, PATH)?;
    let theirs = nginx::start(&body, folder.path())?;
    ensure!(
        http::get(theirs.port, PATH)? == body,
        "nginx does not serve the same bytes"
    );

    println!(
        "{PATH}: {} bytes, {} rounds of {} s each",
        body.len(),
        args.rounds,
        args.seconds
    );
    compete(args, ours.port, theirs.port)?;
    Ok(ExitCode::SUCCESS)
}

/// Turn about, so that whatever else the machine does hits both.
fn compete(args: &Args, ours: u16, theirs: u16) -> anyhow::Result<()> {
    let (mut confbus, mut nginx, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=args.rounds {
        let a = wrk::requests_per_second(ours, PATH, args.seconds)?;
        let b = wrk::requests_per_second(theirs, PATH, args.seconds)?;
        println!(
            "round {round}: confbus {a:8.0}/s   nginx {b:8.0}/s   ratio {:.2}",
            a / b
        );
        confbus.push(a);
        nginx.push(b);
        ratios.push(a / b);
    }
    let (a, b, ratio) = (median(confbus), median(nginx), median(ratios));
    println!("median:  confbus {a:8.0}/s   nginx {b:8.0}/s   ratio {ratio:.2}");
    Ok(())
}

/// The middle value, or the mean of the two middle ones.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) {
        f64::midpoint(values[half - 1], values[half])
    } else {
        values[half]
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_the_middle_value_or_between_two() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
    }
}
