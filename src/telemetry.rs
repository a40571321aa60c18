//! The log: lines for people on a terminal, JSON where asked for, on standard error.

mod fields;
mod writer;

use std::io::{self, IsTerminal as _};

use tracing::{Level, Metadata};
use tracing_subscriber::{
    EnvFilter, filter::filter_fn, fmt, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use writer::Lines;
pub use writer::Log;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Our bus says what happens to its connections; lapin would say it again, several times.
const SILENT: &str = "lapin=off";

/// What a terminal shows in a line of its own, and the log there need not say.
pub(crate) const PROGRESS: &str = "confbus::progress";

/// lapin traces each frame as it is sent, and one of them is the login. Nobody means that who asks for everything.
fn tells_no_secret(what: &Metadata<'_>) -> bool {
    !(what.target().starts_with("lapin") && *what.level() == Level::TRACE)
}

/// Starts the log, which nobody waits for; `RUST_LOG` chooses what is said.
///
/// # Errors
/// When a log was started before.
pub fn init(format: LogFormat, default_filter: &str) -> anyhow::Result<Log> {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("{default_filter},{SILENT}")));
    let (lines, log) = Lines::to(io::stderr())?;
    let lines = fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .with_target(false);
    let is_terminal = io::stderr().is_terminal();
    let started = match format {
        LogFormat::Text => lines
            .with_ansi(is_terminal)
            .fmt_fields(fields::on_one_line())
            .finish()
            .with(filter_fn(tells_no_secret))
            .with(filter_fn(move |what| {
                !(is_terminal && what.target() == PROGRESS)
            }))
            .try_init(),
        LogFormat::Json => lines
            .json()
            .flatten_event(true)
            .finish()
            .with(filter_fn(tells_no_secret))
            .try_init(),
    };
    started.map_err(|cause| anyhow::anyhow!("the log cannot be started: {cause}"))?;
    Ok(log)
}
