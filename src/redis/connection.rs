use std::sync::Arc;

use ::redis::{
    AsyncConnectionConfig, FromRedisValue, Pipeline, ProtocolVersion, RedisConnectionInfo,
    RedisError, aio::MultiplexedConnection,
};
use rustls::pki_types::ServerName;
use secrecy::ExposeSecret as _;
use tokio::{
    io::{AsyncRead, AsyncWrite, join, split},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    Settings, TEXT_LIMIT,
    allowance::{Allowance, Bounded},
    error::told,
};
use crate::{
    lookups::LookupError,
    tls::{self, Trust},
};

/// What one answer may be on its way: the length of each text stands in front of it, and ends of lines behind both.
pub(super) const BYTES_LIMIT: usize = 2 * TEXT_LIMIT;

/// How connections are encrypted, and who must be at the other end.
#[derive(Clone)]
pub(super) struct Encryption(TlsConnector, ServerName<'static>);

impl Encryption {
    pub(super) fn with(host: &str) -> Result<Self, String> {
        let config = tls::config(Trust::Machine).map_err(|error| error.to_string())?;
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        Ok(Self(TlsConnector::from(Arc::new(config)), name))
    }
}

/// Where questions are asked, of which no answer is let in that is too large.
#[derive(Clone)]
pub(super) struct Connection {
    handle: MultiplexedConnection,
    allowance: Arc<Allowance>,
}

impl Connection {
    pub(super) async fn open(
        settings: &Settings,
        encryption: Option<&Encryption>,
    ) -> Result<Self, LookupError> {
        let opened = async {
            let stream = TcpStream::connect((settings.host.as_str(), settings.port)).await?;
            stream.set_nodelay(true)?;
            match encryption {
                Some(Encryption(connector, name)) => {
                    let stream = connector.connect(name.clone(), stream).await?;
                    Self::over(stream, settings).await
                }
                None => Self::over(stream, settings).await,
            }
        };
        opened.await.map_err(|error| told(&error))
    }

    async fn over(
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
        settings: &Settings,
    ) -> Result<Self, RedisError> {
        let allowance = Arc::new(Allowance::new(BYTES_LIMIT));
        let (reader, writer) = split(stream);
        let reader = Bounded {
            reader,
            allowance: Arc::clone(&allowance),
        };
        // The deadline of the question holds.
        let waits = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None);
        let (login, stream) = (login(settings), join(reader, writer));
        let made = MultiplexedConnection::new_with_config(&login, stream, waits).await;
        let (handle, driver) = made?;
        // It ends with the last handle.
        tokio::spawn(driver);
        Ok(Self { handle, allowance })
    }

    /// # Errors
    /// [`LookupError::TooMuch`] when somebody's answer was too large, after which nobody gets any here.
    pub(super) async fn ask<T: FromRedisValue>(
        &mut self,
        commands: &Pipeline,
    ) -> Result<T, LookupError> {
        self.allowance.ask();
        let answer = commands.query_async(&mut self.handle).await;
        match answer.map_err(|error| told(&error)) {
            Err(LookupError::Unreachable { .. }) if self.allowance.is_exceeded() => {
                Err(LookupError::TooMuch(TEXT_LIMIT))
            }
            answer => {
                self.allowance.answered();
                answer
            }
        }
    }
}

fn login(settings: &Settings) -> RedisConnectionInfo {
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
    login
}
