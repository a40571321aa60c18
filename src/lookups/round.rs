use std::{
    collections::{HashSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use confbus_resolution::EnvironmentRequest;

use super::{Answer, LookupError, Reply};
use crate::look::Trigger;

/// Everything that is kept, looked up once.
#[derive(Debug)]
pub(super) struct Round {
    began: Instant,
    left: VecDeque<EnvironmentRequest>,
    pub(super) at_work: usize,
    /// What was found, to be put in service together.
    pub(super) found: Vec<(EnvironmentRequest, Arc<Answer>)>,
    error: Option<LookupError>,
    pub(super) because: Option<Trigger>,
    replies: Vec<Reply<()>>,
}

/// A round that somebody wants and that has not begun: what is looked up before somebody asked is not what was meant.
#[derive(Debug, Default)]
pub(super) struct NextRound {
    pub(super) because: Option<Trigger>,
    pub(super) replies: Vec<Reply<()>>,
}

impl Round {
    pub(super) fn new(requests: HashSet<EnvironmentRequest>, next: NextRound) -> Self {
        Self {
            began: Instant::now(),
            left: requests.into_iter().collect(),
            at_work: 0,
            found: Vec::new(),
            error: None,
            because: next.because,
            replies: next.replies,
        }
    }

    /// The next one to look up.
    pub(super) fn next(&mut self) -> Option<EnvironmentRequest> {
        let next = self.left.pop_front()?;
        self.at_work += 1;
        Some(next)
    }

    pub(super) fn is_over(&self) -> bool {
        self.at_work == 0 && self.left.is_empty()
    }

    /// Notes that something could not be had. Where nobody answers, nobody else is asked.
    pub(super) fn failed(&mut self, error: LookupError) {
        if error.is_outage() {
            self.left.clear();
        }
        self.error.get_or_insert(error);
    }

    /// When it began, if everything could be had; tells whoever waits.
    pub(super) fn end(self) -> Result<Instant, LookupError> {
        let ended = self.error.map_or(Ok(self.began), Err);
        for reply in self.replies {
            // Whoever asked may have stopped waiting.
            _ = reply.send(ended.clone().map(drop));
        }
        ended
    }
}
