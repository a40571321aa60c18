use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

use crate::http::serve::Busy;

/// The body of an answer; the connection is busy with it until it ends.
pub(in crate::http) struct Body {
    content: Content,
    _busy: Busy,
}

enum Content {
    /// As it was kept; nothing once it was sent.
    Kept(Bytes),
    Routed(axum::body::Body),
}

impl Body {
    pub(super) fn kept(bytes: Bytes, busy: Busy) -> Self {
        let content = Content::Kept(bytes);
        Self {
            content,
            _busy: busy,
        }
    }

    pub(super) fn routed(body: axum::body::Body, busy: Busy) -> Self {
        let content = Content::Routed(body);
        Self {
            content,
            _busy: busy,
        }
    }
}

impl HttpBody for Body {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.get_mut().content {
            Content::Kept(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Kept(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Routed(body) => Pin::new(body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Kept(bytes) => bytes.is_empty(),
            Content::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Kept(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Routed(body) => body.size_hint(),
        }
    }
}
