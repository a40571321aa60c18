//! YAML trees flattened to properties, as Spring Boot's `OriginTrackedYamlLoader` does it.

use confbus_protocol::{Position, Properties, Property, PropertyValue, Timestamp, java_double};
use confbus_snake_yaml::{Error, Limits, Mark, Node, NodeKind, load_all};

use super::{Flaw, KEY_TEXT_LIMIT};
use crate::Cause;

/// How deeply lists and maps may nest in each other; SnakeYAML stops at 50.
const DEPTH_LIMIT: usize = 100;

pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Properties>, Flaw> {
    let documents = load_all(bytes, &Limits::default()).map_err(|error| flaw(&error))?;
    documents
        .iter()
        .filter(|document| !is_empty(document))
        .map(flatten)
        .collect()
}

fn flaw(error: &Error) -> Flaw {
    let cause = Cause::Yaml {
        kind: error.kind(),
        start: error.start().map(position),
    };
    Flaw::new(cause, error.mark().map(position), error.problem())
}

fn position(mark: Mark) -> Position {
    Position {
        line: mark.line,
        column: mark.column,
    }
}

/// Without content there is no document; `{}` is one, without properties.
fn is_empty(document: &Node) -> bool {
    match document.kind() {
        NodeKind::Null => true,
        NodeKind::Text(text) => text.is_empty(),
        NodeKind::List(elements) => elements.is_empty(),
        _ => false,
    }
}

/// What a node is to the collection around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The members of a set are keys, too; a key has no origin.
    Key,
    Value,
}

fn flatten(document: &Node) -> Result<Properties, Flaw> {
    let mut flattener = Flattener::default();
    match document.kind() {
        NodeKind::Map(entries) => flattener.map("", entries, 0)?,
        _ => flattener.node("document".into(), document, Role::Value, 0)?,
    }
    Ok(flattener.properties)
}

#[derive(Default)]
struct Flattener {
    properties: Properties,
    key_text: usize,
    /// How many lists we are in. There Spring Boot takes the keys of maps as they are, and fails if one is no text.
    lists: usize,
}

impl Flattener {
    fn map(&mut self, path: &str, entries: &[(Node, Node)], depth: usize) -> Result<(), Flaw> {
        self.properties.reserve(entries.len());
        for (key, value) in entries {
            let text = key_text(key)?;
            if self.lists > 0 && !matches!(key.kind(), NodeKind::Text(_)) {
                let at = Some(position(key.mark()));
                return Err(
                    Flaw::new(Cause::Key, at, "a key of a map in a list must be text")
                        .with_hint("quote the key: \"1\" instead of 1"),
                );
            }
            self.node(nested_key(path, &text), value, Role::Value, depth)?;
        }
        Ok(())
    }

    fn node(&mut self, key: String, node: &Node, role: Role, depth: usize) -> Result<(), Flaw> {
        let at = position(node.mark());
        if depth > DEPTH_LIMIT {
            return Err(Flaw::new(
                Cause::Limit,
                Some(at),
                format!("lists and maps nest more than {DEPTH_LIMIT} deep"),
            ));
        }
        match node.kind() {
            NodeKind::Map(entries) => self.map(&key, entries, depth + 1),
            NodeKind::List(elements) if !elements.is_empty() => {
                self.list(&key, elements, Role::Value, depth + 1)
            }
            NodeKind::Set(members) if !members.is_empty() => {
                self.list(&key, members, Role::Key, depth + 1)
            }
            scalar => {
                let value = scalar_value(scalar);
                let has_place = role == Role::Value && !matches!(scalar, NodeKind::Set(_));
                let origin = has_place.then_some(at);
                self.put(key, Property { value, origin })
            }
        }
    }

    fn list(
        &mut self,
        path: &str,
        elements: &[Node],
        role: Role,
        depth: usize,
    ) -> Result<(), Flaw> {
        self.lists += 1;
        for (index, element) in elements.iter().enumerate() {
            self.node(format!("{path}[{index}]"), element, role, depth)?;
        }
        self.lists -= 1;
        Ok(())
    }

    fn put(&mut self, key: String, property: Property) -> Result<(), Flaw> {
        self.key_text += key.len();
        if self.key_text > KEY_TEXT_LIMIT {
            return Err(Flaw::new(
                Cause::Limit,
                property.origin,
                format!("the flattened keys of the file take more than {KEY_TEXT_LIMIT} bytes"),
            ));
        }
        self.properties.insert(key, property);
        Ok(())
    }
}

/// The key of a property in a map, such as `a.b` or `a[b]`: a blank path does not count, and a key in brackets is appended
/// without a dot.
#[must_use]
pub fn nested_key(path: &str, key: &str) -> String {
    match path {
        _ if path.trim().is_empty() => key.to_owned(),
        _ if key.starts_with('[') => [path, key].concat(),
        _ => [path, ".", key].concat(),
    }
}

/// Text as it is, everything else in brackets; an empty list is empty text everywhere.
fn key_text(key: &Node) -> Result<String, Flaw> {
    match key.kind() {
        NodeKind::Text(text) => Ok(text.to_string()),
        NodeKind::List(elements) if elements.is_empty() => Ok(String::new()),
        NodeKind::Null => Err(Flaw::new(
            Cause::Key,
            Some(position(key.mark())),
            "nothing cannot be a key",
        )
        .with_hint("quote the key: `~`, `null` and an empty key mean nothing")),
        _ => Ok(format!("[{}]", java_text(key, 0)?)),
    }
}

/// As Java's `toString` writes collections and scalars.
fn java_text(node: &Node, depth: usize) -> Result<String, Flaw> {
    if depth > DEPTH_LIMIT {
        return Err(Flaw::new(
            Cause::Limit,
            Some(position(node.mark())),
            "the key nests too deeply",
        ));
    }
    let list = |nodes: &[Node]| -> Result<String, Flaw> {
        let elements = nodes
            .iter()
            .map(|element| java_text(element, depth + 1))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(format!("[{}]", elements.join(", ")))
    };
    match node.kind() {
        NodeKind::List(elements) if elements.is_empty() => Ok(String::new()),
        NodeKind::List(elements) => list(elements),
        NodeKind::Set(members) => list(members),
        NodeKind::Map(entries) => {
            let pair = |(key, value): &(Node, Node)| {
                Ok(format!(
                    "{}={}",
                    java_text(key, depth + 1)?,
                    java_text(value, depth + 1)?
                ))
            };
            Ok(format!(
                "{{{}}}",
                entries
                    .iter()
                    .map(pair)
                    .collect::<Result<Vec<_>, Flaw>>()?
                    .join(", ")
            ))
        }
        NodeKind::Float(value) => Ok(java_double(*value)),
        scalar => Ok(scalar_value(scalar).to_string()),
    }
}

/// Nothing and an empty list become empty text.
fn scalar_value(kind: &NodeKind) -> PropertyValue {
    match kind {
        NodeKind::Bool(value) => PropertyValue::Bool(*value),
        NodeKind::Integer(value) => PropertyValue::Integer(*value),
        NodeKind::BigInteger(digits) => PropertyValue::BigInteger(digits.clone()),
        NodeKind::Float(value) => PropertyValue::Float(*value),
        NodeKind::Text(text) => PropertyValue::Text(text.clone()),
        NodeKind::Binary(bytes) => PropertyValue::Bytes(bytes.as_slice().into()),
        NodeKind::Timestamp(millis) => PropertyValue::Timestamp(Timestamp::from_millis(*millis)),
        NodeKind::Null | NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Set(_) => "".into(),
    }
}
