//! Lines that `java.util.Properties` and its likes read back to the same text.

use std::fmt::Write as _;

use confbus_protocol::Properties;

/// `key: value`, as the server writes it, but escaped.
pub(super) fn write(properties: &Properties) -> String {
    let mut text = String::new();
    for (key, property) in properties {
        escape(&mut text, key, |c, _| {
            matches!(c, ' ' | ':' | '=' | '#' | '!')
        });
        text.push_str(": ");
        escape(&mut text, &property.value.to_string(), |c, at| {
            c == ' ' && at == 0
        });
        text.push('\n');
    }
    text
}

/// Whatever has a meaning there, and what is not ASCII: readers disagree about the encoding.
fn escape(text: &mut String, part: &str, has_meaning: impl Fn(char, usize) -> bool) {
    for (at, c) in part.char_indices() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            ' '..='~' => {
                if has_meaning(c, at) {
                    text.push('\\');
                }
                text.push(c);
            }
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string does not fail.
                    _ = write!(text, "\\u{unit:04X}");
                }
            }
        }
    }
}
