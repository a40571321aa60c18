//! From a connection that was accepted to one that can be served.

use std::{future::poll_fn, io, net::SocketAddr, pin::Pin, task::Poll, time::Duration};

use rustls::server::Acceptor;
use tokio::{
    io::AsyncWriteExt as _, net::TcpStream, sync::Semaphore, task::yield_now, time::timeout,
};
use tokio_rustls::LazyConfigAcceptor;
use tokio_util::sync::CancellationToken;

use super::wire::Wire;
use crate::http::{
    peer::Peer,
    tls::{Terms, Tls, name},
};

/// The first byte of every TLS connection.
const HANDSHAKE: u8 = 22;
/// What who speaks without TLS is told.
const TLS_ONLY: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n\
    Content-Length: 22\r\nConnection: close\r\n\r\nThis port speaks TLS.\n";

/// A connection that can be served.
pub(super) struct Shaken {
    pub(super) wire: Wire,
    pub(super) peer: Peer,
    /// Cancelled when the trust ends by which the other end was let in, if that was one in its certificate.
    pub(super) withdrawn: Option<CancellationToken>,
}

/// How a thread comes by connections.
pub(super) struct Handshakes {
    tls: Option<Tls>,
    /// How long a handshake may take.
    patience: Duration,
    /// To sign takes longer than any answer: one at a time, and between two of them all else that there is to do.
    turn: Semaphore,
}

impl Handshakes {
    pub(super) fn new(tls: Option<Tls>, patience: Duration) -> Self {
        Self {
            tls,
            patience,
            turn: Semaphore::new(1),
        }
    }

    /// Agrees on TLS, where it is spoken: not within this machine.
    pub(super) async fn shake(&self, stream: Wire, address: SocketAddr) -> io::Result<Shaken> {
        match (stream, &self.tls) {
            (Wire::Plain(stream), Some(tls)) => {
                let shaken = timeout(self.patience, self.secure(tls, stream, address));
                shaken.await.map_err(|_| io::ErrorKind::TimedOut)?
            }
            (wire, _) => Ok(Shaken {
                wire,
                peer: address.into(),
                withdrawn: None,
            }),
        }
    }

    async fn secure(
        &self,
        tls: &Tls,
        mut stream: TcpStream,
        address: SocketAddr,
    ) -> io::Result<Shaken> {
        let mut first = [0];
        if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE {
            stream.write_all(TLS_ONLY).await?;
            stream.shutdown().await?;
            return Err(io::ErrorKind::InvalidData.into());
        }
        let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
        let Terms { config, withdrawn } = tls.terms();
        let mut accept = hello.into_stream(config);
        let stream = loop {
            match self.step(&mut accept).await? {
                Poll::Ready(stream) => break stream?,
                Poll::Pending => woken().await,
            }
        };
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(|chain| chain.first());
        Ok(Shaken {
            peer: Peer {
                certificate: certificate.and_then(|certificate| name(certificate)),
                ..address.into()
            },
            withdrawn: certificate.map(|_| withdrawn),
            wire: Wire::Tls(Box::new(stream)),
        })
    }

    /// Goes on with a handshake as far as it can at once.
    async fn step<F: Future + Unpin>(&self, accept: &mut F) -> io::Result<Poll<F::Output>> {
        let _turn = self.turn.acquire().await.map_err(io::Error::other)?;
        // Before the step and not after it: nothing that wakes us in between is to be missed.
        yield_now().await;
        Ok(poll_fn(|cx| Poll::Ready(Pin::new(&mut *accept).poll(cx))).await)
    }
}

/// Waits until whatever was polled last has something to say.
async fn woken() {
    let mut is_first = true;
    poll_fn(|_| match std::mem::take(&mut is_first) {
        true => Poll::Pending,
        false => Poll::Ready(()),
    })
    .await;
}
