//! HTTP: Spring Cloud Config Server's routes, its actuator, the webhook, and a stream of bus events.
//!
//! Configuration lives under paths that no router can express (`/{name}-{profiles}.yml`), so everything that is no fixed
//! route goes to one handler that reads the raw path. Handlers take a request apart, ask one room, and answer; errors
//! are written where they leave, in [`edge`].

mod accept;
mod access;
mod actuator;
mod audit;
mod body;
mod boot1;
mod busenv;
mod busrefresh;
mod charset;
mod conditional;
mod configuration;
mod denials;
mod edge;
mod encryption;
mod environments;
mod error;
mod events;
mod fields;
mod finished;
mod front;
mod gate;
mod gateways;
mod gzip;
mod health;
mod inspections;
mod instances;
mod keep;
mod lagging;
mod methods;
mod monitor;
mod openapi;
mod own_settings;
mod pages;
mod peer;
mod pins;
mod places;
mod probes;
mod reader;
mod refreshes;
mod reports;
mod resources;
mod route;
mod route_table;
mod scrape;
mod serve;
mod settings;
mod sight;
mod target;
mod tls;
mod versions;
mod waves;

#[cfg(fuzzing)]
pub(crate) mod fuzzing {
    pub use super::{gateways::fuzzing::gateway, monitor::fuzzing::webhook, route::fuzzing::path};
}

use std::sync::Arc;

use axum::{Router, extract::FromRef, middleware};
use confbus_bus::Bus;
use tokio_util::sync::CancellationToken;

use crate::{
    access::Access, environment_repository::EnvironmentRepository, inspection::Inspector,
    ledger::Ledger, metrics::Metrics, pins::Pins, refresh::Refresh, registration::Registrations,
    traces::Traces, watchdog::Watchdog, waves::Waves, webhook::Deliveries,
};
use events::Streams;
pub(crate) use events::Writer;
pub(crate) use front::Front;
use gate::{Gate, Plane};
pub(crate) use gateways::{ForwardHeaders, Gateways};
use lagging::Patience;
pub(crate) use own_settings::{SettingView, WarningView};
pub(crate) use serve::{Door, Listeners, SocketFile, make_room, serve};
pub(crate) use settings::{BasePath, Compression, HealthDetails, Limits, Rates, Settings};
pub(crate) use tls::{ClientAuth, Settings as TlsSettings, Tls};

/// The rooms that handlers ask.
#[derive(Debug)]
pub(crate) struct Rooms {
    pub(crate) access: Access,
    pub(crate) repository: EnvironmentRepository,
    pub(crate) inspector: Inspector,
    pub(crate) refresh: Refresh,
    pub(crate) ledger: Ledger,
    pub(crate) pins: Pins,
    pub(crate) waves: Waves,
    pub(crate) bus: Bus,
    pub(crate) watchdog: Watchdog,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) registrations: Registrations,
}

/// What handlers ask.
#[derive(Debug, Clone)]
struct Services {
    settings: Arc<Settings>,
    repository: EnvironmentRepository,
    inspector: Inspector,
    refresh: Refresh,
    ledger: Ledger,
    pins: Pins,
    waves: Waves,
    bus: Bus,
    watchdog: Watchdog,
    metrics: Arc<Metrics>,
    traces: Traces,
    registrations: Registrations,
    streams: Streams,
    patience: Patience,
    deliveries: Deliveries,
    changes: pages::Changes,
    tokens: pages::Tokens,
    shutdown: CancellationToken,
}

/// What answers requests.
#[derive(Debug)]
pub(crate) struct Fronts {
    pub(crate) main: Front,
    /// What another port answers, if there is one for management.
    pub(crate) management: Option<Front>,
    pub(crate) writer: Writer,
}

/// What answers all requests. Streams of events end with `shutdown`, and `readiness` goes down.
pub(crate) fn fronts(
    settings: Settings,
    rooms: Rooms,
    has_management_port: bool,
    shutdown: CancellationToken,
) -> Fronts {
    let Rooms {
        access,
        repository,
        inspector,
        refresh,
        ledger,
        pins,
        waves,
        bus,
        watchdog,
        metrics,
        traces,
        registrations,
    } = rooms;
    let (streams, writer) = Streams::new(settings.limits.streams, &bus);
    let patience = Patience::new(&settings.limits, metrics.lagging.clone(), shutdown.clone());
    let settings = Arc::new(settings);
    let services = Services {
        settings: Arc::clone(&settings),
        repository: repository.clone(),
        inspector,
        refresh,
        ledger: ledger.clone(),
        pins,
        waves,
        bus,
        watchdog,
        metrics: metrics.clone(),
        traces,
        registrations,
        streams,
        patience,
        deliveries: Deliveries::default(),
        changes: pages::Changes::default(),
        tokens: pages::Tokens::default(),
        shutdown,
    };
    let rates = Arc::new(gate::Rates::new(&settings.limits));
    let router = |plane| {
        let gate = Gate::new(Arc::clone(&settings), plane, Arc::clone(&rates));
        router(
            Arc::clone(&settings),
            access.clone(),
            services.clone(),
            gate,
        )
    };
    let count = |front: Front| front.counting(metrics.requests.clone());
    let (main, management) = if has_management_port {
        (Plane::Main, Some(router(Plane::Management)))
    } else {
        (Plane::Whole, None)
    };
    let main = router(main);
    Fronts {
        management: management.map(|router| count(Front::plain(router, Arc::clone(&settings)))),
        main: count(Front::new(main, settings, access, repository, ledger)),
        writer,
    }
}

fn router(settings: Arc<Settings>, access: Access, services: Services, gate: Gate) -> Router {
    let context = settings.context_path.as_str();
    let routes = route_table::routes(&settings).into_iter();
    routes
        .fold(Router::new(), |router, route| {
            route.add_to(router, context, &services.metrics.requests)
        })
        .fallback(configuration::find)
        .with_state(services)
        .layer(middleware::from_fn_with_state(access, access::identify))
        // Whoever asks too often is not even looked at.
        .layer(middleware::from_fn_with_state(Arc::new(gate), gate::admit))
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
parts_of_services!(settings: Arc<Settings>, repository: EnvironmentRepository, inspector: Inspector, refresh: Refresh, ledger: Ledger, pins: Pins, waves: Waves, bus: Bus, streams: Streams, patience: Patience, deliveries: Deliveries, changes: pages::Changes, metrics: Arc<Metrics>, traces: Traces, shutdown: CancellationToken);
