//! Follows the configuration of an application: into files, into a program, or as a line for each key that changes.

use std::process::ExitCode;

use confbus_client::ConnectError;

use crate::{
    cli::WatchArgs,
    exit::{Exit, Failure, Form, OrExit as _},
};

mod candidate;
mod command;
mod delivery;
mod files;
mod follow;
mod format;
mod init;
mod keep;
mod only;
mod others;
mod plan;
mod process;
mod reserved;
mod say;
mod settings;
mod signals;
mod supervise;
mod variables;

pub(crate) use candidate::Candidate;
pub(crate) use delivery::Delivery;
pub(crate) use files::remove_leftovers;
pub(crate) use follow::follow;
pub(crate) use format::Format;
pub(crate) use init::{is_needed as is_first_process, run as run_as_first_process};
pub(crate) use keep::{deliver_first, deliver_others, first_configuration};
pub(crate) use only::Only;
pub(crate) use plan::Plan;
pub(crate) use say::{object as line_object, say, start as start_lines};
pub(crate) use settings::{TOKEN_FILE, of as client_settings, token as bearer_token};
pub(crate) use signals::Signals;

/// Runs until it is told to stop, or the program ends.
pub(crate) async fn run(args: WatchArgs) -> Result<ExitCode, Failure> {
    let WatchArgs {
        delivery, address, ..
    } = &args;
    if delivery.out.is_empty() && delivery.program.is_empty() {
        plan::refuse_idle(delivery).or_exit(Exit::Usage)?;
        return follow::run(args).await.map_err(failure);
    }
    let plan = Plan::of(
        delivery,
        format!("{}/{}", address.application, address.profiles),
    )
    .or_exit(Exit::Usage)?;
    if init::is_needed() {
        return Ok(init::run().await?);
    }
    let form = if delivery.json {
        Form::Json
    } else {
        Form::Text
    };
    say::start(form)?;
    supervise::run(&args, plan).await.map_err(failure)
}

fn failure(error: anyhow::Error) -> Failure {
    let exit = exit_of(&error);
    Failure::from(error).ending_with(exit)
}

/// What it means that there is no client; a plain no where something else went wrong.
pub(crate) fn exit_of(error: &anyhow::Error) -> Exit {
    match error.downcast_ref() {
        None => Exit::No,
        Some(ConnectError::Settings(_) | ConnectError::Http(_)) => Exit::Settings,
        Some(ConnectError::Unavailable { unavailable, .. }) if unavailable.is_denied() => {
            Exit::Denied
        }
        Some(_) => Exit::Unreachable,
    }
}
