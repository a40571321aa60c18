//! One connection, from its first byte to its last.
//!
//! Between requests it is on the [`Lane`], where kept answers are given. Whatever is not answered there is left to hyper,
//! which gives the connection back as soon as it has answered everything and sent it.

use std::{
    cell::{Cell, RefCell},
    error::Error,
    pin::Pin,
    rc::Rc,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::future::Either;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::Service,
};
use hyper_util::rt::TokioIo;

use super::{
    http2,
    lane::{Buffers, Lane, Next},
    linger::Linger,
    room::Room,
    shape,
    stream::Stream,
    watch::{Order, Watch},
    wire::Wire,
};
use crate::http::{
    error::Failure,
    front::{Answering, Body, Core},
    peer::Peer,
};

/// What the connections of a thread share.
pub(super) struct Shared {
    pub(super) core: Rc<Core>,
    pub(super) buffers: RefCell<Buffers>,
    /// Bytes of the longest head.
    pub(super) longest_head: usize,
    pub(super) room: Arc<Room>,
    pub(super) speaks_http2: bool,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Anything,
    /// One request, which hears how the server is or that it is to come again: there is no room.
    Health,
}

pub(super) struct Connection {
    shared: Rc<Shared>,
    peer: Peer,
    watch: Rc<Watch>,
    purpose: Purpose,
    at: At,
    /// It ends after the requests under way.
    finishes: bool,
}

/// Who reads the connection now.
enum At {
    Lane(Lane),
    Hyper(Box<http1::Connection<TokioIo<Stream>, Asked>>),
    Http2(Pin<Box<http2::Connection>>),
    /// Nobody who answers.
    Linger(Linger),
    /// Nobody: it is on its way from one to the other.
    Nowhere,
}

/// How a connection ended by itself; the error says how it broke.
pub(super) type Ended = Result<(), Box<dyn Error + Send + Sync>>;

impl Connection {
    pub(super) fn new(
        shared: Rc<Shared>,
        stream: Wire,
        peer: Peer,
        watch: Rc<Watch>,
        purpose: Purpose,
    ) -> Self {
        let mut connection = Self {
            shared,
            peer,
            watch,
            purpose,
            at: At::Lane(Lane::new(stream, Vec::new())),
            finishes: false,
        };
        if purpose == Purpose::Health {
            // It is not to keep the place from others until it feels like asking.
            connection.watch.begins();
            connection.change_hands();
        }
        connection
    }

    /// The end of the connection; nothing when it was told to break.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Ended>> {
        match self.watch.order(cx) {
            Order::GoOn => {}
            Order::Finish => self.finish(),
            Order::Break => return Poll::Ready(None),
        }
        self.serve(cx).map(Some)
    }

    fn serve(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match &mut self.at {
                At::Lane(lane) => {
                    let buffers = &mut self.shared.buffers.borrow_mut();
                    let (core, watch) = (&self.shared.core, &self.watch);
                    match lane.poll(cx, core, &self.peer, watch, buffers, self.finishes)? {
                        Poll::Ready(Next::Elsewhere) => {}
                        Poll::Ready(Next::End) => return Poll::Ready(Ok(())),
                        Poll::Pending
                            if self.finishes && lane.is_idle() && self.watch.was_used() =>
                        {
                            lane.end();
                            continue;
                        }
                        Poll::Pending => return Poll::Pending,
                    }
                }
                At::Hyper(connection) => match Pin::new(connection).poll(cx) {
                    Poll::Pending if self.watch.is_handed_back() => {}
                    Poll::Pending => {
                        // Not before hyper has read what was read already: it would take the connection for an idle one.
                        if self.finishes {
                            self.finish();
                        }
                        return Poll::Pending;
                    }
                    Poll::Ready(ended) => {
                        self.linger(ended.map_err(Into::into));
                        continue;
                    }
                },
                At::Http2(connection) => return connection.as_mut().poll(cx).map_err(Into::into),
                At::Linger(_) if self.finishes => return Poll::Ready(Ok(())),
                At::Linger(linger) => {
                    return linger.poll(cx, self.shared.buffers.borrow_mut().input());
                }
                At::Nowhere => return Poll::Ready(Ok(())),
            }
            self.change_hands();
        }
    }

    fn change_hands(&mut self) {
        self.at = match std::mem::replace(&mut self.at, At::Nowhere) {
            At::Lane(lane) => {
                let (stream, held) = lane.into_parts();
                if self.shared.speaks_http2 && http2::begins(&held) {
                    At::Http2(Box::pin(self.by_http2(stream, held)))
                } else {
                    At::Hyper(Box::new(self.by_hyper(stream, held)))
                }
            }
            At::Hyper(connection) => {
                let parts = connection.into_parts();
                let (stream, rest) = parts.io.into_inner().into_parts();
                At::Lane(Lane::new(stream, [&parts.read_buf[..], &rest].concat()))
            }
            other @ (At::Http2(_) | At::Linger(_) | At::Nowhere) => other,
        };
    }

    fn linger(&mut self, ended: Ended) {
        if let At::Hyper(connection) = std::mem::replace(&mut self.at, At::Nowhere) {
            let (wire, _) = connection.into_parts().io.into_inner().into_parts();
            self.watch.lingers();
            self.at = At::Linger(Linger::new(wire, ended));
        }
    }

    fn by_hyper(&self, stream: Wire, read: Vec<u8>) -> http1::Connection<TokioIo<Stream>, Asked> {
        self.watch.hand_over();
        let asked = Asked {
            shared: Rc::clone(&self.shared),
            peer: self.peer.clone(),
            watch: Rc::clone(&self.watch),
            purpose: self.purpose,
            is_ambiguous: Cell::new(shape::is_ambiguous(&read)),
        };
        let stream = Stream::new(stream, read, Rc::clone(&self.watch));
        http1::Builder::new()
            // As Tomcat writes them: scripts look for `Content-Type:`.
            .title_case_headers(true)
            .max_buf_size(self.shared.longest_head)
            .keep_alive(self.purpose == Purpose::Anything)
            .serve_connection(TokioIo::new(stream), asked)
    }

    fn by_http2(&self, stream: Wire, read: Vec<u8>) -> http2::Connection {
        self.watch.hand_over();
        let stream = Stream::of_http2(stream, read, Rc::clone(&self.watch));
        http2::serve(stream, &self.shared, self.peer.clone(), &self.watch)
    }

    fn finish(&mut self) {
        self.finishes = true;
        match &mut self.at {
            At::Hyper(connection) => Pin::new(&mut **connection).graceful_shutdown(),
            At::Http2(connection) => connection.as_mut().graceful_shutdown(),
            At::Lane(_) | At::Linger(_) | At::Nowhere => {}
        }
    }
}

/// Answers what hyper has read.
struct Asked {
    shared: Rc<Shared>,
    peer: Peer,
    watch: Rc<Watch>,
    purpose: Purpose,
    /// The first head says the length of its body in two ways.
    is_ambiguous: Cell<bool>,
}

impl Service<Request<Incoming>> for Asked {
    type Response = http::Response<Body>;
    type Error = tokio::task::JoinError;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        if !request.body().is_end_stream() || self.purpose == Purpose::Health {
            // Only hyper knows where it ends.
            self.watch.leave();
        }
        let core = &self.shared.core;
        match self.refusal(&request) {
            Some(failure) => {
                // Nobody reads on.
                self.watch.leave();
                core.refuse(&request, failure, self.watch.busy())
            }
            None if shape::has_coding(&request) => {
                closing(core.answer(request, &self.peer, self.watch.busy()))
            }
            None => core.answer(request, &self.peer, self.watch.busy()),
        }
    }
}

/// The last answer of its connection: whoever stands in between may see another end of the request.
fn closing(answering: Answering) -> Answering {
    Either::Right(Box::pin(async {
        let mut answer = answering.await?;
        let close = HeaderValue::from_static("close");
        answer.headers_mut().insert(header::CONNECTION, close);
        Ok(answer)
    }))
}

impl Asked {
    fn refusal(&self, request: &Request<Incoming>) -> Option<Failure> {
        if self.is_ambiguous.take() {
            return Some(Failure::container(StatusCode::BAD_REQUEST));
        }
        let is_too_much = || {
            let for_health = self.shared.core.is_health(request.uri().path());
            (self.purpose == Purpose::Health && !for_health).then(Failure::busy)
        };
        shape::refusal(request, self.shared.longest_head).or_else(is_too_much)
    }
}
