//! Which servers are worth asking: one that fails again and again is left alone for a while.

use std::{sync::Mutex, time::Duration};

use tokio::time::Instant;
use tracing::{info, warn};

use crate::{
    error::Failure,
    health::{BreakerState, ServerHealth},
    jitter,
    settings::{FailOver, Server},
    store::lock,
};

/// Failures in a row that open a breaker.
const TOLERATED: u32 = 3;

/// The first pause of an open breaker; each trial that fails doubles it.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A circuit breaker for each server of the list, in its order.
pub(crate) struct Breakers {
    breakers: Vec<Mutex<Breaker>>,
    fail_over: FailOver,
}

struct Breaker {
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

impl Breakers {
    pub(crate) fn new(servers: &[Server], fail_over: FailOver) -> Self {
        let breakers = servers.iter().map(|server| {
            Mutex::new(Breaker {
                server: server.to_string(),
                failures: 0,
                problem: None,
                open: None,
            })
        });
        Self {
            breakers: breakers.collect(),
            fail_over,
        }
    }

    /// The servers to ask, in order: without the open ones, unless there are no others.
    pub(crate) fn in_turn(&self) -> Vec<usize> {
        let closed: Vec<usize> = (0..self.breakers.len())
            .filter(|index| lock(&self.breakers[*index]).state() != BreakerState::Open)
            .collect();
        if closed.is_empty() {
            (0..self.breakers.len()).collect()
        } else {
            closed
        }
    }

    /// Notes how a request ended.
    pub(crate) fn note(&self, index: usize, failure: Option<&Failure>) {
        let Some(breaker) = self.breakers.get(index) else {
            return;
        };
        let mut breaker = lock(breaker);
        let is_broken = |failure: &&Failure| match self.fail_over {
            FailOver::Always => failure.is_of_server(),
            // What a server says is final, 503 too.
            FailOver::ConnectionFailure => failure.is_of_connection(),
        };
        match failure.filter(is_broken) {
            Some(failure) => breaker.failed(failure),
            // Whatever it says, it answers.
            None => breaker.answered(),
        }
    }

    pub(crate) fn health(&self) -> Vec<ServerHealth> {
        let breakers = self.breakers.iter().map(|breaker| lock(breaker));
        breakers
            .map(|breaker| ServerHealth {
                server: breaker.server.clone(),
                breaker: breaker.state(),
                failures: breaker.failures,
                problem: breaker.problem.clone(),
            })
            .collect()
    }
}

impl Breaker {
    fn state(&self) -> BreakerState {
        match &self.open {
            None => BreakerState::Closed,
            Some(open) if open.until > Instant::now() => BreakerState::Open,
            Some(_) => BreakerState::HalfOpen,
        }
    }

    fn failed(&mut self, failure: &Failure) {
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

    fn answered(&mut self) {
        if self.open.take().is_some() {
            info!(server = self.server, "a server that failed answers again");
        }
        self.failures = 0;
        self.problem = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breakers() -> Breakers {
        with(FailOver::Always)
    }

    fn with(fail_over: FailOver) -> Breakers {
        let servers = ["http://a", "http://b"].map(|url| Server::parse(url, None, None).unwrap());
        Breakers::new(&servers, fail_over)
    }

    fn state(breakers: &Breakers) -> BreakerState {
        breakers.health()[0].breaker
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_fails_three_times_is_left_alone_for_growing_pauses() {
        let breakers = breakers();
        let fail = || breakers.note(0, Some(&Failure::Timeout));
        fail();
        fail();
        assert_eq!(breakers.in_turn(), [0, 1]);
        fail();
        for pause in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(
                (breakers.in_turn(), state(&breakers)),
                (vec![1], BreakerState::Open)
            );
            tokio::time::advance(Duration::from_millis(pause * 500 - 100)).await;
            assert_eq!(state(&breakers), BreakerState::Open, "half of {pause} s");
            tokio::time::advance(Duration::from_millis(pause * 500 + 200)).await;
            assert_eq!(
                (breakers.in_turn(), state(&breakers)),
                (vec![0, 1], BreakerState::HalfOpen)
            );
            fail();
        }
        breakers.note(0, None);
        assert_eq!(breakers.health()[0].failures, 0);
        fail();
        assert_eq!(state(&breakers), BreakerState::Closed);
    }

    #[test]
    fn who_answers_is_not_broken() {
        let breakers = breakers();
        for _ in 0..5 {
            breakers.note(0, Some(&Failure::NotFound));
            breakers.note(0, Some(&Failure::Denied { status: 401 }));
            breakers.note(0, Some(&Failure::Status { status: 503 }));
            breakers.note(0, Some(&Failure::Status { status: 503 }));
        }
        assert_eq!(state(&breakers), BreakerState::Closed);
    }

    #[test]
    fn when_only_connections_count_who_answers_badly_is_asked_on() {
        let breakers = with(FailOver::ConnectionFailure);
        for _ in 0..5 {
            breakers.note(0, Some(&Failure::Status { status: 503 }));
        }
        assert_eq!(state(&breakers), BreakerState::Closed);
        for _ in 0..3 {
            breakers.note(0, Some(&Failure::Timeout));
        }
        assert_eq!(state(&breakers), BreakerState::Open);
    }

    #[test]
    fn when_all_are_open_all_are_asked() {
        let breakers = breakers();
        for _ in 0..3 {
            breakers.note(0, Some(&Failure::Timeout));
            breakers.note(1, Some(&Failure::Status { status: 500 }));
        }
        assert_eq!(state(&breakers), BreakerState::Open);
        assert_eq!(breakers.in_turn(), [0, 1]);
    }
}
