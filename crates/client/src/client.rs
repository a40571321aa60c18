use std::{fmt, sync::Arc};

use confbus_bus::Bus;
use confbus_protocol::{BusId, Environment, Member};
use serde::de::DeserializeOwned;
use tokio_util::sync::DropGuard;

use crate::{
    Binding, Changes, ConnectError, Health, RefreshError, Rejection, Settings, Snapshot,
    bell::Bell,
    bind,
    health::{Board, Source},
    start::start,
    store::Store,
    transport::amqp,
};

mod everywhere;

pub use everywhere::TellError;

/// A handle on the live configuration of one application.
///
/// Cheap to clone, with no global state: a process may have several. Its tasks end when the last handle and the last
/// [`Live`] are dropped.
#[derive(Clone)]
pub struct Client {
    alive: Arc<Alive>,
}

/// What handles share; dropping it stops the tasks.
pub(crate) struct Alive {
    pub(crate) store: Arc<Store>,
    pub(crate) board: Arc<Board>,
    pub(crate) bus_id: BusId,
    /// `None` in tests of applications, where nothing is fetched.
    pub(crate) bell: Option<Arc<Bell>>,
    /// Only over AMQP.
    pub(crate) bus: Option<Bus>,
    pub(crate) _stop: Option<DropGuard>,
}

impl Client {
    /// Fetches the configuration and keeps it current from then on.
    ///
    /// When no server answers, and the settings name a directory for it, the client starts from the last good file and
    /// warns with its age. Otherwise it tries as often as the settings say.
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
            bus_id: member.id,
            bell: None,
            bus: None,
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
    /// file of it. An error refuses the version.
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
        E: Into<Rejection>,
        F: Fn(&Snapshot) -> Result<T, E> + Send + Sync + 'static,
    {
        Binding::new(Arc::clone(&self.alive), "", move |snapshot| {
            build(snapshot).map_err(Into::into)
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

    /// How the configuration came to be, and what stands in the way of a newer one.
    #[must_use]
    pub fn health(&self) -> Health {
        let mut health = self.alive.board.read();
        if let Some(bus) = &self.alive.bus {
            health.bus = amqp::health(bus);
        }
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
