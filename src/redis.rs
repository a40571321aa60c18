//! Configuration from hashes of Redis: one for each profile and one for the application itself, as Spring names them.

mod allowance;
mod connection;
mod error;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{FromRedisValue, Pipeline, pipe};
use confbus_protocol::{Properties, Property, PropertySource, PropertyValue};
use confbus_resolution::EnvironmentRequest;
use futures_util::{FutureExt as _, future::BoxFuture};
use secrecy::SecretString;

use crate::{
    lookups::{LookupError, Place, Store},
    network::authority,
};
use connection::{Connection, Encryption};

/// Hashes that one request may have read; people have a handful of profiles.
const MOST_KEYS: usize = 100;

/// How much text the hashes of one request may take, keys and values.
const TEXT_LIMIT: usize = 16 << 20;

const KIND: &str = "redis";

/// One Redis, and how to log in.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) username: Option<String>,
    pub(crate) password: Option<SecretString>,
    /// By its number.
    pub(crate) database: u32,
    pub(crate) has_tls: bool,
}

impl Place for Settings {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn shown(&self) -> String {
        let scheme = if self.has_tls { "rediss" } else { "redis" };
        let authority = authority(&self.host, self.port);
        format!("{scheme}://{authority}/{}", self.database)
    }

    fn identity(&self) -> Vec<String> {
        let numbers = [self.port.into(), self.database].map(|number| number.to_string());
        [self.host.clone()].into_iter().chain(numbers).collect()
    }

    fn default_label(&self) -> Option<&str> {
        None
    }

    fn open(&self) -> Result<Box<dyn Store>, String> {
        let encryption = self.has_tls.then(|| Encryption::with(&self.host));
        Ok(Box::new(Redis {
            settings: self.clone(),
            encryption: encryption.transpose()?,
            connection: Mutex::default(),
        }))
    }
}

/// One connection, on which questions do not wait for each other.
struct Redis {
    settings: Settings,
    encryption: Option<Encryption>,
    connection: Mutex<Option<Connection>>,
}

impl fmt::Debug for Redis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.settings.shown())
    }
}

type Hash = Vec<(Vec<u8>, Vec<u8>)>;

impl Store for Redis {
    /// There are no labels.
    fn of_one_answer(&self, request: &EnvironmentRequest) -> EnvironmentRequest {
        EnvironmentRequest {
            label: None,
            ..request.clone()
        }
    }

    fn find<'s>(
        &'s self,
        request: &'s EnvironmentRequest,
    ) -> BoxFuture<'s, Result<Vec<PropertySource>, LookupError>> {
        self.read(request).boxed()
    }

    fn greet(&self) -> BoxFuture<'_, Result<(), LookupError>> {
        let greeting = async {
            let mut ping = pipe();
            ping.cmd("PING").ignore();
            self.ask(&ping).await
        };
        greeting.boxed()
    }
}

impl Redis {
    async fn read(&self, request: &EnvironmentRequest) -> Result<Vec<PropertySource>, LookupError> {
        let keys = keys(request)?;
        let mut all = pipe();
        // Together, so that nobody's change is in half of them.
        all.atomic();
        for key in &keys {
            all.cmd("HGETALL").arg(key);
        }
        let hashes: Vec<Hash> = self.ask(&all).await?;
        let text = hashes.iter().flatten();
        let text: usize = text.map(|(key, value)| key.len() + value.len()).sum();
        if text > TEXT_LIMIT {
            return Err(LookupError::TooMuch(TEXT_LIMIT));
        }
        let sources = keys.iter().zip(hashes);
        Ok(sources.map(|(key, hash)| source(key, hash)).collect())
    }

    /// Whose answer is too large is found out alone: others who were asking meanwhile have nothing to do with it.
    async fn ask<T: FromRedisValue>(&self, commands: &Pipeline) -> Result<T, LookupError> {
        let mut connection = self.connection().await?;
        match self.ask_on(&mut connection, commands).await {
            Err(LookupError::TooMuch(_)) => self.connect().await?.ask(commands).await,
            answer => answer,
        }
    }

    /// Who is cut off, or stops waiting, leaves no connection behind on which nothing comes any more.
    async fn ask_on<T: FromRedisValue>(
        &self,
        connection: &mut Connection,
        commands: &Pipeline,
    ) -> Result<T, LookupError> {
        let mut lost = Lost(Some(self));
        let answer = connection.ask(commands).await;
        if matches!(answer, Ok(_) | Err(LookupError::Refused { .. })) {
            lost.0 = None;
        }
        answer
    }

    async fn connection(&self) -> Result<Connection, LookupError> {
        let there = self.slot().clone();
        if let Some(connection) = there {
            return Ok(connection);
        }
        let connection = self.connect().await?;
        *self.slot() = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<Connection, LookupError> {
        Connection::open(&self.settings, self.encryption.as_ref()).await
    }

    fn slot(&self) -> MutexGuard<'_, Option<Connection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets the connection when it is dropped, unless that was given up.
struct Lost<'r>(Option<&'r Redis>);

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        if let Some(redis) = self.0 {
            *redis.slot() = None;
        }
    }
}

/// The last profile first, and the application itself last; `default` is a profile like any other.
fn keys(request: &EnvironmentRequest) -> Result<Vec<String>, LookupError> {
    let application = request.application.as_str();
    let profiles = request.profiles.as_str().split(',');
    if profiles.clone().count() >= MOST_KEYS {
        return Err(LookupError::TooManyQuestions(MOST_KEYS));
    }
    let of_profiles = profiles.rev();
    let of_profiles = of_profiles.map(|profile| format!("{application}-{profile}"));
    Ok(of_profiles.chain([application.to_owned()]).collect())
}

/// A hash that is not there is a source without keys, as in Spring.
fn source(key: &str, hash: Hash) -> PropertySource {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let property = |value: &[u8]| Property::from(PropertyValue::Text(text(value).into()));
    let properties = hash.iter().map(|(key, value)| (text(key), property(value)));
    PropertySource {
        name: format!("redis:{key}"),
        source: Arc::new(properties.collect::<Properties>()),
    }
}
