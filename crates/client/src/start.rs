//! From settings to a configuration and the tasks that keep it current.

use std::{sync::Arc, time::SystemTime};

use confbus_bus::Bus;
#[cfg(any(feature = "amqp", feature = "kafka"))]
use confbus_bus::Driver;
#[cfg(feature = "amqp")]
use confbus_bus::RabbitSettings;
#[cfg(feature = "amqp")]
use confbus_protocol::Member;
use confbus_protocol::Reactions;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::info;

use self::first::{First, From, first};
use crate::{
    ConnectError, Settings, Transport,
    bell::Bell,
    client::Alive,
    discovery::Finder,
    fetch::{Fetcher, http_client, stream_client},
    health::Board,
    last_good::{LastGood, Saver},
    leave::{Leave, Word},
    pace::Pace,
    refresh::{Parts, Refresher, Running},
    report::{About, Reporter},
    servers::Servers,
    settings::Requests,
    store::Store,
    transport::{
        Listener,
        stream::{EventStream, SILENCE},
    },
    trial::Trial,
};

mod first;

/// Fetches the first configuration and starts the tasks.
pub(crate) async fn start(settings: &Settings) -> Result<Alive, ConnectError> {
    #[cfg(feature = "metrics")]
    crate::metrics::describe();
    let (coordinates, requests, member) = settings.checked()?;
    let file = settings.last_good.as_ref();
    let last_good = file.map(|file| LastGood::new(file, &coordinates));
    let http = http_client(&requests).map_err(ConnectError::Http)?;
    let streaming = stream_client(&requests, SILENCE).map_err(ConnectError::Http)?;
    let named = settings.report.then_some(&member.id);
    let servers = Arc::new(Servers::new(
        &requests.servers,
        requests.fail_over,
        requests.balance,
        member.id.as_str(),
    ));
    let wanted = requests.discovery.clone();
    let finder = wanted.map(|wanted| Arc::new(Finder::new(wanted, Arc::clone(&servers))));
    let fetcher = Fetcher::new(
        http.clone(),
        requests.clone(),
        coordinates.clone(),
        Arc::clone(&servers),
        finder.clone(),
        named,
    );

    let First {
        environment: running,
        snapshot,
        validator,
        from,
        last_good: earlier,
    } = first(&fetcher, settings, last_good.as_ref()).await?;
    let store = Arc::new(Store::new(snapshot));
    let board = Arc::new(Board::new(from.source(), running.version.as_deref()));
    let trial = Arc::new(Trial::new(earlier));

    let pace = Arc::new(Pace::new(&member.id, settings.longest_window));
    let stop = CancellationToken::new();
    let about = About {
        instance: member.id.clone(),
        coordinates,
        transport: settings.transport.name(),
        poll: settings.poll,
    };
    let word = settings.report.then(|| Word {
        http: http.clone(),
        requests: requests.clone(),
        servers: Arc::clone(&servers),
        report: about.last_report(),
    });
    let leave = Leave {
        stop: stop.clone(),
        #[cfg(feature = "metrics")]
        transport: settings.transport.name(),
        word,
    };
    let reporter = settings.report.then(|| {
        let (board, pace) = (Arc::clone(&board), Arc::clone(&pace));
        let servers = Arc::clone(&servers);
        let (reporter, posting) =
            Reporter::new(http, requests.clone(), servers, board, pace, about);
        spawn(&stop, posting.run());
        reporter
    });
    let (bell, rounds) = Bell::new();
    match &from {
        From::Server(_) => {
            info!(version = running.version, bus_id = %member.id, "configuration fetched");
            board.change(|health| health.last_contact = Some(SystemTime::now()));
        }
        From::File {
            unavailable: Some(reason),
            ..
        } => {
            board.change(|health| {
                health.unavailable = Some(reason.to_string());
                health.failures = 1;
            });
        }
        // Nobody was asked yet.
        From::File { .. } => bell.ring(),
    }

    if let Some(finder) = &finder {
        spawn(&stop, Arc::clone(finder).run());
    }
    let reports = reporter.as_ref().map(Reporter::waiting);
    let parts = Parts {
        fetcher,
        store: Arc::clone(&store),
        board: Arc::clone(&board),
        trial: Arc::clone(&trial),
        saver: last_good.map(|file| Saver::new(file, Arc::clone(&board))),
        reporter,
        poll: settings.poll,
    };
    let running = Running {
        environment: running,
        validator,
        place: from.place(),
    };
    spawn(&stop, Refresher::new(parts, rounds, running).run());
    let listener = Listener {
        member: member.clone(),
        reactions: settings.reactions,
        bell: Arc::clone(&bell),
        pace,
        store: Arc::clone(&store),
        board: Arc::clone(&board),
    };
    let bus = listen(
        settings.transport.clone(),
        (streaming, requests, Arc::clone(&servers)),
        listener,
        &stop,
    );
    Ok(Alive {
        store,
        board,
        trial,
        reports,
        bus_id: member.id,
        runtime: Handle::try_current().ok(),
        servers: Some(servers),
        finder,
        bell: Some(bell),
        bus,
        leave: Some(leave),
        _stop: Some(stop.drop_guard()),
    })
}

/// Starts the way by which events come.
fn listen(
    transport: Transport,
    (http, requests, servers): (reqwest::Client, Requests, Arc<Servers>),
    listener: Listener,
    stop: &CancellationToken,
) -> Option<Bus> {
    match transport {
        Transport::Poll => None,
        #[cfg(feature = "amqp")]
        Transport::Amqp(settings) => {
            let settings = hearing(*settings, &listener.member);
            Some(over("amqp", Bus::rabbit(settings), listener, stop))
        }
        #[cfg(feature = "kafka")]
        Transport::Kafka(settings) => Some(over("kafka", Bus::kafka(*settings), listener, stop)),
        Transport::Stream => {
            // Nothing carries an ack to the bus from here.
            let reactions = Reactions {
                ack: false,
                ..listener.reactions
            };
            let events = EventStream {
                http,
                requests,
                servers,
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

/// Hears what a broker carries.
#[cfg(any(feature = "amqp", feature = "kafka"))]
fn over(
    #[cfg_attr(
        not(feature = "metrics"),
        expect(unused_variables, reason = "nobody counts")
    )]
    transport: &'static str,
    (bus, driver): (Bus, impl Driver + 'static),
    listener: Listener,
    stop: &CancellationToken,
) -> Bus {
    let subscription = bus.subscribe();
    tokio::spawn(Box::new(driver).run(stop.clone()));
    #[cfg(feature = "metrics")]
    spawn(stop, crate::metrics::follow(transport, bus.clone()));
    let heard = crate::transport::bus::run(bus.clone(), subscription, listener);
    spawn(stop, heard);
    bus
}

/// Binds narrowly, unless somebody said how to bind.
#[cfg(feature = "amqp")]
fn hearing(mut settings: RabbitSettings, member: &Member) -> RabbitSettings {
    if settings.binding_keys == RabbitSettings::default().binding_keys {
        settings.binding_keys = settings.routing.keys_of(settings.key_base(), member);
    }
    settings
}

fn spawn(stop: &CancellationToken, task: impl Future<Output = ()> + Send + 'static) {
    tokio::spawn(stop.clone().run_until_cancelled_owned(task));
}

#[cfg(all(test, feature = "amqp"))]
mod tests {
    use confbus_bus::Routing;
    use confbus_protocol::BusId;

    use super::*;

    #[test]
    fn bindings_begin_like_the_keys_that_are_published() {
        let settings = RabbitSettings::default().with(|rabbit| {
            rabbit.routing = Routing::PerApplication;
            rabbit.routing_key = Some("config".to_owned());
        });
        let member = Member {
            id: BusId::new("orders:8081:ab12").unwrap(),
            config_names: Vec::new(),
        };
        assert_eq!(
            hearing(settings, &member).binding_keys,
            ["config", "config.orders"]
        );
    }
}
