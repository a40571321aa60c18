use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use confbus_protocol::{Environment, Minimum};
use tracing::warn;

use crate::{
    ConnectError, Settings, Snapshot, Start,
    error::{Failure, LastGoodError, Unavailable},
    fetch::{Answer, Fetcher, Known, Place, Validator},
    health::Source,
    jitter,
    last_good::{Earlier, LastGood},
    settings::Retry,
};

/// The configuration to start with.
pub(crate) struct First {
    pub(crate) environment: Arc<Environment>,
    pub(crate) snapshot: Snapshot,
    pub(crate) validator: Option<Validator>,
    pub(crate) from: From,
    /// What can be stepped back to.
    pub(crate) last_good: Option<Arc<Earlier>>,
}

/// Who gave it.
pub(crate) enum From {
    Server(Place),
    File {
        saved: SystemTime,
        /// Why no server gave it, if one was asked.
        unavailable: Option<Unavailable>,
    },
}

impl From {
    pub(crate) fn place(&self) -> Option<Place> {
        match self {
            Self::Server(place) => Some(*place),
            Self::File { .. } => None,
        }
    }

    pub(crate) fn source(&self) -> Source {
        match self {
            Self::Server(_) => Source::Server,
            Self::File { saved, .. } => Source::LastGood { saved: *saved },
        }
    }
}

/// Gets the first configuration, as the settings say.
pub(crate) async fn first(
    fetcher: &Fetcher,
    settings: &Settings,
    last_good: Option<&LastGood>,
) -> Result<First, ConnectError> {
    let saved = match settings.start {
        Start::FreshOrFail => Err(None),
        Start::Fresh { .. } | Start::LastGood => load(last_good).await,
    };
    let within = match (settings.start, &saved) {
        (Start::LastGood, Ok(_)) => Some(Duration::ZERO),
        (Start::Fresh { within }, Ok(_)) => Some(within),
        // Nothing to fall back on: as long as the tries take.
        _ => None,
    };
    // What ran here before a stop must not be followed by something older.
    let ran = saved.as_ref().ok();
    let ran = ran.and_then(|saved| saved.environment.version.as_deref());
    let minimum = ran.and_then(Minimum::parse);
    let known = Known {
        minimum: minimum.as_ref(),
        ..Known::default()
    };
    let patience = if within.is_some() {
        Patience::UntilRefused
    } else {
        Patience::AllTries
    };
    let mut unavailable = None;
    let fetched = match within {
        Some(Duration::ZERO) => None,
        Some(within) => {
            let asked = ask(fetcher, known, settings.retry, patience, &mut unavailable);
            tokio::time::timeout(within, asked).await.ok().flatten()
        }
        None => ask(fetcher, known, settings.retry, patience, &mut unavailable).await,
    };
    match (fetched, saved) {
        (Some(first), saved) => Ok(First {
            last_good: saved.ok(),
            ..first
        }),
        (None, Ok(saved)) => {
            let asked = within != Some(Duration::ZERO);
            let silence = || fetcher.unavailable(&Failure::Timeout);
            Ok(from_file(
                saved,
                asked.then(|| unavailable.unwrap_or_else(silence)),
            ))
        }
        (None, Err(last_good)) => Err(ConnectError::Unavailable {
            unavailable: unavailable.unwrap_or_else(|| Unavailable(Vec::new())),
            last_good,
        }),
    }
}

/// How long servers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// As often as the settings say.
    AllTries,
    /// There is a file, and nobody waits for servers that are not running; they are asked in the background.
    UntilRefused,
}

/// Asks in rounds until somebody answers; notes what the servers said last.
async fn ask(
    fetcher: &Fetcher,
    known: Known<'_>,
    retry: Retry,
    patience: Patience,
    unavailable: &mut Option<Unavailable>,
) -> Option<First> {
    let mut failures = 0;
    loop {
        let said = match fetcher.fetch(known).await {
            Ok(Answer {
                place,
                news: Some((environment, validator)),
            }) => {
                return Some(First {
                    snapshot: Snapshot::of(&environment),
                    environment: Arc::from(environment),
                    validator,
                    from: From::Server(place),
                    last_good: None,
                });
            }
            // Only an answer to a question with a validator, and there was none.
            Ok(Answer { news: None, .. }) => Unavailable(Vec::new()),
            Err(said) => said,
        };
        failures += 1;
        let said = unavailable.insert(said);
        let is_hopeless =
            said.is_denied() || (patience == Patience::UntilRefused && said.is_refused());
        if failures >= retry.max_attempts || is_hopeless {
            return None;
        }
        warn!(reason = %said, attempt = failures, "no configuration yet; trying again");
        tokio::time::sleep(jitter::below(retry.pause(failures))).await;
    }
}

/// Without a file the reason, if there should be one.
async fn load(last_good: Option<&LastGood>) -> Result<Arc<Earlier>, Option<LastGoodError>> {
    let last_good = last_good.cloned().ok_or(None)?;
    let load = move || Ok(Arc::new(Earlier::from(last_good.load()?)));
    let loaded = tokio::task::spawn_blocking(load).await;
    loaded.map_err(|_| None)?.map_err(|error| {
        if !matches!(error, LastGoodError::Missing { .. }) {
            warn!(%error, "the last good file is of no use");
        }
        Some(error)
    })
}

fn from_file(last_good: Arc<Earlier>, unavailable: Option<Unavailable>) -> First {
    let (version, age_s) = (last_good.snapshot.version(), last_good.age_s());
    match &unavailable {
        Some(reason) => {
            warn!(%reason, version, age_s, "no server answers; starting from the last good file");
        }
        None => warn!(
            version,
            age_s, "starting from the last good file before any server is asked"
        ),
    }
    First {
        environment: Arc::clone(&last_good.environment),
        snapshot: last_good.snapshot.clone(),
        validator: None,
        from: From::File {
            saved: last_good.saved,
            unavailable,
        },
        last_good: Some(last_good),
    }
}
