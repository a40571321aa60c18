//! `cargo xtask interop server`: confbus in the original's place, and our client beside the original.

mod client;
mod compose;
mod configuration;
mod container;
mod replacement;
mod requests;

use std::path::PathBuf;

use super::{Tally, jdk};
use crate::rabbit::{Rabbit, server};
use crate::shell;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Only the parts whose name contains this.
    filter: Option<String>,
}

/// What is started.
struct Programs {
    confbus: PathBuf,
    /// The original with what its images have: bus, webhooks and actuator.
    spring: PathBuf,
    /// The same with a user.
    spring_with_user: PathBuf,
    /// The client's example `orders`.
    orders: PathBuf,
}

/// Runs every part; one that cannot be set up is a failure of that part alone.
pub(super) fn run(args: &Args) -> anyhow::Result<Tally> {
    let filter = args.filter.as_deref().unwrap_or_default();
    let programs = Programs {
        spring: jdk::package("spring-config-server", Some("bus"))?,
        spring_with_user: jdk::package("spring-config-server", Some("bus,user"))?,
        confbus: shell::debug_server()?,
        orders: shell::debug_example("orders", "amqp")?,
    };
    let rabbit = Rabbit::start(&server::find_or_install()?)?;
    let mut tally = Tally::default();
    let mut part = |name: &str, play: &dyn Fn(&mut Tally) -> anyhow::Result<()>| {
        if !name.contains(filter) {
            return Ok(());
        }
        tally.count(name, |tally| {
            if let Err(error) = play(tally) {
                tally.fail(name, &format!("{error:#}"));
            }
            Ok(())
        })
    };
    for way in &compose::WAYS {
        part(way.name, &|tally| {
            replacement::play(&programs, way, rabbit.port(), tally)
        })?;
    }
    part(client::NAME, &|tally| {
        client::play(&programs, rabbit.port(), tally)
    })?;
    Ok(tally)
}
