#![no_main]
//! What was read is written so that it reads back.

use confbus_snake_yaml::{Limits, Node, NodeKind, Value, dump, load_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = Limits::default();
    let Ok(documents) = load_all(bytes, &limits) else {
        return;
    };
    for value in documents.iter().filter_map(value) {
        let yaml = dump(&value);
        let read = load_all(yaml.as_bytes(), &limits).expect("what is written can be read");
        let again = read.first().and_then(self::value);
        assert_eq!(again.map(|again| dump(&again)), Some(yaml));
    }
});

/// Nothing for what the writer cannot express, or SnakeYAML writes so that it reads back as something else.
fn value(node: &Node) -> Option<Value> {
    Some(match node.kind() {
        NodeKind::Null => Value::Null,
        NodeKind::Bool(value) => Value::Bool(*value),
        NodeKind::Integer(value) => Value::Integer(*value),
        NodeKind::BigInteger(digits) => Value::BigInteger(digits.clone()),
        NodeKind::Float(value) => Value::Float(*value),
        NodeKind::Text(text) => Value::Text(Some(text.clone()).filter(|text| survives(text))?),
        NodeKind::Binary(bytes) => Value::Binary(bytes.as_slice().into()),
        NodeKind::List(items) => Value::List(items.iter().map(value).collect::<Option<_>>()?),
        NodeKind::Map(entries) => Value::Map(entries.iter().map(entry).collect::<Option<_>>()?),
        _ => return None,
    })
}

fn entry((key, value): &(Node, Node)) -> Option<(String, Value)> {
    match key.kind() {
        NodeKind::Text(text) if survives(text) => Some((text.to_string(), self::value(value)?)),
        _ => None,
    }
}

fn survives(text: &str) -> bool {
    let lost = |c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}');
    !text.contains(lost) && !text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}
