use std::io;

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Appends compact JSON as Jackson writes it, control characters in upper-case hex digits (`\u001B`), of a value that is made
/// of scalars, lists and maps with keys that are text.
pub(crate) fn write_json<T: Serialize + ?Sized>(json: &mut Vec<u8>, value: &T) {
    value
        .serialize(&mut Serializer::with_formatter(json, Jackson))
        .expect("scalars, lists and maps with text keys always serialise");
}

struct Jackson;

impl Formatter for Jackson {
    fn write_char_escape<W>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let letter = match escape {
            CharEscape::AsciiControl(byte) => return write!(writer, "\\u{byte:04X}"),
            CharEscape::Quote => b'"',
            CharEscape::ReverseSolidus => b'\\',
            CharEscape::Solidus => b'/',
            CharEscape::Backspace => b'b',
            CharEscape::FormFeed => b'f',
            CharEscape::LineFeed => b'n',
            CharEscape::CarriageReturn => b'r',
            CharEscape::Tab => b't',
        };
        writer.write_all(&[b'\\', letter])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_escaped_as_jackson_does() {
        let mut json = Vec::new();
        write_json(
            &mut json,
            "\u{1b}\u{0}\u{1f}\u{8}\u{c}\n\r\t\"\\/\u{7f}\u{2028}é",
        );
        assert_eq!(
            String::from_utf8(json).unwrap(),
            "\"\\u001B\\u0000\\u001F\\b\\f\\n\\r\\t\\\"\\\\/\u{7f}\u{2028}é\""
        );
    }
}
