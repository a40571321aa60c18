//! Many documents and texts, each against the recorded answer of SnakeYAML.
#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::print_stdout,
    reason = "the figures are for whoever reads the test's output"
)]

use std::fmt::Write;

use confbus_snake_yaml::{Limits, Node, NodeKind, Value, dump, load_all};
use serde::Deserialize;

#[derive(Deserialize)]
struct Document {
    id: String,
    yaml: String,
    /// Nothing when SnakeYAML refuses it.
    read: Option<String>,
}

#[derive(Deserialize)]
struct Text {
    id: String,
    text: String,
    written: String,
}

#[derive(Default)]
struct Figures {
    same_value: usize,
    same_refusal: usize,
    different: Vec<String>,
}

impl Figures {
    fn of(documents: &[Document]) -> Self {
        let mut figures = Self::default();
        for document in documents {
            let read = read(&document.yaml);
            match (&document.read, &read) {
                (None, None) => figures.same_refusal += 1,
                (Some(expected), Some(found)) if expected == found => figures.same_value += 1,
                _ => {
                    let Document {
                        id, read: expected, ..
                    } = document;
                    figures.different.push(format!(
                        "{id}\n  SnakeYAML {expected:?}\n  here      {read:?}"
                    ));
                }
            }
        }
        figures
    }

    fn total(&self) -> usize {
        self.same_value + self.same_refusal + self.different.len()
    }
}

/// In the notation of the recorder, one line for each document.
fn read(yaml: &str) -> Option<String> {
    let documents = load_all(yaml.as_bytes(), &Limits::default()).ok()?;
    let mut shown = String::new();
    for document in &documents {
        show(&mut shown, document, Role::Value);
        shown.push('\n');
    }
    Some(shown)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Key,
    Value,
}

fn show(shown: &mut String, node: &Node, role: Role) {
    let written = match node.kind() {
        NodeKind::Null => write!(shown, "null"),
        NodeKind::Bool(value) => write!(shown, "{value}"),
        NodeKind::Integer(value) => write!(shown, "i:{value}"),
        NodeKind::BigInteger(digits) => write!(shown, "i:{digits}"),
        NodeKind::Float(value) => write!(shown, "f:{:x}", value.to_bits()),
        NodeKind::Timestamp(millis) => write!(shown, "t:{millis}"),
        NodeKind::Text(text) => return quote(shown, text, node, role),
        NodeKind::Binary(bytes) => {
            shown.push_str("b:");
            bytes
                .iter()
                .try_for_each(|byte| write!(shown, "{byte:02x}"))
        }
        NodeKind::List(items) => return list(shown, items, Role::Value, node, role),
        NodeKind::Set(members) => {
            shown.push_str("set ");
            return list(shown, members, Role::Key, node, role);
        }
        NodeKind::Map(entries) => return map(shown, entries, node, role),
    };
    written.unwrap();
    place(shown, node, role);
}

/// Keys have no place.
fn place(shown: &mut String, node: &Node, role: Role) {
    if role == Role::Value {
        write!(shown, "@{}", node.mark()).unwrap();
    }
}

fn list(shown: &mut String, items: &[Node], of: Role, node: &Node, role: Role) {
    shown.push('[');
    for item in items {
        show(shown, item, of);
        shown.push_str(", ");
    }
    shown.push(']');
    if items.is_empty() {
        place(shown, node, role);
    }
}

fn map(shown: &mut String, entries: &[(Node, Node)], node: &Node, role: Role) {
    shown.push('{');
    for (key, value) in entries {
        show(shown, key, Role::Key);
        shown.push_str(": ");
        show(shown, value, Role::Value);
        shown.push_str(", ");
    }
    shown.push('}');
    if entries.is_empty() {
        place(shown, node, role);
    }
}

fn quote(shown: &mut String, text: &str, node: &Node, role: Role) {
    shown.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => shown.extend(['\\', character]),
            ' '..='~' => shown.push(character),
            _ => write!(shown, "\\u{{{:x}}}", u32::from(character)).unwrap(),
        }
    }
    shown.push('"');
    place(shown, node, role);
}

fn compare(name: &str, table: &str) {
    let documents: Vec<Document> = serde_json::from_str(table).unwrap();
    let figures = Figures::of(&documents);
    let (total, same) = (figures.total(), figures.same_value + figures.same_refusal);
    println!(
        "{name}: {same} of {total} as SnakeYAML ({:.1} %): {} same value and places, {} refused by both, {} different",
        100.0 * same as f64 / total as f64,
        figures.same_value,
        figures.same_refusal,
        figures.different.len()
    );
    assert!(
        figures.different.is_empty(),
        "{}",
        figures.different.join("\n")
    );
}

#[test]
fn the_yaml_test_suite() {
    compare("YAML test suite", include_str!("data/yaml-test-suite.json"));
}

#[test]
fn documents_of_our_own() {
    compare("own documents", include_str!("data/documents.json"));
}

#[test]
fn texts_are_written_alike() {
    let texts: Vec<Text> = serde_json::from_str(include_str!("data/texts.json")).unwrap();
    for Text { id, text, written } in &texts {
        assert_eq!(dump(&in_all_places(text)), *written, "{id}");
    }
    println!("texts: {} written as SnakeYAML writes them", texts.len());
}

/// The same map as the recorder's.
fn in_all_places(text: &str) -> Value {
    let value = || Value::Text(text.into());
    let map = |entries: Vec<(&str, Value)>| {
        let entries = entries
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value));
        Value::Map(entries.collect())
    };
    let inner = Value::List(vec![value(), map(vec![("k", value())])]);
    let list = Value::List(vec![value(), Value::Integer(1), inner]);
    map(vec![
        ("value", value()),
        ("nested", map(vec![("list", list), (text, value())])),
    ])
}
