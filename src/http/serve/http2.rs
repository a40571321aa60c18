//! HTTP/2, for gateways that speak it: many requests on one connection. What bounds connections of HTTP/1.1 bounds these as
//! well: a request beside others counts as a connection, one that nobody reads on ends it, and so do those that are taken
//! back again and again.

use std::{
    cell::Cell,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::future::LocalBoxFuture;
use http::{HeaderValue, Request, Response, StatusCode, Uri, Version, header};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    rt::Executor,
    server::conn::http2,
    service::Service,
};
use hyper_util::rt::TokioIo;
use tokio::task::JoinError;

use super::{connection::Shared, shape, stream::Stream, watch::Watch};
use crate::http::{
    error::Failure,
    front::{Answering, Body},
    peer::Peer,
};

/// What every connection of HTTP/2 begins with, and no request of HTTP/1.1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// Requests of one connection at a time.
const STREAMS: u32 = 32;
/// Requests that may be taken back before anybody has seen them.
const TAKEN_BACK: usize = 20;
/// Requests that may be taken back while they are answered, beyond those that are not.
const GIVEN_UP: u32 = 64;
/// Bytes of a body that may come before anybody reads them, and of all bodies of a connection.
const WINDOW: u32 = 64 * 1024;
const WINDOW_OF_ALL: u32 = 256 * 1024;
/// Bytes of an answer that are handed over before it is known whether anybody reads them.
const PIECE: usize = 4 * 1024;

/// A connection of HTTP/2.
pub(super) type Connection = http2::Connection<TokioIo<Stream>, Asked, Here>;

/// Runs what belongs to a connection on the core of that connection.
#[derive(Debug, Clone)]
pub(super) struct Here;

/// Answers the requests of a connection.
pub(super) struct Asked {
    shared: Rc<Shared>,
    peer: Peer,
    watch: Rc<Watch>,
    count: Cell<u64>,
    given_up: Rc<Cell<u32>>,
}

/// The body of an answer, handed over piece by piece.
pub(super) struct Pieces {
    body: Body,
    rest: Bytes,
    number: u64,
    watch: Rc<Watch>,
}

/// A request that has no answer yet.
struct Unanswered {
    is_answered: bool,
    given_up: Rc<Cell<u32>>,
    watch: Rc<Watch>,
}

/// Whether this is the beginning of a connection of HTTP/2.
pub(super) fn begins(read: &[u8]) -> bool {
    read.starts_with(PREFACE)
}

/// Serves a connection of which something was read already.
pub(super) fn serve(
    stream: Stream,
    shared: &Rc<Shared>,
    peer: Peer,
    watch: &Rc<Watch>,
) -> Connection {
    // Nobody else can tell where its requests end.
    watch.leave();
    let longest_head = u32::try_from(shared.longest_head).unwrap_or(u32::MAX);
    let asked = Asked {
        shared: Rc::clone(shared),
        peer,
        watch: Rc::clone(watch),
        count: Cell::new(0),
        given_up: Rc::default(),
    };
    http2::Builder::new(Here)
        .max_concurrent_streams(STREAMS)
        .max_pending_accept_reset_streams(TAKEN_BACK)
        .max_header_list_size(longest_head)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW_OF_ALL)
        .max_send_buf_size(4 * PIECE)
        .serve_connection(TokioIo::new(stream), asked)
}

impl<F: Future + 'static> Executor<F> for Here {
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move { _ = future.await });
    }
}

impl Service<Request<Incoming>> for Asked {
    type Response = Response<Pieces>;
    type Error = JoinError;
    type Future = LocalBoxFuture<'static, Result<Response<Pieces>, JoinError>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let number = self.count.get();
        self.count.set(number + 1);
        let answering = self.answer(request);
        let watch = Rc::clone(&self.watch);
        let unanswered = Unanswered {
            is_answered: false,
            given_up: Rc::clone(&self.given_up),
            watch: Rc::clone(&self.watch),
        };
        Box::pin(async move {
            let answer = answering.await;
            unanswered.answered();
            Ok(answer?.map(|body| Pieces {
                body,
                rest: Bytes::new(),
                number,
                watch,
            }))
        })
    }
}

impl Asked {
    fn answer(&self, request: Request<Incoming>) -> Answering {
        let (core, watch) = (&self.shared.core, &self.watch);
        let longest = self.shared.longest_head;
        let (request, refusal) = alone(request, longest);
        if let Some(failure) = refusal {
            return core.refuse(&request, failure, watch.busy());
        }
        if !watch.is_busy() {
            return core.answer(request, &self.peer, watch.busy());
        }
        match self.shared.room.beside(self.peer.address.ip()) {
            Some(place) => core.answer(request, &self.peer, watch.busy_at(place)),
            None => core.refuse(&request, Failure::busy(), watch.busy()),
        }
    }
}

/// A request as it were alone on a connection of HTTP/1.1, where the host is a field and the target a path; and why nobody gets
/// to see it.
fn alone<B>(request: Request<B>, longest: usize) -> (Request<B>, Option<Failure>) {
    let (mut parts, body) = request.into_parts();
    let authority = parts.uri.authority();
    let host = authority.and_then(|host| HeaderValue::from_str(host.as_str()).ok());
    if let Some(host) = host {
        parts.headers.entry(header::HOST).or_insert(host);
    }
    parts.version = Version::HTTP_11;
    let mut request = Request::from_parts(parts, body);
    let refusal = shape::refusal(&request, longest);
    match request.uri().path_and_query().cloned() {
        Some(path) => {
            *request.uri_mut() = Uri::from(path);
            (request, refusal)
        }
        None => {
            let nowhere = Failure::container(StatusCode::BAD_REQUEST);
            (request, Some(refusal.unwrap_or(nowhere)))
        }
    }
}

impl Unanswered {
    fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let given_up = self.given_up.get();
        if self.is_answered {
            self.given_up.set(given_up.saturating_sub(1));
        } else {
            self.given_up.set(given_up + 1);
            if given_up >= GIVEN_UP {
                self.watch.breaks();
            }
        }
    }
}

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = axum::Error;

    /// Asked for once there is room for more, so whoever asks has got rid of what it was given before.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        this.watch.is_read(this.number);
        if this.rest.is_empty() {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(frame) => return Poll::Ready(Some(Ok(frame))),
                },
                ended => return Poll::Ready(ended),
            }
        }
        let piece = this.rest.split_to(PIECE.min(this.rest.len()));
        this.watch.waits_for_reader_of(this.number);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let rest = self.rest.len() as u64;
        match self.body.size_hint().exact() {
            Some(length) => SizeHint::with_exact(length + rest),
            None => SizeHint::default(),
        }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.watch.is_read(self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_as_it_were_alone() {
        let request = |uri: &str, host: Option<&str>| {
            let mut request = Request::builder().uri(uri).version(Version::HTTP_2);
            if let Some(host) = host {
                request = request.header(header::HOST, host);
            }
            request.body(()).unwrap()
        };
        for (uri, host, expected) in [
            ("https://a:1/b?c", None, Some(("/b?c", "a:1"))),
            ("https://a/b", Some("a"), Some(("/b", "a"))),
            ("https://a/b", Some("evil"), None),
            ("/b", Some("a"), Some(("/b", "a"))),
            ("/b", None, None),
            ("a:443", None, None),
        ] {
            let (request, refusal) = alone(request(uri, host), 1000);
            let alone = refusal.is_none().then(|| {
                let host = request.headers()[header::HOST].to_str().unwrap();
                (request.uri().to_string(), host.to_owned())
            });
            let expected = expected.map(|(uri, host)| (uri.to_owned(), host.to_owned()));
            assert_eq!(alone, expected, "{uri} {host:?}");
        }
        assert!(alone(request("https://a/b", None), 3).1.is_some());
    }
}
