use ::axum::{
    extract::{OriginalUri, Path, State},
    http::StatusCode,
};
use confbus_protocol::PropertyValue;
use serde_json::{Map, Value, json};

use super::{
    Actuator,
    answer::{Answer, Failure},
    refresh::VERSION_KEY,
};
use crate::Snapshot;

const MASK: &str = "******";

/// Every key in the source whose value is the effective one.
pub(super) async fn whole(State(actuator): State<Actuator>) -> Answer {
    let snapshot = actuator.client.snapshot();
    let version = snapshot.version().map(|version| {
        let properties = json!({ VERSION_KEY: { "value": version } });
        json!({ "name": "configClient", "properties": properties })
    });
    let sources = snapshot.sources().map(|source| {
        let properties: Map<String, Value> = snapshot
            .keys()
            .filter_map(|key| Some((key, snapshot.origin(key)?)))
            .filter(|(_, origin)| origin.source == source)
            .map(|(key, origin)| {
                let value = actuator.shown(&snapshot, key);
                let property = json!({ "value": value, "origin": origin.to_string() });
                (key.to_owned(), property)
            })
            .collect();
        json!({ "name": source, "properties": properties })
    });
    let body = json!({
        "activeProfiles": snapshot.profiles().collect::<Vec<_>>(),
        "defaultProfiles": ["default"],
        "propertySources": version.into_iter().chain(sources).collect::<Vec<_>>(),
    });
    Answer(StatusCode::OK, body)
}

/// One key, in any spelling.
pub(super) async fn one(
    State(actuator): State<Actuator>,
    Path(key): Path<String>,
    uri: OriginalUri,
) -> Result<Answer, Failure> {
    let snapshot = actuator.client.snapshot();
    let origin = snapshot
        .origin(&key)
        .ok_or_else(|| Failure::new(StatusCode::NOT_FOUND, None, &uri))?;
    let value = actuator.shown(&snapshot, &key);
    let property = json!({ "value": value, "origin": origin.to_string() });
    let body = json!({
        "property": { "source": origin.source, "value": value },
        "activeProfiles": snapshot.profiles().collect::<Vec<_>>(),
        "defaultProfiles": ["default"],
        "propertySources": [{ "name": origin.source, "property": property }],
    });
    Ok(Answer(StatusCode::OK, body))
}

impl Actuator {
    fn shown(&self, snapshot: &Snapshot, key: &str) -> Value {
        if !self.shows_values || snapshot.hides(key) {
            return MASK.into();
        }
        match snapshot.get(key) {
            None | Some(PropertyValue::Null) => Value::Null,
            Some(PropertyValue::Bool(flag)) => (*flag).into(),
            Some(PropertyValue::Integer(number)) => (*number).into(),
            Some(PropertyValue::Float(number)) => (*number).into(),
            Some(other) => other.to_string().into(),
        }
    }
}
