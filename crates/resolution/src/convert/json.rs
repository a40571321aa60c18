//! JSON on one line, as Jackson writes it: control characters in upper case, numbers as Java writes them.

use std::fmt::{self, Write};

use confbus_protocol::PropertyValue;

use super::tree::{Map, Tree};

pub(super) fn write(root: &Map) -> String {
    let mut text = String::new();
    write_map(&mut text, root).expect("writing to a string does not fail");
    text
}

fn write_tree(text: &mut String, tree: &Tree) -> fmt::Result {
    match tree {
        Tree::Null => text.write_str("null"),
        Tree::Map(map) => write_map(text, map),
        Tree::List(elements) => {
            text.push('[');
            for (index, element) in elements.iter().enumerate() {
                text.push_str(if index == 0 { "" } else { "," });
                write_tree(text, element)?;
            }
            text.write_char(']')
        }
        Tree::Value(PropertyValue::Text(value)) => write_text(text, value),
        Tree::Value(PropertyValue::Float(value)) if !value.is_finite() => {
            write_text(text, &PropertyValue::Float(*value).to_string())
        }
        Tree::Value(PropertyValue::Timestamp(timestamp)) => write_text(text, &timestamp.to_iso()),
        Tree::Value(PropertyValue::Bytes(bytes)) => write_text(text, &bytes.to_base64()),
        Tree::Value(value) => write!(text, "{value}"),
    }
}

fn write_map(text: &mut String, map: &Map) -> fmt::Result {
    text.push('{');
    for (index, (key, value)) in map.iter().enumerate() {
        text.push_str(if index == 0 { "" } else { "," });
        write_text(text, key)?;
        text.push(':');
        write_tree(text, value)?;
    }
    text.write_char('}')
}

fn write_text(text: &mut String, value: &str) -> fmt::Result {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            '\0'..='\u{1f}' => write!(text, "\\u{:04X}", u32::from(c))?,
            c => text.push(c),
        }
    }
    text.write_char('"')
}
