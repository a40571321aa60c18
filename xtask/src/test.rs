//! `cargo xtask test`: every test, none of them skipped for want of a broker.

mod store;
mod tally;

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, BufReader, Write as _, stdout};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus, Stdio};

use anyhow::Context as _;

use self::store::Store;
use self::tally::Tally;
use crate::interop::{self, Unavailable};
use crate::rabbit::{Rabbit, server};
use crate::shell::{KillOnDrop, announce, built_server, cargo};
use crate::{attacks, packages};

/// The broker that tests may use but not stop.
const BROKER: &str = "CONFBUS_TEST_AMQP";

/// The `rabbitmq-server` for tests that stop and start a broker of their own.
const SERVER: &str = "CONFBUS_TEST_RABBITMQ_SERVER";

/// This program, which keeps brokers for those tests.
const KEEPER: &str = "CONFBUS_TEST_KEEPER";

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Let real Spring applications take part; without a JDK and Maven this is skipped, and said.
    #[arg(long, conflicts_with = "rest")]
    with_spring: bool,
    /// Passed on to `cargo test`, for example `-- bus -- --nocapture`.
    #[arg(last = true)]
    rest: Vec<OsString>,
}

/// The very last line says how many tests passed and failed.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let server = server::find_or_install()?;
    packages::install_optional()?;
    let store = Store::find_or_build()?;
    let (broker, private) = match env::var_os(BROKER).filter(|given| !given.is_empty()) {
        Some(given) => (given, None),
        None => {
            let rabbit = Rabbit::start(&server)?;
            (rabbit.url().into(), Some(rabbit))
        }
    };

    let mut tests = cargo_test(&args.rest);
    name_brokers(&mut tests, &broker, &server)?;
    store.tell(&mut tests, &args.rest);
    let mut tally = Tally::default();
    let mut status = stream(&mut tests, &mut tally)?;
    if args.rest.is_empty() && status.success() {
        // As most users build it: the workspace turns features on that the others need.
        status = stream(
            &mut cargo(["test", "--package", "confbus-client"]),
            &mut tally,
        )?;
    }
    if args.rest.is_empty() {
        add_attacks(&mut tally, &broker);
        if let Some(missing) = store.missing() {
            skip(&mut tally, "files of a bucket", missing);
        }
    }
    drop(private);
    if args.with_spring {
        add_spring(&mut tally);
    }
    Ok(conclude(status, tally))
}

/// Tells tests where the shared broker is, and how to start one of their own.
pub(crate) fn name_brokers(
    tests: &mut Command,
    shared: impl AsRef<OsStr>,
    server: &Path,
) -> anyhow::Result<()> {
    let keeper = env::current_exe().context("cannot tell where this program lies")?;
    tests
        .env(BROKER, shared)
        .env(SERVER, server)
        .env(KEEPER, keeper);
    Ok(())
}

fn cargo_test(rest: &[OsString]) -> Command {
    let mut command = cargo(["test", "--workspace", "--no-fail-fast"]);
    command
        .args([
            "--features",
            "confbus/awss3,confbus/broker-tests,confbus/consul,confbus/jdbc,confbus/redis,\
             confbus/zookeeper,confbus-bus/broker-tests,confbus-bus/kafka,confbus-client/axum,\
             confbus-client/blocking,confbus-client/config,confbus-client/figment,\
             confbus-client/kafka,confbus-client/metrics",
        ])
        .args(rest);
    command
}

/// Runs the tests, passing their output on line by line and adding up the results.
fn stream(command: &mut Command, tally: &mut Tally) -> anyhow::Result<ExitStatus> {
    announce(command);
    let mut tests = KillOnDrop::spawn(command.stdout(Stdio::piped()))?;
    let output = tests.0.stdout.take();
    let mut output = BufReader::new(output.context("the tests have no standard output")?);
    let mut line = Vec::new();
    while output
        .read_until(b'\n', &mut line)
        .context("cannot read what the tests say")?
        > 0
    {
        stdout().write_all(&line)?;
        tally.add(&String::from_utf8_lossy(&line));
        line.clear();
    }
    tests.0.wait().map_err(Into::into)
}

/// The quick part of the corpus counts as one test.
fn add_attacks(tally: &mut Tally, broker: &OsStr) {
    let outcome = built_server()
        .and_then(|program| attacks::quick(&program, &broker.to_string_lossy()))
        .unwrap_or_else(|error| {
            eprintln!("xtask: the attacks: {error:#}");
            false
        });
    tally.add_counts(usize::from(outcome), usize::from(!outcome), 0);
}

/// What does not start counts as one failure.
fn add_spring(tally: &mut Tally) {
    const SPRING: &str = "real Spring applications on the bus";
    match interop::quick() {
        Ok(spring) => tally.add_counts(spring.passed, spring.failed, 0),
        Err(error) => match error.downcast::<Unavailable>() {
            Ok(missing) => skip(tally, SPRING, &missing),
            Err(error) => {
                eprintln!("xtask: {SPRING}: {error:#}");
                tally.add_counts(0, 1, 0);
            }
        },
    }
}

/// Counts as one test what cannot be had on this machine.
fn skip(tally: &mut Tally, what: &str, missing: &Unavailable) {
    eprintln!("SKIPPED: {what}: {missing}");
    tally.add_counts(0, 0, 1);
}

fn conclude(status: ExitStatus, tally: Tally) -> ExitCode {
    let success = status.success() && tally.is_good();
    if !status.success() {
        eprintln!("xtask: `cargo test` failed: {status}");
    } else if !tally.ran_something() {
        eprintln!("xtask: no test was run");
    }
    println!("{tally}");
    if success {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
