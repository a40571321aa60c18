//! From settings to a configuration and the tasks that keep it current.

use std::{sync::Arc, time::SystemTime};

use confbus_bus::Bus;
use confbus_protocol::{Environment, Reactions};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{
    ConnectError, Settings, Snapshot, Transport,
    bell::Bell,
    client::Alive,
    error::{LastGoodError, Unavailable},
    fetch::{Answer, Fetcher, Validator, http_client, stream_client},
    health::{Board, Source},
    jitter,
    last_good::LastGood,
    refresh::{Parts, Refresher, save},
    settings::Requests,
    store::Store,
    transport::{
        Listener,
        stream::{EventStream, SILENCE},
    },
};

/// Fetches the first configuration and starts the tasks.
pub(crate) async fn start(settings: &Settings) -> Result<Alive, ConnectError> {
    let (coordinates, requests, member) = settings.checked()?;
    let directory = settings.last_good_dir.as_ref();
    let last_good = directory.map(|directory| LastGood::new(directory, &coordinates));
    let http = http_client(&requests).map_err(ConnectError::Http)?;
    let streaming = stream_client(&requests, SILENCE).map_err(ConnectError::Http)?;
    let fetcher = Fetcher::new(http, requests.clone(), coordinates);

    let First {
        environment,
        validator,
        source,
        unavailable,
    } = first(&fetcher, settings, last_good.as_ref()).await?;
    let accepted = Arc::new(environment);
    let store = Arc::new(Store::new(Snapshot::of(&accepted)));
    let board = Arc::new(Board::new(source, accepted.version.as_deref()));
    board.change(|health| match unavailable {
        None => health.last_contact = Some(SystemTime::now()),
        Some(reason) => health.unavailable = Some(reason.to_string()),
    });
    if source == Source::Server {
        info!(version = accepted.version, bus_id = %member.id, "configuration fetched");
        save(last_good.as_ref(), &accepted, &board).await;
    }

    let stop = CancellationToken::new();
    let (bell, rounds) = Bell::new();
    let parts = Parts {
        fetcher,
        store: Arc::clone(&store),
        board: Arc::clone(&board),
        last_good,
        poll: settings.poll,
        accepted,
        validator,
    };
    spawn(&stop, Refresher::new(parts, rounds).run());
    let listener = Listener {
        member: member.clone(),
        reactions: settings.reactions,
        bell: Arc::clone(&bell),
        store: Arc::clone(&store),
        board: Arc::clone(&board),
    };
    let bus = listen(
        settings.transport.clone(),
        streaming,
        requests,
        listener,
        &stop,
    );
    Ok(Alive {
        store,
        board,
        bus_id: member.id,
        runtime: Handle::try_current().ok(),
        bell: Some(bell),
        bus,
        _stop: Some(stop.drop_guard()),
    })
}

/// Starts the way by which events come.
fn listen(
    transport: Transport,
    http: reqwest::Client,
    requests: Requests,
    listener: Listener,
    stop: &CancellationToken,
) -> Option<Bus> {
    match transport {
        Transport::Poll => None,
        #[cfg(feature = "amqp")]
        Transport::Amqp(settings) => {
            let (bus, driver) = Bus::rabbit(*settings);
            let subscription = bus.subscribe();
            tokio::spawn(driver.run(stop.clone()));
            spawn(
                stop,
                transport::amqp::run(bus.clone(), subscription, listener),
            );
            Some(bus)
        }
        Transport::Stream => {
            // Nothing carries an ack to the bus from here.
            let reactions = Reactions {
                ack: false,
                ..listener.reactions
            };
            let events = EventStream {
                http,
                requests,
                listener: Listener {
                    reactions,
                    ..listener
                },
            };
            spawn(stop, events.run());
            None
        }
    }
}

fn spawn(stop: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(stop.clone().run_until_cancelled_owned(task));
}

/// The configuration to start with.
struct First {
    environment: Environment,
    validator: Option<Validator>,
    source: Source,
    /// Why no server gave it.
    unavailable: Option<Unavailable>,
}

async fn first(
    fetcher: &Fetcher,
    settings: &Settings,
    last_good: Option<&LastGood>,
) -> Result<First, ConnectError> {
    let retry = settings.retry;
    let mut failures = 0;
    let mut unusable = None;
    loop {
        let unavailable = match fetcher.fetch(None, None).await {
            Ok(Answer::Environment(environment, validator)) => {
                return Ok(First {
                    environment: *environment,
                    validator,
                    source: Source::Server,
                    unavailable: None,
                });
            }
            // Only an answer to a question with a validator, and there was none.
            Ok(Answer::Same) => Unavailable(Vec::new()),
            Err(unavailable) => unavailable,
        };
        failures += 1;
        if failures == 1 && !settings.fail_fast {
            match from_last_good(last_good, &unavailable).await {
                Ok(first) => return Ok(first),
                Err(error) => unusable = error,
            }
        }
        if failures >= retry.max_attempts || unavailable.is_denied() {
            return Err(ConnectError::Unavailable {
                unavailable,
                last_good: unusable,
            });
        }
        warn!(reason = %unavailable, attempt = failures, "no configuration yet; trying again");
        tokio::time::sleep(jitter::below(retry.pause(failures))).await;
    }
}

async fn from_last_good(
    last_good: Option<&LastGood>,
    unavailable: &Unavailable,
) -> Result<First, Option<LastGoodError>> {
    let Some(last_good) = last_good.cloned() else {
        return Err(None);
    };
    let Ok(loaded) = tokio::task::spawn_blocking(move || last_good.load()).await else {
        return Err(None);
    };
    let saved = loaded
        .inspect_err(|error| warn!(%error, "the last good file is of no use"))
        .map_err(Some)?;
    let age_s = saved.at.elapsed().unwrap_or_default().as_secs();
    warn!(reason = %unavailable, version = saved.environment.version, age_s, "no server answers; starting from the last good file");
    Ok(First {
        environment: saved.environment,
        validator: None,
        source: Source::LastGood { saved: saved.at },
        unavailable: Some(unavailable.clone()),
    })
}
