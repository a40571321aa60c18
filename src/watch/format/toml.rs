//! Nested values as TOML.

use serde_json::Value;

/// Writes a JSON object. TOML knows no null: gaps in lists become empty text, as Spring has it for YAML's null.
pub(super) fn write(json: &str) -> Result<String, String> {
    let mut value: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    fill(&mut value);
    toml::to_string(&value).map_err(|error| format!("no TOML: {error}"))
}

fn fill(value: &mut Value) {
    match value {
        Value::Null => *value = Value::String(String::new()),
        Value::Array(elements) => elements.iter_mut().for_each(fill),
        Value::Object(members) => members.values_mut().for_each(fill),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
