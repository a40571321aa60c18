//! Our own lines: on standard error, behind one prefix.

use std::{
    fmt::{self, Display},
    io::Write as _,
};

use confbus::{printable, short_version};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::filter_fn,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

/// That the server answers again is worth a line.
const FILTER: &str = "warn,lapin=off,confbus_client::refresh=info";

/// One line for people. Nobody is left to tell when it cannot be written.
pub(super) fn say(line: impl Display) {
    let line = line.to_string();
    _ = writeln!(std::io::stderr(), "confbus: {}", printable(&line));
}

/// Has the log speak behind the same prefix.
pub(super) fn start_log() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(FILTER));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr)
        .event_format(Prefixed)
        .with_filter(filter_fn(is_news));
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init()
        .map_err(|cause| anyhow::anyhow!("the log cannot be started: {cause}"))
}

/// What became of a version is said here, in other words than the client's.
fn is_news(event: &Metadata<'_>) -> bool {
    let is_told = |field| event.fields().field(field).is_some();
    !is_told("rejection") && !is_told("keys")
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

/// The start of a commit id.
pub(super) fn short(version: Option<&str>) -> String {
    version.map_or_else(|| "an unnamed version".to_owned(), short_version)
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
