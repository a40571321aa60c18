//! Our own lines: on standard error, behind one prefix, or each as a JSON object.

use std::{
    fmt::{self, Display},
    io::Write as _,
    sync::OnceLock,
};

use confbus::{printable, short_version};
use jiff::Timestamp;
use serde_json::{Value, json};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::{
    EnvFilter, Layer as _,
    filter::filter_fn,
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    layer::SubscriberExt as _,
    registry::LookupSpan,
    util::SubscriberInitExt as _,
};

use crate::exit::Form;

static FORM: OnceLock<Form> = OnceLock::new();

/// That the server answers again is worth a line.
const FILTER: &str = "warn,lapin=off,confbus_client::refresh=info";

/// One line. Nobody is left to tell when it cannot be written.
pub(crate) fn say(line: impl Display) {
    write(None, &line.to_string());
}

/// One line about an address.
pub(crate) fn say_about(address: &str, line: impl Display) {
    write(Some(address), &line.to_string());
}

fn write(address: Option<&str>, line: &str) {
    let form = FORM.get().copied().unwrap_or(Form::Text);
    _ = writeln!(std::io::stderr(), "{}", written(form, address, line));
}

fn written(form: Form, address: Option<&str>, line: &str) -> String {
    match (form, address) {
        (Form::Json, _) => object(address, line).to_string(),
        (Form::Text, Some(address)) => {
            format!("confbus: {} {}", printable(address), printable(line))
        }
        (Form::Text, None) => format!("confbus: {}", printable(line)),
    }
}

/// A line for programs.
pub(crate) fn object(address: Option<&str>, line: &str) -> Value {
    json!({
        "schema": "confbus.line/1",
        "time": Timestamp::now().to_string(),
        "address": address,
        "message": line,
    })
}

/// Says once how lines look, and has the log speak like them.
pub(crate) fn start(form: Form) -> anyhow::Result<()> {
    _ = FORM.set(form);
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
        let mut line = String::new();
        context
            .field_format()
            .format_fields(Writer::new(&mut line), event)?;
        let form = FORM.get().copied().unwrap_or(Form::Text);
        writeln!(writer, "{}", written(form, None, &line))
    }
}

/// The start of a commit id.
pub(crate) fn short(version: Option<&str>) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_its_address_in_both_forms() {
        let text = written(Form::Text, Some("shop/prod"), "written");
        assert_eq!(text, "confbus: shop/prod written");
        let line = written(Form::Json, Some("shop/prod"), "a\nb");
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["schema"], "confbus.line/1");
        assert_eq!(
            (&line["address"], &line["message"]),
            (&json!("shop/prod"), &json!("a\nb"))
        );
    }
}
