//! The program: arguments to exit code.

mod cli;
mod demo;
mod desk;
mod pin;
mod shadow;
mod watch;
mod wave;

use std::process::ExitCode;

use clap::Parser as _;
use confbus::{App, Settings, SettingsError, Sources, shutdown, telemetry};
use tracing::info;

use cli::{Cli, Command, ServeArgs};

/// Settings that refuse to start: `EX_CONFIG`, on which a service manager should not try again.
const BAD_SETTINGS: u8 = 78;
/// As for arguments that cannot be read at all.
const WRONG_USAGE: u8 = 2;

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the log may not be set up yet")]
async fn main() -> ExitCode {
    match run(Cli::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("confbus: {error:#}");
            if error.is::<SettingsError>() {
                ExitCode::from(BAD_SETTINGS)
            } else if is_wrong_usage(&error) {
                ExitCode::from(WRONG_USAGE)
            } else if let Some(error) = error.downcast_ref() {
                ExitCode::from(watch::exit_code(error))
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn is_wrong_usage(error: &anyhow::Error) -> bool {
    error.is::<shadow::WrongUsage>()
        || error.is::<watch::WrongUsage>()
        || error.is::<pin::WrongUsage>()
}

async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command() {
        Command::Serve(args) => serve(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Watch(args) => return watch::run(*args).await,
        Command::Shadow(args) => return shadow::run(args).await,
        Command::Pin(args) => return pin::run(args).await,
        Command::Wave(args) => return wave::run(args).await,
    }?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(args: ServeArgs) -> anyhow::Result<()> {
    telemetry::init(args.log_format, "info")?;
    let settings = Settings::load(&Sources::of_process(args.config, args.properties.pairs()?))?;

    let app = App::bind(settings).await?;
    info!(address = %app.local_addr()?, "listening");
    app.serve_until(shutdown::requested()).await?;
    info!("stopped");
    Ok(())
}
