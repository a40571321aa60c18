//! [`Snapshot`] as a provider of the crate [`figment`].
//!
//! ```
//! use confbus_client::{Live, Rejection, Snapshot, testing};
//! use figment::{Figment, providers::Env};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize, PartialEq)]
//! struct Shop { pool: Pool }
//! #[derive(serde::Deserialize, PartialEq)]
//! #[serde(rename_all = "kebab-case")]
//! struct Pool { max: u32, idle_timeout: String }
//!
//! # figment::Jail::expect_with(|jail| {
//! # jail.set_env("SHOP_POOL__MAX", "20");
//! let layered = |from_server: &Snapshot| {
//!     Figment::from(from_server.clone())
//!         .merge(Env::prefixed("SHOP_").split("__"))
//!         .extract::<Shop>()
//! };
//!
//! let (client, mut server) = testing::client([("pool.max", json!(10)), ("pool.idle-timeout", json!("30s"))]);
//! let shop: Live<Shop> = client.bind_with(layered).live().map_err(|error| error.to_string())?;
//! // SHOP_POOL__MAX=20 is above the server.
//! assert_eq!((shop.load().pool.max, shop.load().pool.idle_timeout.as_str()), (20, "30s"));
//!
//! let refused = server.push([("pool.idle-timeout", json!(30))]).unwrap_err();
//! assert!(refused.to_string().contains("pool.idle-timeout (test.yml:1:1)"), "{refused}");
//! # Ok(())
//! # });
//! ```
//!
//! Errors name the place when the whole is extracted; `extract_inner` of figment 0.10 turns the key around and loses it.
//! Keys stand as they are written, so `idle-timeout` is not `IDLE_TIMEOUT`, unless `Env::map` makes them meet.
//! Keys deeper than 64 steps are left out.

use ::figment::{
    Error, Metadata, Profile, Provider,
    value::{Dict, Empty, Map, Tag, Value},
};
use confbus_protocol::{PropertyValue, looks_secret};

use crate::{Rejection, Snapshot, bind::Node};

/// Every key under the default profile; nothing is fetched. Errors name the place, such as `orders-dev.yml:14:8`.
impl Provider for Snapshot {
    fn metadata(&self) -> Metadata {
        let version = self.version().unwrap_or("unknown");
        let snapshot = self.clone();
        Metadata::named(format!("configuration of version {version}")).interpolater(
            move |_: &Profile, keys: &[&str]| {
                let key = keys.join(".");
                match snapshot.origin(&key) {
                    Some(origin) => format!("{key} ({origin})"),
                    None => key,
                }
            },
        )
    }

    fn data(&self) -> Result<Map<Profile, Dict>, Error> {
        match self.unusable() {
            Some(rejection) => Err(Error::from(rejection.to_string())),
            None => Ok(Map::from([(Profile::Default, dict(self, self.tree()))])),
        }
    }
}

/// What the closure of [`Client::bind_with`](crate::Client::bind_with) says. No value is quoted when its key looks secret.
impl From<Error> for Rejection {
    fn from(error: Error) -> Self {
        let key = error.path.join(".");
        if looks_secret(&key) {
            Self::at(key, "does not fit its type")
        } else {
            Self::new(error)
        }
    }
}

fn dict(snapshot: &Snapshot, node: &Node) -> Dict {
    node.named
        .values()
        .map(|child| (child.name.clone(), value(snapshot, child)))
        .collect()
}

fn value(snapshot: &Snapshot, node: &Node) -> Value {
    if !node.named.is_empty() {
        Value::Dict(Tag::Default, dict(snapshot, node))
    } else if node.is_list() {
        let elements = node.elements.values();
        let values = elements.map(|child| value(snapshot, child)).collect();
        Value::Array(Tag::Default, values)
    } else {
        leaf(snapshot.value_of(node))
    }
}

fn leaf(value: Option<&PropertyValue>) -> Value {
    match value {
        None | Some(PropertyValue::Null) => Value::Empty(Tag::Default, Empty::None),
        Some(PropertyValue::Bool(flag)) => Value::from(*flag),
        Some(PropertyValue::Integer(number)) => Value::from(*number),
        Some(PropertyValue::Float(number)) => Value::from(*number),
        Some(PropertyValue::BigInteger(digits)) => {
            match (digits.parse::<u64>(), digits.parse::<i128>()) {
                (Ok(number), _) => Value::from(number),
                (_, Ok(number)) => Value::from(number),
                _ => Value::from(digits.to_string()),
            }
        }
        Some(other) => Value::from(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use ::figment::Figment;
    use serde_json::json;

    use crate::{Rejection, testing};

    fn figment(entries: impl IntoIterator<Item = (&'static str, serde_json::Value)>) -> Figment {
        let (client, _server) = testing::client(entries);
        Figment::from(client.snapshot())
    }

    #[test]
    fn types_lists_and_names_in_brackets_arrive() {
        let figment = figment([
            ("pool.max", json!(10)),
            ("pool.big", json!(18_446_744_073_709_551_615_u64)),
            ("hosts", json!(["a", {"name": "b"}])),
            ("logging.level.[org.example]", json!("debug")),
        ]);
        assert_eq!(figment.extract_inner::<u8>("pool.max").unwrap(), 10);
        assert_eq!(figment.extract_inner::<u64>("pool.big").unwrap(), u64::MAX);
        let hosts: (String, HashMap<String, String>) = figment.extract_inner("hosts").unwrap();
        assert_eq!((hosts.0.as_str(), hosts.1["name"].as_str()), ("a", "b"));
        let levels: HashMap<String, String> = figment.extract_inner("logging.level").unwrap();
        assert_eq!(levels["org.example"], "debug");
    }

    #[test]
    fn an_error_names_key_and_place() {
        let error = figment([("a.b", json!(1)), ("pool.max", json!("ten"))])
            .extract::<HashMap<String, HashMap<String, u32>>>()
            .unwrap_err();
        assert!(
            error.to_string().contains("pool.max (test.yml:2:1)"),
            "{error}"
        );
    }

    #[test]
    fn a_refusal_quotes_no_secret() {
        let error = figment([("db.pin", json!("s3cret"))])
            .extract::<HashMap<String, HashMap<String, u32>>>()
            .unwrap_err();
        assert!(
            error.to_string().contains("s3cret"),
            "nothing to hide: {error}"
        );
        assert_eq!(
            Rejection::from(error).to_string(),
            "`db.pin`: does not fit its type"
        );
    }
}
