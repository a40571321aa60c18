use std::{sync::Mutex, time::SystemTime};

use confbus_bus::{Bus, Status};
use tracing::warn;

use crate::{refresh::first, store::lock};

/// How the configuration that is running came to be, and what stands in the way of a newer one.
///
/// Holds no value whose key looks secret, so it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Health {
    /// Who gave what is running.
    pub source: Source,
    /// The version that is running.
    pub version: Option<String>,
    /// When a server last answered with a configuration, whether it was new, accepted or neither.
    pub last_contact: Option<SystemTime>,
    /// Why the newest configuration was refused, by a refresh or by what was bound to it: version and reason. `None` once one
    /// is accepted.
    pub refused: Option<String>,
    /// Why the last fetch failed, or that there will be no other: the runtime of the client has ended. `None` once one
    /// succeeds.
    pub unavailable: Option<String>,
    /// Fetches without an answer in a row.
    pub failures: u32,
    /// Every server of the list, in its order.
    pub servers: Vec<ServerHealth>,
    /// Where the list comes from; `None` when the settings name the servers.
    pub discovery: Option<DiscoveryHealth>,
    /// What the server knows of us.
    pub reports: ReportHealth,
    /// Why the last good file could not be read or written, if that is so.
    pub last_good_file: Option<String>,
    /// The keys of [`Client::restart_required`](crate::Client::restart_required) that only the next start brings, sorted.
    pub restart: Vec<String>,
    /// How often a callback of [`Client::on_change`](crate::Client::on_change) panicked.
    pub callback_panics: u64,
    /// The way by which events come.
    pub bus: BusHealth,
}

/// Who gave the configuration that is running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// A server, in the life of this process.
    Server,
    /// The last good file: no server has answered yet, or what one gave was refused; see [`Health::refused`].
    LastGood {
        /// When the file was written.
        saved: SystemTime,
    },
}

/// How the registry is doing that names the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct DiscoveryHealth {
    /// The service that is looked for.
    pub service: String,
    /// The registry, without credentials.
    pub registry: String,
    /// When it last named a server.
    pub last_found: Option<SystemTime>,
    /// Why it names none at the moment; those that it named before are asked.
    pub problem: Option<String>,
}

/// How one server is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerHealth {
    /// Its address, without credentials.
    pub server: String,
    /// Whether it is asked.
    pub breaker: BreakerState,
    /// How often in a row it could not be reached, did not answer in time, or answered with a status from 500 (which counts
    /// with [`FailOver::Always`](crate::FailOver::Always) only).
    pub failures: u32,
    /// What went wrong last. `None` once it answers.
    pub problem: Option<String>,
}

/// Whether a server is asked, by its circuit breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BreakerState {
    /// It is.
    Closed,
    /// It failed three times in a row, so others are asked; it is only when all are open.
    Open,
    /// Its pause is over: the next fetch tries it.
    HalfOpen,
}

/// How reports about accepted and refused versions fare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReportHealth {
    /// When a server took one.
    pub last_taken: Option<SystemTime>,
    /// Why the newest was not taken, with the server's address. A server without a ledger is not asked for an hour.
    pub problem: Option<String>,
}

/// Whether events come.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusHealth {
    /// There is only the poll, by the settings.
    Off,
    /// Not connected yet.
    Connecting,
    /// Events come.
    Connected,
    /// No events at the moment; the poll goes on, and so do the attempts to connect.
    Disconnected {
        /// What is wrong.
        reason: String,
    },
    /// The servers have no stream of events; the poll goes on.
    Unsupported,
}

impl BusHealth {
    /// The health of a bus at this moment.
    pub(crate) fn of(bus: &Bus) -> Self {
        match bus.status() {
            Status::Local | Status::Connected { .. } => Self::Connected,
            Status::Disconnected { error, .. } => Self::Disconnected { reason: error },
        }
    }
}

/// The health as the tasks of a client write it.
pub(crate) struct Board(Mutex<Health>);

impl Board {
    pub(crate) fn new(source: Source, version: Option<&str>) -> Self {
        let health = Health {
            source,
            version: version.map(str::to_owned),
            last_contact: None,
            refused: None,
            unavailable: None,
            failures: 0,
            servers: Vec::new(),
            discovery: None,
            reports: ReportHealth::default(),
            last_good_file: None,
            restart: Vec::new(),
            callback_panics: 0,
            bus: BusHealth::Off,
        };
        #[cfg(feature = "metrics")]
        crate::metrics::health(&health);
        Self(Mutex::new(health))
    }

    pub(crate) fn read(&self) -> Health {
        lock(&self.0).clone()
    }

    /// Notes what only a restart brings, and says it once.
    pub(crate) fn needs_restart(&self, keys: &[String]) {
        let before = self.change(|health| health.restart = keys.to_vec()).restart;
        let news: Vec<&String> = keys.iter().filter(|key| !before.contains(key)).collect();
        if !news.is_empty() {
            let (count, keys) = (news.len(), first(&news));
            warn!(
                count,
                ?keys,
                "accepted, but only the next start brings these keys"
            );
        }
    }

    /// Changes the health and tells what it was before.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Health)) -> Health {
        let mut health = lock(&self.0);
        let before = health.clone();
        change(&mut health);
        #[cfg(feature = "metrics")]
        {
            let now = health.clone();
            drop(health);
            // The recorder is the program's, and may ask how we are.
            crate::metrics::health(&now);
        }
        before
    }
}
