//! `confbus health`: one word and an exit code, for containers that have neither a shell nor curl.

use std::{process::ExitCode, time::Duration};

use confbus::{Settings, Sources};

use crate::{
    cli::HealthArgs,
    desk::Desk,
    exit::{Exit, Failure},
    talk,
};

/// Whether the server takes requests.
const READINESS: &str = "/actuator/health/readiness";

/// Who asks ends a check that takes longer, too.
const PATIENCE: Duration = Duration::from_secs(5);

/// Yes when every server that is named is ready, or else the one that the settings here are of.
pub(crate) async fn run(args: HealthArgs) -> Result<ExitCode, Failure> {
    let own = || {
        Ok(Settings::own_address(&Sources::of_process(
            None,
            Vec::new(),
        ))?)
    };
    for desk in Desk::all_or(&args.servers, PATIENCE, own)? {
        if let Err(failure) = desk.ask("GET", READINESS, "").await {
            talk::line("DOWN")?;
            // There is only yes and no.
            return Err(failure.ending_with(Exit::No));
        }
    }
    talk::line("UP")?;
    Ok(Exit::Yes.into())
}
