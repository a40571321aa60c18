use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{FutureExt as _, future::BoxFuture};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::{
    config::SslMode,
    tls::{ChannelBinding, TlsConnect, TlsStream},
};
use tokio_rustls::TlsConnector;

use super::Encryption;
use crate::tls::{self, Trust};

/// How connections are encrypted.
#[derive(Clone)]
pub(super) struct Tls {
    connector: TlsConnector,
    mode: SslMode,
}

impl Tls {
    /// Nothing where nothing is encrypted.
    ///
    /// # Errors
    /// When this machine trusts nobody whose certificate could be checked.
    pub(super) fn of(encryption: Encryption) -> Result<Option<Self>, String> {
        let (trust, mode) = match encryption {
            Encryption::Never => return Ok(None),
            Encryption::IfOffered => (Trust::Anybody, SslMode::Prefer),
            Encryption::WithAnybody => (Trust::Anybody, SslMode::Require),
            Encryption::Checked => (Trust::Machine, SslMode::Require),
        };
        let mut config = tls::config(trust).map_err(|error| error.to_string())?;
        // From version 17 on, a server refuses whoever says to speak something else.
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Ok(Some(Self {
            connector: TlsConnector::from(Arc::new(config)),
            mode,
        }))
    }

    pub(super) fn mode(&self) -> SslMode {
        self.mode
    }

    /// For a connection to this host.
    pub(super) fn to(&self, host: &str) -> Result<Connector, String> {
        let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
        Ok(Connector {
            connector: self.connector.clone(),
            name,
        })
    }
}

/// Encrypts one connection.
pub(super) struct Connector {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl<S> TlsConnect<S> for Connector
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    type Stream = Encrypted<S>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Encrypted<S>>>;

    fn connect(self, stream: S) -> Self::Future {
        async move { Ok(Encrypted(self.connector.connect(self.name, stream).await?)) }.boxed()
    }
}

/// An encrypted stream, as PostgreSQL's client wants it.
pub(super) struct Encrypted<S>(tokio_rustls::client::TlsStream<S>);

impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Encrypted<S> {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Encrypted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Encrypted<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}
