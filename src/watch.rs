//! Follows the configuration of an application: into files, into a program, or as a line for each key that changes.

use std::process::ExitCode;

use confbus_client::ConnectError;

use crate::{
    cli::WatchArgs,
    exit::{Exit, Failure, OrExit as _},
};

mod candidate;
mod command;
mod delivery;
mod files;
mod follow;
mod format;
mod init;
mod only;
mod plan;
mod process;
mod reserved;
mod say;
mod settings;
mod signals;
mod supervise;
mod variables;

pub(crate) use follow::follow;
pub(crate) use format::Format;
pub(crate) use settings::{TOKEN_FILE, token as bearer_token};

/// Runs until it is told to stop, or the program ends.
pub(crate) async fn run(args: WatchArgs) -> Result<ExitCode, Failure> {
    let WatchArgs {
        delivery, address, ..
    } = &args;
    if delivery.out.is_empty() && delivery.program.is_empty() {
        plan::refuse_idle(delivery).or_exit(Exit::Usage)?;
        return follow::run(args).await.map_err(failure);
    }
    let plan = plan::Plan::of(
        delivery,
        format!("{}/{}", address.application, address.profiles),
    )
    .or_exit(Exit::Usage)?;
    if init::is_needed() {
        return Ok(init::run().await?);
    }
    say::start_log()?;
    supervise::run(&args, plan).await.map_err(failure)
}

/// What it means that there is no client.
fn failure(error: anyhow::Error) -> Failure {
    let exit = match error.downcast_ref() {
        None => return error.into(),
        Some(ConnectError::Settings(_) | ConnectError::Http(_)) => Exit::Settings,
        Some(ConnectError::Unavailable { unavailable, .. }) if unavailable.is_denied() => {
            Exit::Denied
        }
        Some(_) => Exit::Unreachable,
    };
    Failure::new(exit, format!("{error:#}"))
}
