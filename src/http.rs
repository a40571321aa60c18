//! HTTP: Spring Cloud Config Server's routes, its actuator, the webhook, and a stream of bus events.
//!
//! Configuration lives under paths that no router can express (`/{name}-{profiles}.yml`), so everything that is no fixed
//! route goes to one handler that reads the raw path. Handlers take a request apart, ask one room, and answer; errors
//! are written where they leave, in [`edge`].

mod accept;
mod access;
mod actuator;
mod body;
mod boot1;
mod busenv;
mod busrefresh;
mod charset;
mod conditional;
mod configuration;
mod edge;
mod encryption;
mod environments;
mod error;
mod events;
mod fields;
mod finished;
mod front;
mod gzip;
mod health;
mod instances;
mod keep;
mod methods;
mod monitor;
mod peer;
mod pins;
mod reader;
mod refreshes;
mod reports;
mod resources;
mod route;
mod route_table;
mod serve;
mod settings;
mod target;
mod versions;
mod waves;

use std::sync::Arc;

use axum::{Router, extract::FromRef, middleware};
use confbus_bus::Bus;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Access, environment_repository::EnvironmentRepository, ledger::Ledger, pins::Pins,
    refresh::Refresh, waves::Waves,
};
use events::Streams;
pub(crate) use events::Writer;
pub(crate) use front::Front;
pub(crate) use serve::{Listeners, serve};
pub(crate) use settings::{BasePath, Compression, HealthDetails, Limits, Settings};

/// The rooms that handlers ask.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) access: Access,
    pub(crate) repository: EnvironmentRepository,
    pub(crate) refresh: Refresh,
    pub(crate) ledger: Ledger,
    pub(crate) pins: Pins,
    pub(crate) waves: Waves,
    pub(crate) bus: Bus,
}

/// What handlers ask.
#[derive(Debug, Clone)]
struct Services {
    settings: Arc<Settings>,
    repository: EnvironmentRepository,
    refresh: Refresh,
    ledger: Ledger,
    pins: Pins,
    waves: Waves,
    bus: Bus,
    streams: Streams,
    shutdown: CancellationToken,
}

/// What answers all requests. Streams of events end with `shutdown`, and `readiness` goes down.
pub(crate) fn front(
    settings: Settings,
    rooms: Rooms,
    shutdown: CancellationToken,
) -> (Front, Writer) {
    let Rooms {
        access,
        repository,
        refresh,
        ledger,
        pins,
        waves,
        bus,
    } = rooms;
    let (streams, writer) = Streams::new(settings.limits.streams, &bus);
    let settings = Arc::new(settings);
    let services = Services {
        settings: Arc::clone(&settings),
        repository: repository.clone(),
        refresh,
        ledger: ledger.clone(),
        pins,
        waves,
        bus,
        streams,
        shutdown,
    };
    let router = router(Arc::clone(&settings), access.clone(), services);
    let front = Front::new(router, settings, access, repository, ledger);
    (front, writer)
}

fn router(settings: Arc<Settings>, access: Access, services: Services) -> Router {
    let context = settings.context_path.as_str();
    let routes = route_table::routes(&settings).into_iter();
    routes
        .fold(Router::new(), |router, route| route.add_to(router, context))
        .fallback(configuration::find)
        .with_state(services)
        .layer(middleware::from_fn_with_state(access, access::identify))
        .layer(middleware::from_fn_with_state(settings, edge::edge))
}

macro_rules! parts_of_services {
    ($($field:ident: $part:ty),* $(,)?) => {$(
        impl FromRef<Services> for $part {
            fn from_ref(services: &Services) -> Self {
                services.$field.clone()
            }
        }
    )*};
}
parts_of_services!(settings: Arc<Settings>, repository: EnvironmentRepository, refresh: Refresh, ledger: Ledger, pins: Pins, waves: Waves, bus: Bus, streams: Streams, shutdown: CancellationToken);
