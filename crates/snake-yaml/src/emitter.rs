//! Writes values as SnakeYAML's `Yaml.dumpAsMap` does with its default options.

mod analysis;
mod scalars;
mod writer;

use crate::base64;
use crate::java_double::java_double;
use crate::resolver::Implicit;
use crate::source::is_printable;

use scalars::Scalar;
use writer::Writer;

/// What [`dump`] writes.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number of any size, in decimal digits.
    BigInteger(Box<str>),
    /// A floating point number, written as Java does (`1.0E10`).
    Float(f64),
    /// Text; quoted where it would read back as something else.
    Text(Box<str>),
    /// A moment, in the form that reads back as one: `2001-12-14T00:00:00Z`.
    Timestamp(Box<str>),
    /// Written as `!!binary`, in Base64.
    Binary(Box<[u8]>),
    /// A sequence.
    List(Vec<Self>),
    /// A mapping, written in this order.
    Map(Vec<(String, Self)>),
}

/// One document in block style with a final newline.
///
/// Lines are folded behind column 80, nested mappings indented by two, the dashes of a list stand under its key.
/// Recurses as deep as the value is nested.
///
/// Source: `Emitter`, SnakeYAML.
pub fn dump(value: &Value) -> String {
    let mut emitter = Emitter {
        writer: Writer::default(),
    };
    emitter.node(value, Context::Root);
    emitter.writer.indent_line();
    emitter.writer.finish()
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Context {
    Root,
    Item,
    /// A key on the line of its colon.
    SimpleKey,
    /// A value, or a key behind a question mark.
    Mapping,
}

struct Emitter {
    writer: Writer,
}

impl Emitter {
    fn node(&mut self, value: &Value, context: Context) {
        match value {
            Value::List(items) if items.is_empty() => self.writer.empty_collection("[", "]"),
            Value::List(items) => self.list(items, context),
            Value::Map(entries) if entries.is_empty() => self.writer.empty_collection("{", "}"),
            Value::Map(entries) => self.mapping(entries),
            Value::Null => self.plain(Implicit::Null, "null", context),
            Value::Bool(value) => self.plain(Implicit::Bool, &value.to_string(), context),
            Value::Integer(value) => self.plain(Implicit::Integer, &value.to_string(), context),
            Value::BigInteger(digits) => self.plain(Implicit::Integer, digits, context),
            Value::Float(value) => self.plain(Implicit::Float, &float(*value), context),
            Value::Binary(bytes) => {
                Scalar::binary(base64::encode(bytes)).write(&mut self.writer, context);
            }
            Value::Timestamp(text) => self.plain(Implicit::Timestamp, text, context),
            Value::Text(text) => represent(text).write(&mut self.writer, context),
        }
    }

    fn plain(&mut self, tag: Implicit, text: &str, context: Context) {
        Scalar::plain(tag, text).write(&mut self.writer, context);
    }

    fn list(&mut self, items: &[Value], context: Context) {
        let under_its_key = context == Context::Mapping && !self.writer.at_indentation();
        let outer = self.writer.enter_block(under_its_key);
        for item in items {
            self.writer.indent_line();
            self.writer.block_indicator("-");
            self.node(item, Context::Item);
        }
        self.writer.restore_indent(outer);
    }

    fn mapping(&mut self, entries: &[(String, Value)]) {
        let outer = self.writer.enter_block(false);
        for (key, value) in entries {
            self.writer.indent_line();
            let key = represent(key);
            if key.fits_simple_key() {
                key.write(&mut self.writer, Context::SimpleKey);
                self.writer.indicator(":");
            } else {
                self.writer.block_indicator("?");
                key.write(&mut self.writer, Context::Mapping);
                self.writer.indent_line();
                self.writer.block_indicator(":");
            }
            self.node(value, Context::Mapping);
        }
        self.writer.restore_indent(outer);
    }
}

/// Text as SnakeYAML's `SafeRepresenter` prepares it.
fn represent(text: &str) -> Scalar<'_> {
    if !text.chars().all(is_printable) {
        return Scalar::binary(base64::encode(text.as_bytes()));
    }
    if text.contains(analysis::is_break) {
        return Scalar::literal(text);
    }
    Scalar::plain(Implicit::Text, text)
}

fn float(value: f64) -> String {
    if value.is_nan() {
        ".NaN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        java_double(value)
    }
}
