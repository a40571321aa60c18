//! [`Snapshot`] as a source of the crate [`config`].
//!
//! Layering with files, flags and the environment is that crate's; what comes from the server arrives with the place of
//! each value, so that its errors can name the line.
//!
//! ```
//! use confbus_client::{Live, Rejection, Snapshot, testing};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize, PartialEq)]
//! #[serde(rename_all = "kebab-case")]
//! struct Pool { max: u32, idle_timeout: String }
//!
//! # let variables: config::Map<_, _> = [("SHOP__POOL__MAX".to_owned(), "20".to_owned())].into_iter().collect();
//! let layered = move |from_server: &Snapshot| {
//!     config::Config::builder()
//!         .set_default("pool.idle-timeout", "1s")?
//!         .add_source(from_server.clone())
//!         .add_source(
//!             config::Environment::with_prefix("SHOP")
//!                 .separator("__")
//! #               .source(Some(variables.clone()))
//!                 .try_parsing(true),
//!         )
//!         .build()?
//!         .get::<Pool>("pool")
//! };
//!
//! let (client, mut server) = testing::client([("pool.max", json!(10)), ("pool.idle-timeout", json!("30s"))]);
//! let pool: Live<Pool> = client.bind_with(layered).live()?;
//! // SHOP__POOL__MAX=20 is above the server, the default below it.
//! assert_eq!((pool.load().max, pool.load().idle_timeout.as_str()), (20, "30s"));
//!
//! server.push([("pool.max", 10)])?;
//! assert_eq!(pool.load().idle_timeout, "1s");
//! # Ok::<_, Rejection>(())
//! ```
//!
//! Keys stand as they are written: `idle-timeout` and `IDLE_TIMEOUT` are one name to [`Snapshot::bind`], but two to
//! `config`, unless its feature `convert-case` makes them meet. Keys deeper than 64 steps are left out.

use ::config::{ConfigError, Map, Source, Value, ValueKind};
use confbus_protocol::{PropertyValue, looks_secret};

use crate::{Rejection, Snapshot, bind::Node};

/// Every key with its value and its place, such as `orders-dev.yml:14:8`; nothing is fetched.
impl Source for Snapshot {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        match self.unusable() {
            Some(rejection) => Err(ConfigError::Foreign(Box::new(rejection))),
            None => Ok(table(self, self.tree())),
        }
    }
}

/// What the closure of [`Client::bind_with`](crate::Client::bind_with) says. No value is quoted when its key looks secret.
impl From<ConfigError> for Rejection {
    fn from(error: ConfigError) -> Self {
        match key_of(&error) {
            Some(key) if looks_secret(key) => Self::at(key, "does not fit its type"),
            _ => Self::new(error),
        }
    }
}

fn key_of(error: &ConfigError) -> Option<&str> {
    match error {
        ConfigError::Type { key, .. } => key.as_deref(),
        ConfigError::At { error, key, .. } => key.as_deref().or_else(|| key_of(error)),
        _ => None,
    }
}

fn table(snapshot: &Snapshot, node: &Node) -> Map<String, Value> {
    node.named
        .values()
        .map(|child| (child.name.clone(), value(snapshot, child)))
        .collect()
}

fn value(snapshot: &Snapshot, node: &Node) -> Value {
    let kind = if !node.named.is_empty() {
        ValueKind::Table(table(snapshot, node))
    } else if node.is_list() {
        let elements = node.elements.values();
        ValueKind::Array(elements.map(|child| value(snapshot, child)).collect())
    } else {
        kind(snapshot.value_of(node))
    };
    let origin = snapshot.origin(&node.path);
    Value::new(origin.map(|origin| origin.to_string()).as_ref(), kind)
}

fn kind(value: Option<&PropertyValue>) -> ValueKind {
    match value {
        None | Some(PropertyValue::Null) => ValueKind::Nil,
        Some(PropertyValue::Bool(flag)) => ValueKind::Boolean(*flag),
        Some(PropertyValue::Integer(number)) => ValueKind::I64(*number),
        Some(PropertyValue::Float(number)) => ValueKind::Float(*number),
        Some(PropertyValue::BigInteger(digits)) => match (digits.parse(), digits.parse()) {
            (Ok(number), _) => ValueKind::U64(number),
            (_, Ok(number)) => ValueKind::I128(number),
            _ => ValueKind::String(digits.to_string()),
        },
        Some(other) => ValueKind::String(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use serde_json::json;

    use crate::{Rejection, testing};

    fn built(
        entries: impl IntoIterator<Item = (&'static str, serde_json::Value)>,
    ) -> ::config::Config {
        let (client, _server) = testing::client(entries);
        ::config::Config::builder()
            .add_source(client.snapshot())
            .build()
            .unwrap()
    }

    #[test]
    fn types_lists_and_names_in_brackets_arrive() {
        let config = built([
            ("pool.max", json!(10)),
            ("pool.ratio", json!(0.5)),
            ("pool.big", json!(18_446_744_073_709_551_615_u64)),
            ("hosts", json!(["a", {"name": "b"}])),
            ("logging.level.[org.example]", json!("debug")),
        ]);
        assert_eq!(config.get::<u8>("pool.max").unwrap(), 10);
        assert_eq!(config.get::<f64>("pool.ratio").unwrap(), 0.5);
        assert_eq!(config.get::<u64>("pool.big").unwrap(), u64::MAX);
        assert_eq!(config.get::<String>("hosts[0]").unwrap(), "a");
        assert_eq!(config.get::<String>("hosts[1].name").unwrap(), "b");
        let levels: HashMap<String, String> = config.get("logging.level").unwrap();
        assert_eq!(levels["org.example"], "debug");
    }

    #[test]
    fn an_error_names_key_and_place() {
        let config = built([("a.b", json!(1)), ("pool.max", json!("ten"))]);
        let error = config
            .try_deserialize::<HashMap<String, HashMap<String, u32>>>()
            .unwrap_err();
        assert!(error.to_string().contains("test.yml:"), "{error}");
        let error = built([("max", json!("ten"))])
            .get::<u32>("max")
            .unwrap_err();
        assert!(error.to_string().contains("test.yml:1:1"), "{error}");
    }

    #[test]
    fn a_refusal_quotes_no_secret() {
        let config = built([("db.pin", json!("s3cret"))]);
        let error = config.get::<u32>("db.pin").unwrap_err();
        assert!(
            error.to_string().contains("s3cret"),
            "nothing to hide: {error}"
        );
        assert_eq!(
            Rejection::from(error).to_string(),
            "`db.pin`: does not fit its type"
        );
    }

    #[test]
    fn a_section_hides_the_value_of_the_same_name() {
        let config = built([("a", json!("x")), ("a.b", json!("y"))]);
        assert_eq!(config.get::<String>("a.b").unwrap(), "y");
    }
}
