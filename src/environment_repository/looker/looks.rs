use std::time::Instant;

use confbus_protocol::Label;
use tokio::sync::{mpsc, oneshot};

use super::Announce;
use crate::{look::LookError, traces::TraceContext};

/// Requests that may wait for a look.
pub(in crate::environment_repository) const QUEUE: usize = 256;

/// What a look is wanted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::environment_repository) enum Wish {
    /// To bring a label into service out of what is here.
    Local,
    /// To hear what the remote has under these names.
    Refs(Vec<String>),
    /// To hear of a label that is not known here; what is here is enough if the remote has told all since then.
    ListedSince(Option<Instant>),
    /// To hear all.
    All,
}

impl Wish {
    /// Whether what is here is enough, when the remote told all at a time.
    pub(super) fn is_local(&self, listed: Option<Instant>) -> bool {
        match self {
            Self::Local => true,
            Self::ListedSince(since) => listed > *since,
            Self::Refs(_) | Self::All => false,
        }
    }

    /// The names that are enough to ask for, if there are such.
    pub(super) fn refs(&self) -> Option<&[String]> {
        match self {
            Self::Refs(refs) => Some(refs),
            Self::Local => Some(&[]),
            Self::ListedSince(_) | Self::All => None,
        }
    }
}

/// A wish for a look, and where to say that it is over.
#[derive(Debug)]
pub(in crate::environment_repository) struct Wanted {
    pub(super) wish: Wish,
    pub(super) label: Option<Label>,
    pub(super) announce: Announce,
    pub(super) trace: TraceContext,
    pub(super) done: oneshot::Sender<Result<(), LookError>>,
}

/// Asks for looks.
#[derive(Debug, Clone)]
pub(in crate::environment_repository) struct Looks {
    requests: mpsc::Sender<Wanted>,
}

impl Looks {
    pub(in crate::environment_repository) fn new(requests: mpsc::Sender<Wanted>) -> Self {
        Self { requests }
    }

    /// Waits for a look that begins after this call. To stop waiting does not stop the look. It becomes part of the trace.
    ///
    /// # Errors
    /// [`LookError`] when the remote could not be asked, or too many wait.
    pub(in crate::environment_repository) async fn look(
        &self,
        wish: Wish,
        label: Option<Label>,
        announce: Announce,
        trace: &TraceContext,
    ) -> Result<(), LookError> {
        let (done, answer) = oneshot::channel();
        let wanted = Wanted {
            wish,
            label,
            announce,
            trace: trace.clone(),
            done,
        };
        let asked = self.requests.try_send(wanted);
        asked.map_err(|_| LookError::Busy)?;
        answer.await.map_err(|_| LookError::Busy)?
    }
}

#[cfg(test)]
impl Wanted {
    /// Ends the look in place of a looker; what it was to ask for.
    pub(in crate::environment_repository) fn over(self, looked: Result<(), LookError>) -> Wish {
        self.done.send(looked).expect("somebody waits");
        self.wish
    }
}
