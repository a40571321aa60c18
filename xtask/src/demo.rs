//! `cargo xtask demo`: what a visitor sees first.

use std::process::ExitCode;

use crate::rabbit::{Rabbit, server};
use crate::shell::{cargo, status};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Over a RabbitMQ of its own instead of in process.
    #[arg(long)]
    rabbit: bool,
}

pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let ended = if args.rabbit {
        over_rabbit()?
    } else {
        status(&mut cargo(["run"]))?
    };
    Ok(if ended.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn over_rabbit() -> anyhow::Result<std::process::ExitStatus> {
    let rabbit = Rabbit::start(&server::find_or_install()?)?;
    let port = format!("--spring.rabbitmq.port={}", rabbit.port());
    status(cargo(["run", "--", "demo", "--spring.rabbitmq.host=127.0.0.1"]).arg(port))
}
