//! Live configuration for the tests of an application: no server, no port, no sleep, nothing shared between tests.
//!
//! What is pushed goes through the same code as what a server sends: everything bound agrees, or nothing moves.
//!
//! ```
//! use confbus_client::{Live, testing};
//! use serde_json::json;
//!
//! #[derive(serde::Deserialize, PartialEq)]
//! struct Pool { max: u32 }
//!
//! let (client, mut server) = testing::client([("pool.max", json!(10)), ("hosts", json!(["a", "b"]))]);
//! let pool: Live<Pool> = client.bind("pool").live().unwrap();
//!
//! let rejection = server.push([("pool.max", json!("ten"))]).unwrap_err();
//! assert_eq!(rejection.to_string(), r#"`pool.max`: expected u32, found text "ten" (test.yml:1:1)"#);
//! assert_eq!(pool.load().max, 10);
//!
//! let applied = server.push([("pool.max", json!(20))]).unwrap();
//! assert_eq!(applied.changed, ["hosts[0]", "hosts[1]", "pool.max"]);
//! ```

use std::{sync::Arc, time::SystemTime};

use confbus_protocol::{
    BusId, Environment, Member, Position, Properties, Property, PropertySource, PropertyValue,
};
use futures_util::FutureExt;
use serde_json::Value;

use crate::{
    Client, Rejection,
    store::{self, Probes},
};

/// Plays the server of one client.
#[derive(Debug)]
pub struct FakeServer {
    client: Client,
    pushes: u32,
}

/// What an accepted push did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The version it made: `test-1`, `test-2`, …
    pub version: String,
    /// The keys that moved, sorted.
    pub changed: Vec<String>,
    /// The keys that wait for a restart, sorted.
    pub restart: Vec<String>,
}

/// A client with these keys, which stand in `test.yml`, one a line; and its server.
///
/// A value may be a list or an object; it is flattened as a server does.
///
/// # Panics
/// Never: the bus id `test:0:0` is a valid one.
#[must_use]
pub fn client<K: Into<String>, V: Into<Value>>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> (Client, FakeServer) {
    let id = BusId::new("test:0:0").expect("it has three parts and no pattern");
    let client = Client::detached(
        &environment(0, entries),
        Member {
            id,
            config_names: Vec::new(),
        },
    );
    (client.clone(), FakeServer { client, pushes: 0 })
}

impl FakeServer {
    /// Replaces the whole configuration, as a commit does; what is not in it is gone.
    ///
    /// # Errors
    /// [`Rejection`] when something bound does not agree, or when a probe has to wait; then nothing moves.
    pub fn push<K: Into<String>, V: Into<Value>>(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Applied, Rejection> {
        let pushed = self.push_async(entries).now_or_never();
        pushed.unwrap_or_else(|| Err(Rejection::new("a probe has to wait: use `push_async`")))
    }

    /// As [`push`](Self::push), and waits for [probes](crate::Binding::probe).
    ///
    /// # Errors
    /// [`Rejection`] when something bound does not agree; then nothing moves.
    pub async fn push_async<K: Into<String>, V: Into<Value>>(
        &mut self,
        entries: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Applied, Rejection> {
        self.pushes += 1;
        let environment = environment(self.pushes, entries);
        let version = environment.version.clone().unwrap_or_default();
        let next = self.client.snapshot().next(&environment);
        let turn = self.client.store().turn().await;
        let outcome = turn.apply(&next, Probes::Asked).await;
        drop(turn);
        self.client.board().change(|health| {
            health.last_contact = Some(SystemTime::now());
            match &outcome {
                Ok(_) => (health.version, health.refused) = (Some(version.clone()), None),
                Err(rejection) => health.refused = Some(format!("version {version}: {rejection}")),
            }
        });
        let store::Applied { changed, restart } = outcome?;
        self.client.trial().forget_others(Some(&version));
        self.client.board().needs_restart(&restart);
        Ok(Applied {
            version,
            changed,
            restart,
        })
    }
}

fn environment<K: Into<String>, V: Into<Value>>(
    version: u32,
    entries: impl IntoIterator<Item = (K, V)>,
) -> Environment {
    let mut source = Properties::new();
    for (line, (key, value)) in (1..).zip(entries) {
        flatten(
            key.into(),
            value.into(),
            Position { line, column: 1 },
            &mut source,
        );
    }
    Environment {
        name: "test".to_owned(),
        profiles: vec!["default".to_owned()],
        version: Some(format!("test-{version}")),
        property_sources: vec![PropertySource {
            name: "test.yml".to_owned(),
            source: Arc::new(source),
        }],
        ..Environment::default()
    }
}

fn flatten(key: String, value: Value, position: Position, into: &mut Properties) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (field, value) in fields {
                flatten(format!("{key}.{field}"), value, position, into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.into_iter().enumerate() {
                flatten(format!("{key}[{index}]"), value, position, into);
            }
        }
        scalar => {
            // An empty list or object is served as empty text.
            let value = serde_json::from_value(scalar).unwrap_or_else(|_| PropertyValue::from(""));
            into.insert(
                key,
                Property {
                    value,
                    origin: Some(position),
                },
            );
        }
    }
}
