//! Our own lines: on standard error, behind one prefix.

use std::{
    fmt::{self, Display},
    io::Write as _,
};

use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

/// What the client says about versions is said here in other words.
const FILTER: &str = "warn,lapin=off,confbus_client::refresh=error";

/// One line for people. Nobody is left to tell when it cannot be written.
pub(super) fn say(line: impl Display) {
    _ = writeln!(std::io::stderr(), "confbus: {line}");
}

/// Has the log speak behind the same prefix.
pub(super) fn start_log() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(Prefixed)
        .try_init()
        .map_err(|cause| anyhow::anyhow!("the log cannot be started: {cause}"))
}

struct Prefixed;

impl<S, N> FormatEvent<S, N> for Prefixed
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        writer.write_str("confbus: ")?;
        context
            .field_format()
            .format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

/// The start of a commit id; seven digits are enough for people.
pub(super) fn short(version: Option<&str>) -> &str {
    version.map_or("an unnamed version", |version| {
        version.get(..7).unwrap_or(version)
    })
}

/// `1 key` or `2 keys`.
pub(super) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

/// The names, as many as one reads.
pub(super) fn list(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
