//! Whether a server is worth asking: one that fails again and again is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{
    error::Failure,
    health::{BreakerState, ServerHealth},
    jitter,
};

/// Failures in a row that open a breaker.
const TOLERATED: u32 = 3;

/// The first pause of an open breaker; each trial that fails doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The circuit breaker of a server.
pub(crate) struct Breaker {
    /// The address, without credentials.
    server: String,
    failures: u32,
    problem: Option<String>,
    open: Option<Open>,
}

struct Open {
    /// Then it is half open: one request tells.
    until: Instant,
    pause: Duration,
}

impl Breaker {
    pub(crate) fn new(server: String) -> Self {
        Self {
            server,
            failures: 0,
            problem: None,
            open: None,
        }
    }

    pub(crate) fn state(&self) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if open.until > Instant::now() => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    pub(crate) fn failed(&mut self, failure: &Failure) {
        self.failures = self.failures.saturating_add(1);
        self.problem = Some(failure.to_string());
        let pause = match &self.open {
            Some(open) => (open.pause * 2).min(LONGEST_PAUSE),
            None if self.failures >= TOLERATED => {
                warn!(server = self.server, %failure, "a server failed {TOLERATED} times; others are asked for a while");
                SHORTEST_PAUSE
            }
            None => return,
        };
        let until = Instant::now() + jitter::below(pause);
        self.open = Some(Open { until, pause });
    }

    pub(crate) fn answered(&mut self) {
        if self.open.take().is_some() {
            info!(server = self.server, "a server that failed answers again");
        }
        self.failures = 0;
        self.problem = None;
    }

    pub(crate) fn health(&self) -> ServerHealth {
        ServerHealth {
            server: self.server.clone(),
            breaker: self.state(),
            failures: self.failures,
            problem: self.problem.clone(),
        }
    }
}
