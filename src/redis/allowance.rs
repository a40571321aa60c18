use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
};

use tokio::io::{AsyncRead, ReadBuf};

/// How much a server may still say on one connection, on which questions do not wait for each other.
#[derive(Debug)]
pub(super) struct Allowance {
    of_question: usize,
    state: Mutex<State>,
}

/// What a server says by itself when somebody comes in is little.
const OF_LOGIN: usize = 64 << 10;

#[derive(Debug)]
struct State {
    /// Questions that are not answered.
    open: usize,
    /// Bytes that may come.
    left: usize,
    is_exceeded: bool,
}

impl Allowance {
    /// So many bytes for each question.
    pub(super) fn new(of_question: usize) -> Self {
        let state = State {
            open: 0,
            left: OF_LOGIN,
            is_exceeded: false,
        };
        Self {
            of_question,
            state: Mutex::new(state),
        }
    }

    /// A question is sent.
    pub(super) fn ask(&self) {
        let mut state = self.state();
        state.open += 1;
        state.left += self.of_question;
    }

    /// All of an answer has come. Of whoever stops waiting nobody can say so.
    pub(super) fn answered(&self) {
        let mut state = self.state();
        state.open -= 1;
        state.left = state.left.min(OF_LOGIN + state.open * self.of_question);
    }

    /// Whether more came than may, so that the connection has ended.
    pub(super) fn is_exceeded(&self) -> bool {
        self.state().is_exceeded
    }

    fn take(&self, bytes: usize) -> io::Result<()> {
        let mut state = self.state();
        match state.left.checked_sub(bytes) {
            Some(left) => {
                state.left = left;
                Ok(())
            }
            None => {
                state.is_exceeded = true;
                Err(io::Error::other("an answer is too large"))
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes in, as long as it may.
#[derive(Debug)]
pub(super) struct Bounded<R> {
    pub(super) reader: R,
    pub(super) allowance: Arc<Allowance>,
}

impl<R: AsyncRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.reader).poll_read(context, buffer))?;
        Poll::Ready(self.allowance.take(buffer.filled().len() - before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_needed_is_not_kept_for_later() {
        let allowance = Allowance::new(1000);
        for _ in 0..100 {
            allowance.ask();
            allowance.ask();
            allowance.take(10).unwrap();
            allowance.answered();
            allowance.answered();
        }
        allowance.ask();
        allowance.take(OF_LOGIN + 1000).unwrap();
        assert!(!allowance.is_exceeded());
        assert!(allowance.take(1).is_err() && allowance.is_exceeded());
    }

    #[test]
    fn each_question_that_is_open_may_be_answered() {
        let allowance = Allowance::new(1000);
        allowance.take(OF_LOGIN).unwrap();
        for _ in 0..3 {
            allowance.ask();
        }
        allowance.take(1000).unwrap();
        allowance.answered();
        allowance.take(2000).unwrap();
        allowance.take(1).unwrap_err();
    }
}
