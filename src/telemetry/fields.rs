//! What lines of the log say, without what others could put into them: a text of a request or a repository neither ends a
//! line nor colours the terminal of whoever reads it.

use std::fmt::{self, Debug, Write};

use tracing::field::Field;
use tracing_subscriber::{
    field::MakeExt as _,
    fmt::format::{FormatFields, Writer, debug_fn},
};

use crate::printable::is_disguise;

/// Writes the message and `name=value`, control characters escaped.
pub(super) fn on_one_line() -> impl for<'w> FormatFields<'w> + 'static {
    debug_fn(field).delimited(" ")
}

fn field(writer: &mut Writer<'_>, field: &Field, value: &dyn Debug) -> fmt::Result {
    let mut line = Escaping(writer);
    match field.name() {
        "message" => write!(line, "{value:?}"),
        name => write!(line, "{name}={value:?}"),
    }
}

struct Escaping<'w, W>(&'w mut W);

impl<W: Write> Write for Escaping<'_, W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(is_disguise) {
            self.0.write_str(&rest[..at])?;
            let mut chars = rest[at..].chars();
            if let Some(disguise) = chars.next() {
                write!(self.0, "{}", disguise.escape_default())?;
            }
            rest = chars.as_str();
        }
        self.0.write_str(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_on_its_line_as_what_it_is() {
        let mut line = String::new();
        write!(Escaping(&mut line), "a\r\nb\u{1b}[31m\u{202e}é").unwrap();
        assert_eq!(line, "a\\r\\nb\\u{1b}[31m\\u{202e}é");
    }
}
