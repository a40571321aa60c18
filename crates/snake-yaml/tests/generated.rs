//! What holds for every text and every value.

use confbus_snake_yaml::{Limits, Node, NodeKind, Value, dump, load_all};
use proptest::{collection::vec, prelude::*};

/// Texts of the pieces that mean something to YAML.
fn yaml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[ \n]{1,3}",
        4 => "[a-c]{1,2}",
        3 => r#"[-?:,\[\]{}#&*!|>'"%@`]"#,
        2 => "(: |- |\\? |--- |\\.\\.\\.\n|<<: |[*]a|&a |!!str |!!set |!!omap |\\|[-+2]|>\n|\t|\\\\|\"\")",
        1 => "(0x1F|1_0|1:30|\\.inf|~|yes|1e3|2001-01-01)",
        1 => "[\r\u{85}\u{2028}\u{FEFF}é😀\u{7}]",
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        yaml(),
        ".{0,30}",
        "[ a-z]{60,200}",
        "[ a-z\"\\\\\t\n]{60,200}"
    ]
}

/// Text that can be written as it is; of other texts only Base64 comes back.
fn printable(text: &str) -> bool {
    let allowed = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='~' | '\u{85}' | '\u{A0}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars().all(allowed)
}

fn value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        "[1-9][0-9]{19,40}".prop_map(|digits| Value::BigInteger(digits.into())),
        any::<f64>().prop_map(Value::Float),
        vec(any::<u8>(), 0..80).prop_map(|bytes| Value::Binary(bytes.into())),
        text().prop_map(|text| Value::Text(text.into())),
    ];
    scalar.prop_recursive(4, 40, 6, |inner| {
        let map = proptest::collection::hash_map(text(), inner.clone(), 0..6);
        prop_oneof![
            vec(inner, 0..6).prop_map(Value::List),
            map.prop_map(|entries| Value::Map(entries.into_iter().collect())),
        ]
    })
}

/// Whether a node is what was written.
fn is_same(value: &Value, node: &Node) -> bool {
    match (value, node.kind()) {
        (Value::Null, NodeKind::Null) => true,
        (Value::Bool(written), NodeKind::Bool(read)) => written == read,
        (Value::Integer(written), NodeKind::Integer(read)) => written == read,
        (Value::BigInteger(written), NodeKind::BigInteger(read)) => written == read,
        (Value::Float(written), NodeKind::Float(read)) => {
            written.to_bits() == read.to_bits() || written.is_nan() && read.is_nan()
        }
        (Value::Binary(written), NodeKind::Binary(read)) => **written == **read,
        (Value::Text(written), kind) => is_same_text(written, kind),
        (Value::List(written), NodeKind::List(read)) => {
            written.len() == read.len()
                && written
                    .iter()
                    .zip(read)
                    .all(|(value, node)| is_same(value, node))
        }
        (Value::Map(written), NodeKind::Map(read)) => {
            let same = |(written, read): (&(String, Value), &(Node, Node))| {
                is_same_text(&written.0, read.0.kind()) && is_same(&written.1, &read.1)
            };
            written.len() == read.len() && written.iter().zip(read).all(same)
        }
        _ => false,
    }
}

fn is_same_text(written: &str, read: &NodeKind) -> bool {
    match read {
        NodeKind::Text(read) => *written == **read,
        NodeKind::Binary(read) => !printable(written) && written.as_bytes() == read.as_slice(),
        _ => false,
    }
}

/// A literal block loses these: SnakeYAML writes them so, and reads a line feed, or nothing.
fn survives(text: &str) -> bool {
    let odd_break = |c| matches!(c, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}');
    !text.contains(odd_break)
}

fn all_survive(value: &Value) -> bool {
    match value {
        Value::Text(text) => survives(text),
        Value::List(items) => items.iter().all(all_survive),
        Value::Map(entries) => entries
            .iter()
            .all(|(key, value)| survives(key) && all_survive(value)),
        _ => true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn no_text_stops_the_reader(yaml in yaml()) {
        let limits = Limits::default();
        match load_all(yaml.as_bytes(), &limits) {
            Ok(documents) => {
                let lines = u32::try_from(yaml.chars().count()).unwrap() + 1;
                prop_assert!(documents.iter().all(|document| document.mark().line <= lines));
            }
            Err(error) => prop_assert!(!error.problem().is_empty() && !error.problem().contains('\n')),
        }
    }

    #[test]
    fn no_bytes_stop_the_reader(bytes in vec(any::<u8>(), 0..200)) {
        _ = load_all(&bytes, &Limits::default());
    }

    #[test]
    fn every_limit_is_kept(yaml in yaml(), depth in 0_usize..4, nodes in 0_usize..10) {
        let limits = Limits { depth, nodes, ..Limits::default() };
        if let Ok(documents) = load_all(yaml.as_bytes(), &limits) {
            prop_assert!(documents.len() <= nodes);
        }
    }

    #[test]
    fn what_is_written_reads_back(value in value().prop_filter("survives", all_survive)) {
        let yaml = dump(&value);
        let documents = load_all(yaml.as_bytes(), &Limits::default());
        let documents = documents.map_err(|error| TestCaseError::fail(format!("{error}\n{yaml}")))?;
        prop_assert_eq!(documents.len(), 1, "{}", yaml);
        prop_assert!(is_same(&value, &documents[0]), "{}\n{:?}", yaml, documents);
    }
}
