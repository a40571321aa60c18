//! Effective configuration as a JSON document, for schemas.

use confbus_protocol::Environment;
use confbus_resolution::{
    Breach, BrokenRule, Cause, Conversion, ConvertError, Format, Placeholders, Problem, convert,
};
use jsonschema::{ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use super::{MAX_PROBLEMS, breach::breach, schemas::Schema, winners::Winners};

/// Texts that count as what they say, in one environment.
const MOST_TEXTS: usize = 1000;

/// What schemas find wrong with an environment.
pub(super) fn problems(
    schemas: &[Schema],
    environment: &Environment,
    winners: &Winners<'_>,
) -> Vec<Problem> {
    let mut instance = match instance(environment) {
        Ok(instance) => instance,
        Err(error) => return vec![unfit(&error, winners)],
    };
    let mut problems = Vec::new();
    for schema in schemas {
        match schema.validator() {
            Err(problem) => problems.push(problem),
            Ok(validator) => {
                let as_written = instance.clone();
                read_texts(&mut instance, validator.iter_errors(&as_written));
                let errors = validator.iter_errors(&instance);
                let errors = errors.filter(|error| !is_open(&instance, error));
                problems.extend(
                    errors
                        .take(MAX_PROBLEMS)
                        .map(|error| problem(&instance, &error, schema, winners)),
                );
            }
        }
    }
    problems
}

/// Placeholders that lead somewhere are replaced.
fn instance(environment: &Environment) -> Result<Value, ConvertError> {
    let conversion = |placeholders| Conversion {
        format: Format::Json,
        placeholders,
        strip_document: false,
    };
    let resolved = convert(environment, conversion(Placeholders::Resolve))?;
    if let Ok(instance) = serde_json::from_str(&resolved) {
        return Ok(instance);
    }
    // A value with a quote in it, put where a placeholder stood, makes other JSON.
    let kept = convert(environment, conversion(Placeholders::Keep))?;
    Ok(serde_json::from_str(&kept).unwrap_or_default())
}

/// Keys that contradict each other.
fn unfit(error: &ConvertError, winners: &Winners<'_>) -> Problem {
    let key = match error {
        ConvertError::Key { key }
        | ConvertError::Circular { key }
        | ConvertError::Clash { key } => key.as_str(),
        _ => "",
    };
    Problem {
        origin: winners.origin(key),
        problem: error.to_string(),
        hint: None,
        cause: match error {
            ConvertError::Circular { .. } => Cause::Circle,
            ConvertError::TooLarge { .. } => Cause::Limit,
            ConvertError::Key { .. } => Cause::Key,
            _ => Cause::Clash,
        },
    }
}

/// A text of a `.properties` file, or one that is quoted, is bound as the number or boolean that it says: where a schema
/// wants one it counts as that.
fn read_texts<'e>(instance: &mut Value, errors: impl Iterator<Item = ValidationError<'e>>) {
    for error in errors.take(MOST_TEXTS) {
        if !matches!(error.kind(), ValidationErrorKind::Type { .. }) {
            continue;
        }
        let place = instance.pointer_mut(error.instance_path().as_str());
        let Some(place) = place else { continue };
        if let Some(said) = place.as_str().and_then(scalar) {
            *place = said;
        }
    }
}

fn scalar(text: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(text.trim()).ok()?;
    (value.is_number() || value.is_boolean()).then_some(value)
}

/// Whether the value is known only where the application runs.
fn is_open(instance: &Value, error: &ValidationError<'_>) -> bool {
    let value = instance.pointer(error.instance_path().as_str());
    let text = value.and_then(Value::as_str);
    text.is_some_and(|text| text.contains("${"))
}

fn problem(
    instance: &Value,
    error: &ValidationError<'_>,
    schema: &Schema,
    winners: &Winners<'_>,
) -> Problem {
    let key = key_of(instance, error.instance_path().as_str());
    let what = error.masked();
    let says = if key.is_empty() {
        format!("{what}, says {}", schema.path)
    } else {
        format!("`{key}`: {what}, says {}", schema.path)
    };
    let breach = breach(error, &key);
    let place = match &breach {
        Breach::Unknown { keys } => keys.first(),
        Breach::Value { .. } | Breach::Missing { .. } => None,
    };
    Problem {
        origin: winners.origin(place.unwrap_or(&key)),
        problem: says.replace(['\r', '\n'], " "),
        hint: None,
        cause: Cause::Schema(Box::new(BrokenRule {
            rule: format!("{}#{}", schema.path, error.schema_path()),
            breach,
        })),
    }
}

/// `/a/b/0` as the flattened key `a.b[0]`.
fn key_of(instance: &Value, pointer: &str) -> String {
    let (mut key, mut value) = (String::new(), Some(instance));
    for step in pointer.split('/').skip(1) {
        let step = step.replace("~1", "/").replace("~0", "~");
        match value {
            Some(Value::Array(elements)) => {
                key.push_str(&format!("[{step}]"));
                value = step.parse().ok().and_then(|at: usize| elements.get(at));
            }
            _ => {
                if !key.is_empty() {
                    key.push('.');
                }
                key.push_str(&step);
                value = value.and_then(|value| value.get(&step));
            }
        }
    }
    key
}
