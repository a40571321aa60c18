//! What a schema finds wrong, in words of whoever wrote the file; no value is named.

use confbus_resolution::Breach;
use jsonschema::{
    ValidationError,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;

/// Characters of what a schema allows that are told.
const LONGEST: usize = 200;

/// How the value at `key` breaks a rule.
pub(super) fn breach(error: &ValidationError<'_>, key: &str) -> Breach {
    match error.kind() {
        ValidationErrorKind::Required { property } => Breach::Missing {
            key: below(key, property.as_str().unwrap_or_default()),
        },
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => Breach::Unknown {
            keys: unexpected.iter().map(|name| below(key, name)).collect(),
        },
        kind => Breach::Value {
            must: must(kind).unwrap_or_else(|| error.masked().to_string()),
            key: key.to_owned(),
        },
    }
}

/// A name below a flattened key.
fn below(key: &str, name: &str) -> String {
    confbus_resolution::nested_key(key, name)
}

/// `None` for rules that are hardly ever written.
fn must(kind: &ValidationErrorKind) -> Option<String> {
    Some(match kind {
        ValidationErrorKind::Type { kind } => format!("must be {}", types(kind)),
        ValidationErrorKind::Maximum { limit } => format!("must be at most {limit}"),
        ValidationErrorKind::Minimum { limit } => format!("must be at least {limit}"),
        ValidationErrorKind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        ValidationErrorKind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        ValidationErrorKind::MaxLength { limit } => {
            format!("must have at most {limit} characters")
        }
        ValidationErrorKind::MinLength { limit } => {
            format!("must have at least {limit} characters")
        }
        ValidationErrorKind::MaxItems { limit } => format!("must have at most {limit} elements"),
        ValidationErrorKind::MinItems { limit } => format!("must have at least {limit} elements"),
        ValidationErrorKind::UniqueItems => "must not have the same element twice".into(),
        ValidationErrorKind::Pattern { pattern } => {
            format!("must match the pattern {}", short(pattern))
        }
        ValidationErrorKind::Format { format } => format!("must be of the format {format}"),
        ValidationErrorKind::Constant { expected_value } => {
            format!("must be {}", short(&expected_value.to_string()))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().into_iter().flatten();
            let options: Vec<_> = options.map(Value::to_string).collect();
            format!("must be one of {}", short(&options.join(", ")))
        }
        _ => return None,
    })
}

fn types(kind: &TypeKind) -> String {
    let named = |name: String| match name.as_str() {
        "array" => "a list".to_owned(),
        "object" => "a section with keys of its own".to_owned(),
        "integer" => "a whole number".to_owned(),
        "number" => "a number".to_owned(),
        "string" => "text".to_owned(),
        "boolean" => "true or false".to_owned(),
        "null" => "empty".to_owned(),
        _ => name,
    };
    match kind {
        TypeKind::Single(one) => named(one.to_string()),
        TypeKind::Multiple(many) => {
            let names: Vec<_> = many.iter().map(|one| named(one.to_string())).collect();
            names.join(" or ")
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
