use confbus_protocol::PropertyValue;
use confbus_snake_yaml::{Value, dump};

use super::tree::{Map, Tree};

pub(super) enum Yaml {
    Whole(String),
    /// A document that is not a map, without the `document` that held it.
    Stripped(String),
}

impl Yaml {
    pub(super) fn of(mut root: Map, strip_document: bool) -> Self {
        if strip_document && root.len() == 1 {
            match root.swap_remove("document") {
                // Spring dumps it as text whatever it is, so a number is quoted.
                Some(Tree::Value(value)) => {
                    return Self::Stripped(dump(&Value::Text(value.to_string().into())));
                }
                Some(list @ Tree::List(_)) => return Self::Stripped(dump(&value(list))),
                Some(other) => _ = root.insert("document".into(), other),
                None => {}
            }
        }
        Self::Whole(dump(&value(Tree::Map(root))))
    }
}

fn value(tree: Tree) -> Value {
    match tree {
        Tree::Null => Value::Null,
        Tree::List(elements) => Value::List(elements.into_iter().map(value).collect()),
        Tree::Map(map) => Value::Map(
            map.into_iter()
                .map(|(key, tree)| (key, value(tree)))
                .collect(),
        ),
        Tree::Value(scalar) => match scalar {
            PropertyValue::Null => Value::Null,
            PropertyValue::Bool(value) => Value::Bool(value),
            PropertyValue::Integer(value) => Value::Integer(value),
            PropertyValue::BigInteger(digits) => Value::BigInteger(digits),
            PropertyValue::Float(value) => Value::Float(value),
            PropertyValue::Text(text) => Value::Text(text),
            PropertyValue::Timestamp(timestamp) => Value::Timestamp(timestamp.to_yaml().into()),
            PropertyValue::Bytes(bytes) => Value::Binary(bytes.as_slice().into()),
        },
    }
}
