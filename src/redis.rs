//! Configuration from hashes of Redis: one for each profile and one for the application itself, as Spring names them.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ::redis::{
    AsyncConnectionConfig, ErrorKind, ProtocolVersion, RedisConnectionInfo, RedisError,
    aio::MultiplexedConnection,
};
use confbus_protocol::{Properties, Property, PropertySource, PropertyValue};
use confbus_resolution::EnvironmentRequest;
use futures_util::{FutureExt as _, future::BoxFuture};
use rustls::pki_types::ServerName;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    lookups::{LookupError, Place, Store},
    tls::{self, Trust},
};

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
        // An IPv6 address has colons of its own.
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        format!("{scheme}://{host}:{}/{}", self.port, self.database)
    }

    fn identity(&self) -> Vec<String> {
        let numbers = [self.port.into(), self.database].map(|number| number.to_string());
        [self.host.clone()].into_iter().chain(numbers).collect()
    }

    fn default_label(&self) -> Option<&str> {
        None
    }

    fn open(&self) -> Result<Box<dyn Store>, String> {
        let encryption = self.has_tls.then(|| encryption(&self.host)).transpose()?;
        Ok(Box::new(Redis {
            settings: self.clone(),
            encryption,
            connection: Mutex::default(),
        }))
    }
}

fn encryption(host: &str) -> Result<(TlsConnector, ServerName<'static>), String> {
    let config = tls::config(Trust::Machine).map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    Ok((TlsConnector::from(Arc::new(config)), name))
}

/// One connection, on which questions do not wait for each other.
struct Redis {
    settings: Settings,
    encryption: Option<(TlsConnector, ServerName<'static>)>,
    connection: Mutex<Option<MultiplexedConnection>>,
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
            let mut ping = ::redis::pipe();
            ping.cmd("PING").ignore();
            self.ask(&ping).await
        };
        greeting.boxed()
    }
}

impl Redis {
    async fn read(&self, request: &EnvironmentRequest) -> Result<Vec<PropertySource>, LookupError> {
        let keys = keys(request)?;
        let mut all = ::redis::pipe();
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

    /// Who is cut off, or stops waiting, leaves no connection behind on which nothing comes any more.
    async fn ask<T: ::redis::FromRedisValue>(
        &self,
        commands: &::redis::Pipeline,
    ) -> Result<T, LookupError> {
        let mut connection = self.connection().await?;
        let mut lost = Lost(Some(self));
        let answer = commands.query_async(&mut connection).await;
        if answer
            .as_ref()
            .err()
            .is_none_or(|error| refusal(error).is_some())
        {
            lost.0 = None;
        }
        answer.map_err(|error| told(&error))
    }

    async fn connection(&self) -> Result<MultiplexedConnection, LookupError> {
        let there = self.slot().clone();
        if let Some(connection) = there {
            return Ok(connection);
        }
        let connection = self.connect().await.map_err(|error| told(&error))?;
        *self.slot() = Some(connection.clone());
        Ok(connection)
    }

    async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let settings = &self.settings;
        let mut login = RedisConnectionInfo::default()
            .set_db(settings.database.into())
            .set_protocol(ProtocolVersion::RESP2)
            .set_skip_set_lib_name();
        if let Some(username) = &settings.username {
            login = login.set_username(username);
        }
        if let Some(password) = &settings.password {
            login = login.set_password(password.expose_secret());
        }
        // The deadline of the question holds.
        let waits = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
        stream.set_nodelay(true)?;
        match &self.encryption {
            Some((connector, name)) => {
                let stream = connector.connect(name.clone(), stream).await?;
                let made = MultiplexedConnection::new_with_config(&login, stream, waits).await;
                Ok(driven(made?))
            }
            None => {
                let made = MultiplexedConnection::new_with_config(&login, stream, waits).await;
                Ok(driven(made?))
            }
        }
    }

    fn slot(&self) -> MutexGuard<'_, Option<MultiplexedConnection>> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The driver ends with the last handle of its connection.
fn driven(
    (connection, driver): (
        MultiplexedConnection,
        impl Future<Output = ()> + Send + 'static,
    ),
) -> MultiplexedConnection {
    tokio::spawn(driver);
    connection
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

/// What a Redis says about itself, and no value of anybody.
fn told(error: &RedisError) -> LookupError {
    let kind = KIND;
    match refusal(error) {
        Some(why) => LookupError::Refused { kind, why },
        None => LookupError::Unreachable {
            kind,
            why: cause(error),
        },
    }
}

/// What it answers instead, if it answers: `WRONGTYPE Operation against a key …`.
fn refusal(error: &RedisError) -> Option<String> {
    let said = |code: &str, detail: Option<&str>| {
        let detail = detail.unwrap_or_default();
        format!("{code} {detail}").trim().to_owned()
    };
    if let Some(all) = error.clone().into_server_errors() {
        return all
            .first()
            .map(|(_, first)| said(first.code(), first.details()));
    }
    let is_refusal = matches!(
        error.kind(),
        ErrorKind::Server(_) | ErrorKind::AuthenticationFailed | ErrorKind::Extension
    );
    let code = error.code().unwrap_or_else(|| error.category());
    is_refusal.then(|| said(code, error.detail()))
}

/// `Connection refused`; of what cannot be read only that.
fn cause(error: &RedisError) -> String {
    if error.is_io_error() {
        return error.to_string();
    }
    error.category().to_owned()
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

#[cfg(test)]
mod tests {
    use confbus_protocol::{Application, Profiles};

    use super::*;

    fn request(application: &str, profiles: &str) -> EnvironmentRequest {
        EnvironmentRequest {
            application: Application::parse(application).unwrap(),
            profiles: Profiles::parse(profiles).unwrap(),
            label: None,
        }
    }

    #[test]
    fn the_last_profile_is_the_strongest_and_applications_are_taken_as_they_are() {
        let keys = |application, profiles| keys(&request(application, profiles)).unwrap();
        assert_eq!(keys("a", "default"), ["a-default", "a"]);
        assert_eq!(keys("a,b", "p,q"), ["a,b-q", "a,b-p", "a,b"]);
    }

    #[test]
    fn keys_are_bounded() {
        let many = vec!["p"; MOST_KEYS - 1].join(",");
        assert_eq!(keys(&request("a", &many)).unwrap().len(), MOST_KEYS);
        let more = keys(&request("a", &format!("{many},p")));
        assert_eq!(more, Err(LookupError::TooManyQuestions(MOST_KEYS)));
    }

    #[test]
    fn it_is_shown_without_credentials() {
        let settings = Settings {
            host: "::1".into(),
            port: 6379,
            username: Some("jo".into()),
            password: Some("opensesame".into()),
            database: 3,
            has_tls: true,
        };
        assert_eq!(settings.shown(), "rediss://[::1]:6379/3");
        assert!(!format!("{settings:?}").contains("opensesame"));
    }
}
