//! `cargo xtask interop`: confbus next to the original, each reading what the other one or a third program wrote.

mod bus;
mod discovery;
mod encryption;
mod eventually;
mod http;
mod jdk;
mod kafka;
mod original;
mod printer;
mod repository;
mod server;
mod stores;
mod vault;

use std::{fmt, path::PathBuf, process::ExitCode};

use clap::Subcommand;

pub(crate) use self::jdk::Unavailable;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Unmodified Spring applications on a real RabbitMQ, with confbus as their config server.
    Bus(bus::Args),
    /// Confbus in the original's place, by its compose files, and our client beside the original.
    Server(original::Args),
    /// Servers in a real Eureka, ZooKeeper and Consul, found there by a Spring application and by our client.
    Discovery(discovery::Args),
    /// Encrypted texts and values, in both directions, with every kind of key.
    Encryption,
    /// Unmodified Spring applications on a real Kafka, with confbus as their config server.
    Kafka,
    /// The same secrets of a real Vault, with every setting of that backend.
    Vault,
    /// The same hashes of a real Redis, rows of a real PostgreSQL and files of a bucket, alone and together with Git.
    Stores,
}

/// Starts everything and compares; the last line is `N passed, N failed`.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let tally = match &args.what {
        What::Bus(args) => bus::run(args)?,
        What::Server(args) => original::run(args)?,
        What::Discovery(args) => discovery::run(args)?,
        What::Encryption => encryption::run()?,
        What::Kafka => kafka::run()?,
        What::Vault => vault::run()?,
        What::Stores => stores::run()?,
    };
    println!("{tally}");
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// What every commit has to pass with real Spring applications, after all tests have been built.
///
/// # Errors
/// [`Unavailable`] when Spring cannot be had here, or another when something does not start.
pub(crate) fn quick() -> anyhow::Result<Tally> {
    bus::quick()
}

/// The original's config server, built from its published artifacts: where its jar lies.
///
/// # Errors
/// [`Unavailable`] when Spring cannot be had here, or another when the project is wrong.
pub(crate) fn spring_config_server() -> anyhow::Result<PathBuf> {
    jdk::package("spring-config-server", None)
}

/// What was seen so far.
#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

impl Tally {
    /// Compares in one way, and tells what came of that.
    fn count(
        &mut self,
        way: &str,
        compare: impl FnOnce(&mut Self) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut of_way = Self::default();
        compare(&mut of_way)?;
        println!("{way}: {of_way}");
        self.passed += of_way.passed;
        self.failed += of_way.failed;
        Ok(())
    }

    /// Counts one comparison, and shows what failed.
    fn check(&mut self, what: &str, seen: &anyhow::Result<String>, expected: &str) {
        match seen {
            Ok(seen) if seen == expected => self.passed += 1,
            Ok(seen) => self.fail(what, &format!("expected {expected:?}, got {seen:?}")),
            Err(error) => self.fail(what, &format!("{error:#}")),
        }
    }

    fn fail(&mut self, what: &str, why: &str) {
        self.failed += 1;
        println!("FAIL {what}: {why}");
    }
}
