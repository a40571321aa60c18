//! Many files, each against what Spring Boot's own loaders made of it.
#![expect(clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::print_stdout,
    reason = "the figures are for whoever reads the test's output"
)]

use std::fmt::Write;

use confbus_protocol::{Properties, PropertyValue};
use confbus_resolution::parse_documents;
use serde::Deserialize;

#[derive(Deserialize)]
struct File {
    id: String,
    name: String,
    content: String,
    /// Nothing when Spring Boot refuses it.
    loaded: Option<String>,
}

impl File {
    /// The characters of other files than YAML stand for bytes.
    fn bytes(&self) -> Vec<u8> {
        if self.name.ends_with(".yml") {
            return self.content.clone().into_bytes();
        }
        let byte = |c| u8::try_from(c).expect("the table holds bytes");
        self.content.chars().map(byte).collect()
    }

    fn load(&self) -> Option<String> {
        let documents = parse_documents(&self.name, &self.bytes()).ok()?;
        Some(documents.iter().map(|document| show(document)).collect())
    }
}

/// In the notation of the recorder.
fn show(document: &Properties) -> String {
    let mut shown = "document\n".to_owned();
    for (key, property) in document {
        write!(shown, "{} = {}", quote(key), value(&property.value)).unwrap();
        if let Some(place) = property.origin {
            write!(shown, " @{place}").unwrap();
        }
        shown.push('\n');
    }
    shown
}

fn value(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Float(_) => format!("f:{value}"),
        PropertyValue::Integer(_) | PropertyValue::BigInteger(_) => format!("i:{value}"),
        PropertyValue::Bool(_) | PropertyValue::Null => value.to_string(),
        PropertyValue::Text(text) => quote(text),
        PropertyValue::Timestamp(_) => quote(&value.to_string()),
        PropertyValue::Bytes(bytes) => {
            let digits = bytes.as_slice().iter().map(|byte| format!("{byte:02x}"));
            format!("b:{}", digits.collect::<String>())
        }
    }
}

fn quote(text: &str) -> String {
    let mut quoted = "\"".to_owned();
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            ' '..='~' => quoted.push(character),
            _ => write!(quoted, "\\u{{{:x}}}", u32::from(character)).unwrap(),
        }
    }
    quoted + "\""
}

fn compare(kind: &str, table: &str) {
    let files: Vec<File> = serde_json::from_str(table).unwrap();
    let mut different = String::new();
    let mut refused = 0;
    for file in &files {
        let loaded = file.load();
        refused += usize::from(loaded.is_none());
        if loaded != file.loaded {
            let File {
                id,
                content,
                loaded: expected,
                ..
            } = file;
            writeln!(different, "{id}: {content:?}\n{expected:?}\n{loaded:?}").unwrap();
        }
    }
    assert!(different.is_empty(), "{different}");
    println!(
        "{kind}: {} files as Spring Boot loads them, {refused} refused by both",
        files.len()
    );
}

#[test]
fn yaml() {
    compare("YAML", include_str!("data/yaml.json"));
}

#[test]
fn properties() {
    compare("properties", include_str!("data/properties.json"));
}

#[test]
fn xml() {
    compare("XML", include_str!("data/xml.json"));
}
