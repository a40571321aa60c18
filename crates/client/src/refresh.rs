//! Looking again: one round at a time, and one more for everybody who asked meanwhile.

use std::{
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use confbus_protocol::{Environment, Outcome, Properties};
use tracing::{Instrument, Span, debug, debug_span, field::Empty, info, warn};

use crate::{
    Rejection, Snapshot,
    bell::Rounds,
    error::{RefreshError, Unavailable},
    fetch::{Answer, Fetcher, Known, Place, Validator},
    health::{Board, Source},
    jitter,
    last_good::LastGood,
    report::Reporter,
    snapshot::with_override,
    store::Store,
};

/// The one task that fetches and applies.
pub(crate) struct Refresher {
    parts: Parts,
    rounds: Rounds,
    /// Rounds without an answer in a row.
    failures: u32,
    /// The values set by events that are in what runs.
    applied_overrides: Properties,
    /// The refusal that was logged.
    refused: Option<(Option<String>, Rejection)>,
}

/// What a refresher works with.
pub(crate) struct Parts {
    pub(crate) fetcher: Fetcher,
    pub(crate) store: Arc<Store>,
    pub(crate) board: Arc<Board>,
    pub(crate) last_good: Option<LastGood>,
    pub(crate) reporter: Option<Reporter>,
    pub(crate) poll: Option<Duration>,
    /// What runs.
    pub(crate) accepted: Arc<Environment>,
    /// That of the accepted environment.
    pub(crate) validator: Option<Validator>,
}

impl Refresher {
    pub(crate) fn new(parts: Parts, rounds: Rounds) -> Self {
        // After a start without a server the first round comes soon.
        let failures = parts.board.read().failures;
        Self {
            parts,
            rounds,
            failures,
            applied_overrides: Properties::new(),
            refused: None,
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.rounds.asked() => {}
                () = elapsed(self.pause()) => {}
            }
            let number = self.rounds.begin();
            let outcome = self.round().await;
            self.rounds.end(number, outcome);
        }
    }

    /// After a failure soon, otherwise at the next poll.
    fn pause(&self) -> Option<Duration> {
        match self.failures {
            0 => self.parts.poll.map(jitter::around),
            failures => Some(jitter::backoff(failures)),
        }
    }

    async fn round(&mut self) -> Result<(), RefreshError> {
        let begun = Instant::now();
        let span = debug_span!(
            "round",
            server = Empty,
            version = Empty,
            keys = Empty,
            outcome = Empty,
            elapsed_ms = Empty
        );
        let outcome = self.look().instrument(span.clone()).await;
        let word = match &outcome {
            Ok(()) => "accepted",
            Err(RefreshError::Refused(_)) => "refused",
            Err(_) => "unavailable",
        };
        span.record("outcome", word);
        span.record("elapsed_ms", begun.elapsed().as_millis());
        outcome
    }

    /// Fetches, and takes or refuses.
    async fn look(&mut self) -> Result<(), RefreshError> {
        let accepted = Arc::clone(&self.parts.accepted);
        let known = Known {
            validator: self.parts.validator.as_ref(),
            state: accepted.state.as_deref(),
            running: accepted.version.as_deref(),
        };
        let fetcher = &self.parts.fetcher;
        let fetched = fetcher.fetch(known).instrument(debug_span!("fetch")).await;
        let Answer { place, news } = match fetched {
            Ok(answer) => answer,
            Err(unavailable) => return Err(self.unavailable(unavailable)),
        };
        let span = Span::current();
        span.record("server", fetcher.address(place));
        self.answered();
        let (environment, validator) = match news {
            Some((environment, validator)) => (Arc::from(environment), validator),
            None => (accepted, self.parts.validator.clone()),
        };
        let version = environment.version.clone();
        span.record("version", version.as_deref());
        let outcome = self.take(environment, validator).await;
        self.report(place, version.as_deref(), &outcome);
        outcome
    }

    /// Tells the server that answered what became of its version.
    fn report(&self, place: Place, version: Option<&str>, taken: &Result<(), RefreshError>) {
        let outcome = match taken {
            Ok(()) => Outcome::Applied {
                restart: self.parts.board.read().restart,
            },
            Err(RefreshError::Refused(rejection)) => Outcome::Rejected {
                reason: rejection.to_string(),
            },
            Err(_) => return,
        };
        if let Some(reporter) = &self.parts.reporter {
            let running = self.parts.accepted.version.as_deref();
            reporter.tell(place, version, running, outcome);
        }
    }

    fn unavailable(&mut self, unavailable: Unavailable) -> RefreshError {
        self.failures = self.failures.saturating_add(1);
        let reason = unavailable.to_string();
        let before = self.parts.board.change(|health| {
            health.unavailable = Some(reason.clone());
            health.failures = self.failures;
        });
        if before.unavailable.as_ref() == Some(&reason) {
            debug!(reason, "still no configuration from the server");
        } else {
            warn!(
                reason,
                "no configuration from the server; keeping what is running"
            );
        }
        RefreshError::Unavailable(unavailable)
    }

    fn answered(&mut self) {
        self.failures = 0;
        let before = self.parts.board.change(|health| {
            health.last_contact = Some(SystemTime::now());
            health.unavailable = None;
            health.failures = 0;
        });
        if before.unavailable.is_some() {
            info!("the server answers again");
        }
    }

    /// Accepts an environment with everybody's consent, or keeps the old one.
    async fn take(
        &mut self,
        environment: Arc<Environment>,
        validator: Option<Validator>,
    ) -> Result<(), RefreshError> {
        let overrides = self.rounds.overrides();
        if environment != self.parts.accepted || overrides != self.applied_overrides {
            let next = Snapshot::of(&with_override(&environment, &overrides));
            let applied = match self.parts.store.apply(&next).await {
                Ok(applied) => applied,
                Err(rejection) => return Err(self.refuse(&environment, rejection)),
            };
            Span::current().record("keys", applied.changed.len());
            let (version, keys) = (next.version(), applied.changed);
            info!(version, ?keys, "configuration accepted");
            self.parts.board.needs_restart(&applied.restart);
        }
        let is_new = environment != self.parts.accepted;
        self.parts.accepted = environment;
        self.parts.validator = validator;
        self.applied_overrides = overrides;
        self.refused = None;
        let before = self.parts.board.change(|health| {
            health.source = Source::Server;
            health.version.clone_from(&self.parts.accepted.version);
            health.refused = None;
        });
        if is_new || before.source != Source::Server {
            save(
                self.parts.last_good.as_ref(),
                &self.parts.accepted,
                &self.parts.board,
            )
            .await;
        }
        Ok(())
    }

    fn refuse(&mut self, environment: &Environment, rejection: Rejection) -> RefreshError {
        // A value that an event set must not stand in the way for ever.
        self.rounds.reset_overrides(&self.applied_overrides);
        let version = environment.version.as_deref().unwrap_or("unknown");
        let refusal = Some((environment.version.clone(), rejection.clone()));
        if self.refused == refusal {
            debug!(version, %rejection, "configuration still refused");
        } else {
            warn!(version, %rejection, "configuration refused; keeping what is running");
            self.refused = refusal;
        }
        self.parts
            .board
            .change(|health| health.refused = Some(format!("version {version}: {rejection}")));
        RefreshError::Refused(rejection)
    }
}

/// Writes the last good file off the runtime's threads. A failure is shown, and stops nothing.
pub(crate) async fn save(
    last_good: Option<&LastGood>,
    environment: &Arc<Environment>,
    board: &Board,
) {
    let Some(last_good) = last_good.cloned() else {
        return;
    };
    let environment = Arc::clone(environment);
    let Ok(saved) = tokio::task::spawn_blocking(move || last_good.save(&environment)).await else {
        return;
    };
    let problem = saved.err().map(|error| error.to_string());
    let before = board.change(|health| health.last_good_file.clone_from(&problem));
    if let Some(problem) = problem.filter(|problem| before.last_good_file.as_ref() != Some(problem))
    {
        warn!(problem, "the last good file was not written");
    }
}

async fn elapsed(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
