//! Every command the developers of confbus type, as `cargo xtask …`.
//!
//! It is compiled before anything else by whoever is new here, so its dependencies are few and light.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program talks to its terminal"
)]

mod attacks;
mod bench;
mod browser;
mod chaos;
mod check;
mod confined;
mod conformance;
mod demo;
mod dist;
mod git_remote;
mod golang;
mod interop;
mod manifests;
mod openapi;
mod packages;
mod picture;
mod python;
mod rabbit;
mod shell;
mod simulate;
mod test;
mod timing;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Every command the developers of confbus type.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Every page of a real server in a real browser: found by all, moved by nothing, and loaded from nowhere else.
    Browser(browser::Args),
    /// Format, lints, documentation, dependencies.
    Check(check::Args),
    /// All tests, with a RabbitMQ of their own.
    Test(test::Args),
    /// Compare answers with the recorded ones of the original, group by group.
    Conformance(conformance::Args),
    /// Requests per second next to nginx serving the same bytes.
    Bench(bench::Args),
    /// A push to many instances on paper: from measured figures, and held against a measured thousand.
    Simulate(simulate::Args),
    /// Instructions per hot request against the committed figures: a gate without a clock.
    Instructions(bench::instructions::Args),
    /// Thousands of connections that let the server wait, and how a client that behaves fares beside them.
    Loris(bench::loris::Args),
    /// Real servers, a real broker and a real Git remote, all of which fail, and a checker of what was promised.
    Chaos(chaos::Args),
    /// Every attack of the corpus against the built server: no secret told, nothing hangs, nobody else notices.
    Attacks(attacks::Args),
    /// The black-box tests as a user without rights, on a file system that is read-only but for one folder.
    Confined(confined::Args),
    /// Whether the time that a wrong signature takes tells what was wrong about it.
    Timing,
    /// Whatever the description of the HTTP API allows and forbids, asked of a real server: no answer is a server error.
    Openapi(openapi::Args),
    /// The original, built from its published artifacts, and confbus: each reads what the other one wrote.
    Interop(interop::Args),
    /// The demo as a moving picture, for the README.
    Picture(picture::Args),
    /// What is shipped for Kubernetes, Compose and Docker against their schemas.
    Manifests,
    /// What is shipped: the program, what it is made of, a Debian package, and their sums.
    Dist(dist::Args),
    /// The demo, on request over a real RabbitMQ.
    Demo(demo::Args),
    /// Keep a RabbitMQ running until standard input ends: what `test` and `demo` start for themselves.
    #[command(hide = true)]
    KeepRabbit(rabbit::keeper::Args),
}

fn main() -> ExitCode {
    match run(Args::parse().task) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Browser(args) => browser::run(&args),
        Task::Check(args) => check::run(&args),
        Task::Test(args) => test::run(&args),
        Task::Conformance(args) => conformance::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Simulate(args) => simulate::run(&args),
        Task::Instructions(args) => bench::instructions::run(&args),
        Task::Loris(args) => bench::loris::run(&args),
        Task::Chaos(args) => chaos::run(&args),
        Task::Attacks(args) => attacks::run(&args),
        Task::Confined(args) => confined::run(&args),
        Task::Timing => timing::run(),
        Task::Openapi(args) => openapi::run(&args),
        Task::Interop(args) => interop::run(&args),
        Task::Picture(args) => picture::run(&args),
        Task::Manifests => manifests::run(),
        Task::Dist(args) => dist::run(&args),
        Task::Demo(args) => demo::run(&args),
        Task::KeepRabbit(args) => rabbit::keeper::run(&args),
    }
}
