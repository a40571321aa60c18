use std::time::{Duration, SystemTime};

use confbus_protocol::Environment;
use tracing::warn;

use crate::{
    ConnectError, Settings, Start,
    error::{Failure, LastGoodError, Unavailable},
    fetch::{Answer, Fetcher, Known, Place, Validator},
    health::Source,
    jitter,
    last_good::{LastGood, LeftOut, Saved},
    settings::Retry,
};

/// The configuration to start with.
pub(crate) struct First {
    pub(crate) environment: Environment,
    /// What the environment lacks.
    pub(crate) left_out: LeftOut,
    pub(crate) validator: Option<Validator>,
    pub(crate) from: From,
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
    let mut unavailable = None;
    let fetched = match within {
        Some(Duration::ZERO) => None,
        Some(within) => {
            let asked = ask(fetcher, settings.retry, &mut unavailable);
            tokio::time::timeout(within, asked).await.ok().flatten()
        }
        None => ask(fetcher, settings.retry, &mut unavailable).await,
    };
    match (fetched, saved) {
        (Some(first), _) => Ok(first),
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

/// Asks in rounds until somebody answers; notes what the servers said last.
async fn ask(
    fetcher: &Fetcher,
    retry: Retry,
    unavailable: &mut Option<Unavailable>,
) -> Option<First> {
    let mut failures = 0;
    loop {
        let said = match fetcher.fetch(Known::default()).await {
            Ok(Answer {
                place,
                news: Some((environment, validator)),
            }) => {
                return Some(First {
                    environment: *environment,
                    left_out: LeftOut::default(),
                    validator,
                    from: From::Server(place),
                });
            }
            // Only an answer to a question with a validator, and there was none.
            Ok(Answer { news: None, .. }) => Unavailable(Vec::new()),
            Err(said) => said,
        };
        failures += 1;
        let said = unavailable.insert(said);
        if failures >= retry.max_attempts || said.is_denied() {
            return None;
        }
        warn!(reason = %said, attempt = failures, "no configuration yet; trying again");
        tokio::time::sleep(jitter::below(retry.pause(failures))).await;
    }
}

/// Without a file the reason, if there should be one.
async fn load(last_good: Option<&LastGood>) -> Result<Saved, Option<LastGoodError>> {
    let last_good = last_good.cloned().ok_or(None)?;
    let loaded = tokio::task::spawn_blocking(move || last_good.load()).await;
    loaded.map_err(|_| None)?.map_err(|error| {
        if !matches!(error, LastGoodError::Missing { .. }) {
            warn!(%error, "the last good file is of no use");
        }
        Some(error)
    })
}

fn from_file(saved: Saved, unavailable: Option<Unavailable>) -> First {
    let age_s = saved.at.elapsed().unwrap_or_default().as_secs();
    let version = saved.environment.version.as_deref();
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
        environment: saved.environment,
        left_out: saved.left_out,
        validator: None,
        from: From::File {
            saved: saved.at,
            unavailable,
        },
    }
}
