use std::{
    io,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{watch::Watch, wire::Wire};

/// A connection as hyper sees it. It notes when it gets on with an answer and when it does not; of what arrives only that a
/// head begins: it may come byte by byte.
pub(super) struct Stream {
    inner: Wire,
    /// What was read before.
    read: Vec<u8>,
    watch: Rc<Watch>,
    /// Much of what comes and goes is neither request nor answer.
    is_http2: bool,
}

impl Stream {
    pub(super) fn new(inner: Wire, read: Vec<u8>, watch: Rc<Watch>) -> Self {
        Self {
            inner,
            read,
            watch,
            is_http2: false,
        }
    }

    /// One that notes of what arrives only that the first request begins, and of what is sent only when nobody takes it.
    pub(super) fn of_http2(inner: Wire, read: Vec<u8>, watch: Rc<Watch>) -> Self {
        watch.begins();
        Self {
            is_http2: true,
            ..Self::new(inner, read, watch)
        }
    }

    fn note(&self, written: &Poll<io::Result<usize>>) {
        match written {
            Poll::Ready(_) if self.is_http2 => self.watch.is_taken(),
            Poll::Ready(_) => self.watch.got_on(),
            Poll::Pending => self.watch.stalls(),
        }
    }

    /// The connection, and what was read before and not yet again.
    pub(super) fn into_parts(self) -> (Wire, Vec<u8>) {
        (self.inner, self.read)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            let before = buffer.filled().len();
            let read = Pin::new(&mut self.inner).poll_read(cx, buffer);
            if buffer.filled().len() > before && !self.is_http2 {
                self.watch.begins();
            }
            return read;
        }
        let length = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..length]);
        self.read.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.note(&written);
        written
    }

    /// hyper asks for this once all that it has to send is written.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(cx);
        match flushed {
            Poll::Ready(_) => self.watch.flushed(),
            Poll::Pending => self.watch.stalls(),
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.inner).poll_write_vectored(cx, slices);
        self.note(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
