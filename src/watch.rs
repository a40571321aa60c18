//! Follows the configuration of an application: into files, into a program, or as a line for each key that changes.

use std::process::ExitCode;

use confbus_client::ConnectError;

use crate::cli::WatchArgs;

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
pub(crate) use plan::WrongUsage;
pub(crate) use say::printable;
pub(crate) use settings::{TOKEN_FILE, token as bearer_token};

/// Nobody gave a configuration.
const UNAVAILABLE: u8 = 3;
/// The servers refuse our credentials.
const DENIED: u8 = 4;
/// Settings that cannot work: `EX_CONFIG`.
const BAD_SETTINGS: u8 = 78;

/// Runs until it is told to stop, or the program ends.
pub(crate) async fn run(args: WatchArgs) -> anyhow::Result<ExitCode> {
    let WatchArgs {
        delivery, address, ..
    } = &args;
    if delivery.out.is_empty() && delivery.program.is_empty() {
        plan::refuse_idle(delivery)?;
        return follow::run(args).await;
    }
    let plan = plan::Plan::of(
        delivery,
        format!("{}/{}", address.application, address.profiles),
    )?;
    if init::is_needed() {
        return init::run().await;
    }
    say::start_log()?;
    supervise::run(&args, plan).await
}

/// The exit code for why there is no client.
pub(crate) fn exit_code(error: &ConnectError) -> u8 {
    match error {
        ConnectError::Settings(_) | ConnectError::Http(_) => BAD_SETTINGS,
        ConnectError::Unavailable { unavailable, .. } if unavailable.is_denied() => DENIED,
        _ => UNAVAILABLE,
    }
}
