use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::{watch::Watch, wire::Wire};
use crate::http::{
    front::{Core, Reply},
    peer::Peer,
};

/// Bytes that are read at once.
const INPUT: usize = 16 * 1024;
/// Once so many bytes of answers wait to be sent, no further request is looked at.
const ENOUGH: usize = 16 * 1024;

/// A connection between requests: reads heads, and sends the answers that are kept. It holds no memory while nobody asks.
pub(super) struct Lane {
    stream: Wire,
    /// What was read and is not answered.
    held: Vec<u8>,
    /// What is held is but the beginning of a head.
    is_incomplete: bool,
    /// Answers that did not fit into the connection.
    unsent: Vec<u8>,
    /// Nothing waits within the connection: TLS takes more than it can send.
    is_flushed: bool,
    /// What follows once all answers are sent, if that is known.
    next: Option<Next>,
}

/// What all connections of a thread use in turn.
pub(super) struct Buffers {
    input: Box<[u8]>,
    output: Vec<u8>,
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// The other side has gone, or wanted no more.
    End,
    /// A request that is answered elsewhere.
    Elsewhere,
}

impl Buffers {
    pub(super) fn new() -> Self {
        Self {
            input: vec![0; INPUT].into(),
            output: Vec::new(),
        }
    }

    /// Room for what is read and not kept.
    pub(super) fn input(&mut self) -> &mut [u8] {
        &mut self.input
    }
}

impl Lane {
    /// Goes on with a connection of which this was read already.
    pub(super) fn new(stream: Wire, held: Vec<u8>) -> Self {
        Self {
            stream,
            held,
            is_incomplete: false,
            unsent: Vec::new(),
            is_flushed: true,
            next: None,
        }
    }

    /// The connection, and what was read of it and not answered.
    pub(super) fn into_parts(self) -> (Wire, Vec<u8>) {
        (self.stream, self.held)
    }

    /// Nobody waits for anything.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.unsent.is_empty() && self.is_flushed && self.next.is_none()
    }

    /// Nothing more is read; the other side is told.
    pub(super) fn end(&mut self) {
        self.next = Some(Next::End);
    }

    /// Answers what can be answered here, until somebody else has to; the next answer may be the last one.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        core: &Core,
        peer: &Peer,
        watch: &Watch,
        buffers: &mut Buffers,
        is_last: bool,
    ) -> Poll<io::Result<Next>> {
        loop {
            ready!(self.send_rest(cx, watch))?;
            match self.next {
                None => {}
                Some(Next::Elsewhere) => return Poll::Ready(Ok(Next::Elsewhere)),
                Some(Next::End) => {
                    let ended = self.stream.poll_end(cx);
                    if ended.is_pending() {
                        watch.stalls();
                    }
                    return ended.map_ok(|()| Next::End);
                }
            }
            let mut read = 0;
            if self.held.is_empty() || self.is_incomplete {
                let mut input = ReadBuf::new(&mut buffers.input);
                ready!(Pin::new(&mut self.stream).poll_read(cx, &mut input))?;
                read = input.filled().len();
                if read == 0 {
                    self.end();
                    continue;
                }
            }
            let Buffers { input, output } = buffers;
            // Whatever became of the connection before: its answers are nobody else's business.
            output.clear();
            self.answer(&input[..read], output, |input, output| {
                core.reply(input, peer, is_last, output)
            });
            self.send(cx, output, watch)?;
            if self.is_incomplete {
                watch.begins();
            } else if self.next.is_none() && !self.held.is_empty() {
                // Whoever asks for much at once gets a part of it, and then others have their turn.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Writes answers to what is held and what was read now; holds what has none.
    fn answer(
        &mut self,
        read: &[u8],
        output: &mut Vec<u8>,
        reply: impl Fn(&[u8], &mut Vec<u8>) -> Reply,
    ) {
        let mut held = std::mem::take(&mut self.held);
        let input = if held.is_empty() {
            read
        } else {
            held.extend_from_slice(read);
            &held
        };
        let mut answered = 0;
        self.is_incomplete = false;
        while answered < input.len() && output.len() < ENOUGH {
            match reply(&input[answered..], output) {
                Reply::Written(length) => answered += length,
                Reply::Last => {
                    self.next = Some(Next::End);
                    return;
                }
                Reply::Elsewhere => {
                    self.next = Some(Next::Elsewhere);
                    break;
                }
                Reply::Incomplete => {
                    self.is_incomplete = true;
                    break;
                }
            }
        }
        if answered == 0 && !held.is_empty() {
            self.held = held;
        } else if answered < input.len() {
            self.held = input[answered..].to_vec();
        }
    }

    /// Sends answers; what does not fit into the connection waits.
    fn send(&mut self, cx: &mut Context<'_>, output: &[u8], watch: &Watch) -> io::Result<()> {
        if output.is_empty() {
            return Ok(());
        }
        self.is_flushed = !self.stream.holds_back();
        let sent = match Pin::new(&mut self.stream).poll_write(cx, output) {
            Poll::Ready(sent) => {
                watch.got_on();
                sent?
            }
            Poll::Pending => {
                watch.stalls();
                0
            }
        };
        if sent < output.len() {
            self.unsent = output[sent..].to_vec();
        }
        Ok(())
    }

    fn send_rest(&mut self, cx: &mut Context<'_>, watch: &Watch) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() && self.is_flushed {
            return Poll::Ready(Ok(()));
        }
        while !self.unsent.is_empty() {
            let Poll::Ready(sent) = Pin::new(&mut self.stream).poll_write(cx, &self.unsent)? else {
                watch.stalls();
                return Poll::Pending;
            };
            watch.got_on();
            self.unsent.drain(..sent);
        }
        // A connection that nobody uses needs no room.
        self.unsent = Vec::new();
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.is_flushed = flushed.is_ready();
        match flushed {
            Poll::Ready(_) => watch.flushed(),
            Poll::Pending => watch.stalls(),
        }
        flushed
    }
}

#[cfg(test)]
mod tests {
    use std::{future::poll_fn, rc::Rc};

    use rcgen::{CertificateParams, KeyPair};
    use rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName},
    };
    use tokio::{
        io::AsyncReadExt as _,
        net::{TcpSocket, TcpStream},
    };
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;
    use crate::http::serve::{clock::Clock, connection::Purpose, watches::Watches};

    /// Both ends of a connection that takes but little at a time.
    async fn pair() -> (Wire, tokio_rustls::client::TlsStream<TcpStream>) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = CertificateDer::from(params.self_signed(&key).unwrap());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let client = ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let server = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        let listener = TcpSocket::new_v4().unwrap();
        listener.bind(([127, 0, 0, 1], 0).into()).unwrap();
        // Those that it accepts inherit it.
        listener.set_send_buffer_size(4096).unwrap();
        let listener = listener.listen(1).unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4096).unwrap();
        let connected = socket.connect(listener.local_addr().unwrap());
        let (connected, accepted) = tokio::join!(connected, listener.accept());
        let localhost = ServerName::try_from("localhost").unwrap();
        let (client, server) = tokio::join!(
            TlsConnector::from(std::sync::Arc::new(client)).connect(localhost, connected.unwrap()),
            TlsAcceptor::from(std::sync::Arc::new(server)).accept(accepted.unwrap().0),
        );
        (Wire::Tls(Box::new(server.unwrap())), client.unwrap())
    }

    #[tokio::test]
    async fn what_waits_within_tls_is_not_sent() {
        static ANSWER: [u8; 48 * 1024] = [b'x'; 48 * 1024];
        let (wire, mut client) = pair().await;
        let clock = Rc::new(Clock::new());
        let watches = Rc::new(Watches::new(clock));
        let open = watches.open(Purpose::Anything);
        let watch = &open.watch;
        let mut lane = Lane::new(wire, Vec::new());
        let waits = poll_fn(|cx| {
            lane.send(cx, &ANSWER, watch).unwrap();
            Poll::Ready(lane.send_rest(cx, watch).is_pending())
        });
        assert!(waits.await);
        assert!(!lane.is_idle() && watch.waits_for_its_reader());
        let mut answer = Vec::new();
        let read = client.read_to_end(&mut answer);
        let sent = async {
            poll_fn(|cx| lane.send_rest(cx, watch)).await.unwrap();
            assert!(lane.is_idle() && !watch.waits_for_its_reader());
            poll_fn(|cx| lane.stream.poll_end(cx)).await.unwrap();
        };
        // It ends with a word, or this were an error.
        let (read, ()) = tokio::join!(read, sent);
        assert_eq!(read.unwrap(), ANSWER.len());
    }
}
