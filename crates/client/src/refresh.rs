//! Looking again: one round at a time, and one more for everybody who asked meanwhile.

use std::{
    pin::pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use confbus_protocol::{Environment, Properties};
use tracing::{Instrument, Span, debug, debug_span, field::Empty, info, warn};

use self::lagging::Lagging;
use crate::{
    Rejection,
    bell::Rounds,
    error::{RefreshError, Unavailable},
    fetch::{Answer, Fetcher, Known, Place, Validator},
    health::{Board, Source},
    jitter,
    last_good::Saver,
    report::Reporter,
    snapshot::with_override,
    store::{Probes, Store},
    trial::Trial,
};

mod lagging;
mod settle;

/// The one task that fetches and applies.
pub(crate) struct Refresher {
    parts: Parts,
    rounds: Rounds,
    /// Rounds without an answer in a row.
    failures: u32,
    lagging: Lagging,
    /// Set while servers are asked that may be behind.
    since_now: bool,
    /// The values set by events that are in what runs.
    applied_overrides: Properties,
    /// The refusal that was logged.
    refused: Option<(Option<String>, Rejection)>,
    running: Running,
    /// Whether everybody agreed to what runs, or did when it was saved.
    is_accepted: bool,
    declined: Option<Declined>,
    _ended: Ended,
}

/// The configuration that runs.
pub(crate) struct Running {
    pub(crate) environment: Arc<Environment>,
    pub(crate) validator: Option<Validator>,
    /// Who gave it; `None` when it is the last good file's.
    pub(crate) place: Option<Place>,
}

/// A configuration that a binding refused when it ran already.
struct Declined {
    environment: Arc<Environment>,
    place: Option<Place>,
    rejection: Rejection,
    /// Whether nothing that is bound can be asked again.
    is_final: bool,
}

/// What a refresher works with.
pub(crate) struct Parts {
    pub(crate) fetcher: Fetcher,
    pub(crate) store: Arc<Store>,
    pub(crate) board: Arc<Board>,
    pub(crate) trial: Arc<Trial>,
    pub(crate) saver: Option<Saver>,
    pub(crate) reporter: Option<Reporter>,
    pub(crate) poll: Option<Duration>,
}

impl Refresher {
    pub(crate) fn new(parts: Parts, rounds: Rounds, running: Running) -> Self {
        // After a start without a server the first round comes soon.
        let failures = parts.board.read().failures;
        Self {
            _ended: Ended(Arc::clone(&parts.board)),
            parts,
            rounds,
            failures,
            lagging: Lagging::default(),
            since_now: false,
            applied_overrides: Properties::new(),
            refused: None,
            is_accepted: running.place.is_none(),
            running,
            declined: None,
        }
    }

    /// Works until it is dropped.
    pub(crate) async fn run(mut self) {
        self.show_ready();
        loop {
            self.next_round().await;
            let number = self.rounds.begin();
            let outcome = self.round().await;
            self.show_ready();
            self.rounds.end(number, outcome);
        }
    }

    /// To whoever counts.
    fn show_ready(&self) {
        #[cfg(feature = "metrics")]
        crate::metrics::ready(self.is_accepted);
    }

    /// Waits for the next round, and settles meanwhile what becomes of the running version.
    async fn next_round(&mut self) {
        let trial = Arc::clone(&self.parts.trial);
        let mut pause = pin!(elapsed(self.pause()));
        loop {
            tokio::select! {
                () = self.rounds.asked() => return,
                () = &mut pause => return,
                () = trial.news() => {
                    self.settle().await;
                    self.show_ready();
                    if self.unsaved() > 0 {
                        pause.set(elapsed(self.pause()));
                    }
                }
            }
        }
    }

    /// After a failure and after an answer that may be old soon, otherwise at the next poll.
    fn pause(&self) -> Option<Duration> {
        match self.failures.max(self.unsaved()) {
            0 => self
                .lagging
                .pause()
                .or_else(|| self.parts.poll.map(jitter::around)),
            failures => Some(jitter::backoff(failures)),
        }
    }

    async fn round(&mut self) -> Result<(), RefreshError> {
        if self.unsaved() > 0 {
            self.save().await;
        }
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
        let asked = Arc::clone(&self.running.environment);
        let place = self.running.place;
        let told = self
            .rounds
            .told(|label| self.parts.fetcher.reads(place, label));
        let minimum = lagging::minimum(&asked, &told);
        let mut known = Known {
            minimum: Some(&minimum),
            since_now: self.since_now,
            validator: self.running.validator.as_ref(),
            environment: Some(&asked),
            running: self.accepted(),
        };
        let fetcher = &self.parts.fetcher;
        let mut fetched = fetcher.fetch(known).instrument(debug_span!("fetch")).await;
        if !known.since_now
            && fetched
                .as_ref()
                .is_ok_and(|answer| self.is_of_other(answer))
        {
            // Which of two servers is ahead, only the repository can tell.
            known.since_now = true;
            fetched = fetcher.fetch(known).instrument(debug_span!("fetch")).await;
        }
        let Answer { place, news } = match fetched {
            Ok(answer) => answer,
            Err(unavailable) if unavailable.is_lagging() => {
                return Err(self.lagging(unavailable, &told));
            }
            Err(unavailable) => return Err(self.unavailable(unavailable)),
        };
        self.rounds.forget(&told);
        self.lagging = Lagging::default();
        self.since_now = false;
        let span = Span::current();
        span.record("server", fetcher.address(place));
        self.answered();
        let (environment, validator) = match news {
            Some((environment, validator)) => (Arc::from(environment), validator),
            None => (asked, self.running.validator.clone()),
        };
        let version = environment.version.clone();
        span.record("version", version.as_deref());
        let next = Running {
            environment,
            validator,
            place: Some(place),
        };
        let outcome = self.take(next).await;
        match &outcome {
            Ok(()) => self.tell_applied(),
            Err(rejection) => self.tell_rejected(Some(place), version.as_deref(), rejection),
        }
        outcome.map_err(RefreshError::Refused)
    }

    fn unavailable(&mut self, unavailable: Unavailable) -> RefreshError {
        self.lagging = Lagging::default();
        self.failures = self.failures.saturating_add(1);
        self.without_news(unavailable)
    }

    fn without_news(&self, unavailable: Unavailable) -> RefreshError {
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

    /// Takes a configuration with everybody's consent, or keeps the old one.
    async fn take(&mut self, next: Running) -> Result<(), Rejection> {
        let store = Arc::clone(&self.parts.store);
        let turn = store.turn().await;
        let trial = self.catch_up();
        let overrides = self.rounds.overrides();
        let is_as_asked = overrides == self.applied_overrides;
        if let Some(declined) = &self.declined
            && (declined.is_final && is_as_asked && declined.environment == next.environment)
        {
            return Err(declined.rejection.clone());
        }
        let is_new = next.environment != self.running.environment;
        if is_new || !is_as_asked {
            let environment = with_override(&next.environment, &overrides);
            let snapshot = store.snapshot().next(&environment);
            let applied = match turn.apply(&snapshot, Probes::Asked).await {
                Ok(applied) => applied,
                Err(rejection) => {
                    // A value that an event set must not stand in the way for ever.
                    self.rounds.take_back(&overrides, &self.applied_overrides);
                    return Err(self.refuse(&next.environment, rejection));
                }
            };
            Span::current().record("keys", applied.changed.len());
            let (version, count) = (snapshot.version(), applied.changed.len());
            let keys = first(&applied.changed);
            info!(version, count, ?keys, "configuration accepted");
            self.parts.board.needs_restart(&applied.restart);
        }
        self.running = next;
        self.applied_overrides = overrides;
        self.refused = None;
        let environment = &self.running.environment;
        // What was bound to it before may have refused it for reasons of its own.
        let is_held =
            |declined: &Declined| declined.is_final && declined.environment == *environment;
        self.declined.take_if(|declined| !is_held(declined));
        let version = environment.version.as_deref();
        self.parts.trial.forget_others(version);
        let before = self.parts.board.change(|health| {
            health.source = Source::Server;
            health.version = version.map(str::to_owned);
            if self.declined.is_none() {
                health.refused = None;
            }
        });
        drop(turn);
        self.is_accepted &= !is_new && before.source == Source::Server;
        self.accept(&trial).await;
        Ok(())
    }

    fn refuse(&mut self, environment: &Environment, rejection: Rejection) -> Rejection {
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
        rejection
    }
}

/// Shows in the health that nobody looks any more, however that came about.
struct Ended(Arc<Board>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.change(|health| {
            health.unavailable = Some("the client's task has ended; nobody looks again".to_owned());
        });
    }
}

/// As many keys as a line of the log has room for.
pub(crate) fn first<T>(keys: &[T]) -> &[T] {
    &keys[..keys.len().min(20)]
}

/// Waits for the end of a pause; for ever without one.
pub(crate) async fn elapsed(pause: Option<Duration>) {
    match pause {
        Some(pause) => tokio::time::sleep(pause).await,
        None => std::future::pending().await,
    }
}
