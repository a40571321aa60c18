//! `cargo xtask interop discovery`: confbus in a real Eureka, ZooKeeper and Consul, found there by a Spring application and by our
//! client.

mod consul;
mod eureka;
mod programs;
mod readers;
mod steps;
mod zookeeper;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use self::consul::Consul;
use self::eureka::Peers;
use self::programs::Programs;
use self::zookeeper::ZooKeeper;
use super::{Tally, Unavailable};

#[derive(clap::Args)]
pub(super) struct Args {
    /// With this registry alone.
    #[arg(long)]
    registry: Option<Which>,
}

/// Which registry.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Which {
    Eureka,
    Zookeeper,
    Consul,
}

/// A registry that was started for the run, and what differs from one to the next.
trait Registry {
    /// What health calls it.
    fn name(&self) -> &'static str;

    /// What confbus is told, at this port.
    fn of_confbus(&self, port: u16) -> Vec<String>;

    /// What a Spring application is told.
    fn of_spring(&self) -> Vec<String>;

    /// What our client is told.
    fn of_ours(&self) -> Vec<(&'static str, String)>;

    /// The ports of the config servers that it lists, in their order.
    fn listed(&self) -> anyhow::Result<Vec<u16>>;

    /// Loses what it knows of a server, and perhaps more.
    fn forget(&mut self, port: u16) -> anyhow::Result<()>;

    /// After which a server that was killed is off the list.
    fn lease(&self) -> Duration;

    /// Whether it is several that tell each other.
    fn has_peers(&self) -> bool {
        false
    }

    /// Ends one of them, and says where the one is that is left; `None` where there is one alone.
    fn lose_one(&mut self) -> Option<String> {
        None
    }
}

/// Runs all steps with each registry; the first that fails ends the run with that one.
pub(super) fn run(args: &Args) -> anyhow::Result<Tally> {
    let all = [Which::Eureka, Which::Zookeeper, Which::Consul];
    let wanted = all
        .into_iter()
        .filter(|which| args.registry.is_none_or(|only| only == *which));
    let mut tally = Tally::default();
    for which in wanted {
        let done = tally.count(which.title(), |tally| with(which, tally));
        if let Err(error) = done {
            // Only Consul takes more than what the others have been built with.
            let unavailable = error.downcast_ref::<Unavailable>();
            let unavailable =
                unavailable.filter(|_| which == Which::Consul && args.registry.is_none());
            let Some(unavailable) = unavailable else {
                return Err(error);
            };
            println!("NOT RUN: {}; {unavailable}", which.title());
        }
    }
    Ok(tally)
}

impl Which {
    fn title(self) -> &'static str {
        match self {
            Self::Eureka => "Eureka",
            Self::Zookeeper => "ZooKeeper",
            Self::Consul => "Consul",
        }
    }

    fn start(self, folder: &Path) -> anyhow::Result<Box<dyn Registry>> {
        Ok(match self {
            Self::Eureka => Box::new(Peers::start(folder)?),
            Self::Zookeeper => Box::new(ZooKeeper::start(folder)?),
            Self::Consul => Box::new(Consul::start(folder)?),
        })
    }
}

fn with(which: Which, tally: &mut Tally) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new()
        .prefix("confbus-discovery-")
        .tempdir()?;
    let registry = which.start(folder.path())?;
    let programs = Programs::build(registry.name())?;
    let passed = steps::all(registry, &programs, folder.path(), tally);
    if !passed.context(which.title())? {
        println!("logs are kept in {}", folder.keep().display());
    }
    Ok(())
}
