use std::{error::Error, fmt, sync::Arc};

use confbus_bus::Bus;
use confbus_protocol::{BusId, Environment, Member};
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use tokio_util::sync::DropGuard;

use crate::{
    Binding, Changes, ConnectError, Health, KeyChange, RefreshError, Rejection, Settings, Snapshot,
    Subscription,
    bell::Bell,
    bind,
    discovery::Finder,
    health::{Board, BusHealth, Source},
    leave::Leave,
    report::{self, Waiting},
    servers::Servers,
    start::start,
    store::Store,
    trial::Trial,
};

mod everywhere;
mod refused;

pub use everywhere::TellError;

/// A handle on the live configuration of one application.
///
/// Cheap to clone, with no global state: a process may have several. Its tasks end when the last handle and the last
/// [`Live`](crate::Live) are dropped.
#[derive(Clone)]
pub struct Client {
    alive: Arc<Alive>,
}

/// What handles share; dropping it stops the tasks.
pub(crate) struct Alive {
    pub(crate) store: Arc<Store>,
    pub(crate) board: Arc<Board>,
    pub(crate) trial: Arc<Trial>,
    /// Whether reports wait to be posted; `None` when there are none.
    pub(crate) reports: Option<Waiting>,
    pub(crate) bus_id: BusId,
    /// Where callbacks run; `None` when a test made the client outside of a runtime.
    pub(crate) runtime: Option<Handle>,
    /// `None` in tests of applications, where nothing is fetched.
    pub(crate) servers: Option<Arc<Servers>>,
    /// Only with a registry.
    pub(crate) finder: Option<Arc<Finder>>,
    /// As above.
    pub(crate) bell: Option<Arc<Bell>>,
    /// Only over AMQP.
    pub(crate) bus: Option<Bus>,
    /// As above.
    pub(crate) leave: Option<Leave>,
    pub(crate) _stop: Option<DropGuard>,
}

impl Client {
    /// Fetches the configuration and keeps it current from then on.
    ///
    /// What a server gives first is on trial until everything is bound, that is, one second after the last binding, or
    /// after three seconds without any. Only then is it reported as applied and kept as the last good version. When a
    /// binding refuses it before, and there is an earlier last good version that everything bound agrees with, the client
    /// steps back to that: [`Health::source`] and [`Health::refused`] and a warning tell. A newer version is taken as ever.
    ///
    /// When no server answers for a while, and the settings name a directory for it, the client starts from the last good
    /// file and warns with its age; see [`Start`](crate::Start). Otherwise it tries as often as the settings say.
    ///
    /// # Errors
    /// [`ConnectError`] when the settings cannot work, or nobody gave a configuration.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(settings: Settings) -> Result<Self, ConnectError> {
        Ok(Self {
            alive: Arc::new(start(&settings).await?),
        })
    }

    /// A client without servers, for [`testing`](crate::testing).
    pub(crate) fn detached(environment: &Environment, member: Member) -> Self {
        let store = Arc::new(Store::new(Snapshot::of(environment)));
        let board = Arc::new(Board::new(Source::Server, environment.version.as_deref()));
        let alive = Alive {
            store,
            board,
            trial: Arc::new(Trial::new(None)),
            reports: None,
            bus_id: member.id,
            runtime: Handle::try_current().ok(),
            servers: None,
            finder: None,
            bell: None,
            bus: None,
            leave: None,
            _stop: None,
        };
        Self {
            alive: Arc::new(alive),
        }
    }

    pub(crate) fn store(&self) -> &Store {
        &self.alive.store
    }

    pub(crate) fn board(&self) -> &Board {
        &self.alive.board
    }

    pub(crate) fn trial(&self) -> &Trial {
        &self.alive.trial
    }

    /// Binds a section, or a single value, to a type, now and at every refresh. The empty prefix is everything.
    ///
    /// Names meet in every spelling (`max-open` is `max_open`), text becomes numbers, flags and comma lists, and
    /// placeholders are resolved. Keys that vanish vanish: an `Option` becomes `None`, a default comes back, and a field
    /// without either refuses the refresh. Empty text is what Spring serves for YAML's null, so it is `None`, too.
    /// `#[serde(flatten)]` and untagged enums see values and names as they are written.
    ///
    /// ```
    /// # use confbus_client::{Live, Rejection, testing};
    /// # let (client, _server) = testing::client([("pool.max", 10)]);
    /// let max: u32 = client.bind("pool.max").once()?;
    /// let live: Live<u32> = client.bind("pool.max").live()?;
    /// assert_eq!((max, *live.load()), (10, 10));
    ///
    /// let rejection = client.bind::<bool>("pool.max").once().unwrap_err();
    /// assert_eq!(rejection.to_string(), "`pool.max`: expected a boolean, found integer `10` (test.yml:1:1)");
    /// # Ok::<_, Rejection>(())
    /// ```
    pub fn bind<T: DeserializeOwned>(&self, prefix: &str) -> Binding<T> {
        let place = prefix.to_owned();
        Binding::new(Arc::clone(&self.alive), prefix, move |snapshot| {
            bind::bind(snapshot, &place)
        })
    }

    /// Makes a value of the whole configuration, now and for every version: to layer other sources over it, to render a
    /// file of it. An error refuses the version; it may be any, such as a [`Rejection`], an `io::Error`, an
    /// `anyhow::Error` or a text, and its causes become part of the reason.
    /// The function must not wait for a refresh, which waits for it.
    ///
    /// ```
    /// # use confbus_client::{Rejection, Snapshot, testing};
    /// # let (client, mut server) = testing::client([("greeting", "hello"), ("name", "world")]);
    /// let text = client
    ///     .bind_with(|snapshot: &Snapshot| {
    ///         let greeting: String = snapshot.bind("greeting")?;
    ///         let name = std::env::var("NAME_OF_NOBODY").or_else(|_| snapshot.bind("name"))?;
    ///         Ok::<_, Rejection>(format!("{greeting}, {name}"))
    ///     })
    ///     .live()?;
    /// assert!(server.push([("greeting", "goodbye")]).is_err());
    /// assert_eq!(*text.load(), "hello, world");
    /// # Ok::<_, Rejection>(())
    /// ```
    pub fn bind_with<T, E, F>(&self, build: F) -> Binding<T>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: Fn(&Snapshot) -> Result<T, E> + Send + Sync + 'static,
    {
        Binding::new(Arc::clone(&self.alive), "", move |snapshot| {
            build(snapshot).map_err(|error| Rejection::of(error.into()))
        })
    }

    /// The configuration that is running, to hold through a unit of work.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.alive.store.snapshot()
    }

    /// Every change of any key from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes::new(self.alive.store.announced())
    }

    /// Calls a function for each key that moves and is meant by the pattern: `pool.max`, which is a list's elements, too;
    /// `feature.*`, which is everything below; `*.url`; `*`. Keys may be spelt in any way.
    ///
    /// Calls come one after the other, on a thread that may block, never while something is fetched or applied. What moves
    /// during a call arrives with the next as one change. A panic is caught, logged and counted in
    /// [`Health::callback_panics`]; a function that takes longer than a second is named in a warning.
    ///
    /// ```
    /// # use confbus_client::testing;
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let (client, mut server) = testing::client([("feature.dark-mode", "off"), ("pool.max", "8")]);
    /// let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    /// let subscription = client.on_change("feature.*", move |change| {
    ///     _ = tell.send(change.to_string());
    /// });
    /// server.push([("feature.dark-mode", "on"), ("pool.max", "9")]).unwrap();
    /// assert_eq!(told.recv().await.unwrap(), "feature.dark-mode: off → on");
    /// drop(subscription);
    /// assert_eq!(told.recv().await, None);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When neither this call nor the client's making happened within a tokio runtime.
    pub fn on_change<F>(&self, pattern: &str, callback: F) -> Subscription
    where
        F: FnMut(&KeyChange) + Send + 'static,
    {
        let runtime = self.alive.runtime.clone().unwrap_or_else(Handle::current);
        let board = Arc::clone(&self.alive.board);
        Subscription::start(&runtime, self.changes(), pattern, board, callback)
    }

    /// Names keys that the application reads once, when it starts: `server.port`, `db.*`.
    ///
    /// Such a key does not stand in the way of a version. Once it differs from what it is at this call, it is reported
    /// as waiting for a restart: in the log once, in [`Health::restart`], and to the server.
    ///
    /// ```
    /// # use confbus_client::{Rejection, testing};
    /// # let (client, mut server) = testing::client([("server.port", 8080)]);
    /// client.restart_required(["server.port", "db.*"]);
    /// assert_eq!(server.push([("server.port", 9090)])?.restart, ["server.port"]);
    /// assert_eq!(client.health().restart, ["server.port"]);
    /// # Ok::<_, Rejection>(())
    /// ```
    pub fn restart_required<'a>(&self, patterns: impl IntoIterator<Item = &'a str>) {
        let store = &self.alive.store;
        store.restart.add(patterns.into_iter(), &store.snapshot());
    }

    /// How the configuration came to be, and what stands in the way of a newer one.
    #[must_use]
    pub fn health(&self) -> Health {
        let mut health = self.alive.board.read();
        if let Some(bus) = &self.alive.bus {
            health.bus = BusHealth::of(bus);
        }
        if let Some(servers) = &self.alive.servers {
            health.servers = servers.health();
        }
        health.discovery = self.alive.finder.as_ref().map(|finder| finder.health());
        health
    }

    /// Looks again now, and returns the keys that moved, sorted.
    ///
    /// Calls during one fetch share the next one.
    ///
    /// # Errors
    /// [`RefreshError`] when the configuration stays as it was because nobody answered or somebody refused.
    pub async fn refresh(&self) -> Result<Vec<String>, RefreshError> {
        let before = self.snapshot();
        if let Some(bell) = &self.alive.bell {
            bell.refresh().await?;
        }
        Ok(before
            .changes_to(&self.snapshot())
            .into_iter()
            .map(|change| change.key)
            .collect())
    }

    /// Says that everything is bound, which the client otherwise takes for granted a second after the last binding.
    ///
    /// What runs is then saved and reported; see [`Client::connect`].
    pub fn ready(&self) {
        self.alive.trial.end();
    }

    /// Waits until what was refused, or accepted by [`ready`](Self::ready), is saved and the server knows of it or did not
    /// take it: for programs that are about to end. Takes no longer than two seconds.
    pub async fn reported(&self) {
        let told = async {
            self.alive.trial.quiet().await;
            if let Some(reports) = &self.alive.reports {
                reports.none().await;
            }
        };
        _ = tokio::time::timeout(report::WITHIN, told).await;
    }

    /// Says goodbye, for programs that end: stops everything that works for the client, and tells the servers, so that they
    /// do not wait for this instance any more. Takes no longer than two seconds, whoever answers.
    ///
    /// What runs stays readable, and nothing is looked for again. A report that still waits is not posted any more; see
    /// [`reported`](Self::reported). Without this call a server takes the instance for alive until it misses three polls.
    pub async fn leave(&self) {
        if let (Some(leave), Some(runtime)) = (self.alive.leave.clone(), &self.alive.runtime) {
            // Where it was made, so that it can be called from anywhere.
            _ = runtime.spawn(leave.take()).await;
        }
    }

    /// By what this instance is known on the bus.
    #[must_use]
    pub fn bus_id(&self) -> &BusId {
        &self.alive.bus_id
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("bus_id", &self.alive.bus_id)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
