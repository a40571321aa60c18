//! The end of a connection that was answered before all that its other side has to say was read. Closed at once, the system
//! would take back the answer before it is read.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};

use super::{connection::Ended, wire::Wire};

/// Bytes that are read and thrown away.
const MOST: usize = 16 << 20;

/// A connection to which nothing is sent any more.
pub(super) struct Linger {
    wire: Wire,
    /// The other side was told so.
    is_told: bool,
    left: usize,
    ended: Option<Ended>,
}

impl Linger {
    pub(super) fn new(wire: Wire, ended: Ended) -> Self {
        Self {
            wire,
            is_told: false,
            left: MOST,
            ended: Some(ended),
        }
    }

    /// How the connection ended, once the other side has nothing more to say, or has said too much.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, input: &mut [u8]) -> Poll<Ended> {
        if !self.is_told {
            // It may have gone already.
            _ = ready!(Pin::new(&mut self.wire).poll_shutdown(cx));
            self.is_told = true;
        }
        while self.left > 0 {
            let mut input = ReadBuf::new(input);
            let read = ready!(Pin::new(&mut self.wire).poll_read(cx, &mut input));
            match input.filled().len() {
                0 => break,
                _ if read.is_err() => break,
                length => self.left = self.left.saturating_sub(length),
            }
        }
        Poll::Ready(self.ended.take().unwrap_or(Ok(())))
    }
}
