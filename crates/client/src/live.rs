use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex},
};

use arc_swap::{ArcSwap, Guard};
use futures_util::FutureExt;
use tokio::sync::watch;
use tracing::{Instrument, debug_span};

use crate::{
    Rejection, Snapshot,
    bind::guarded,
    binding::Recipe,
    client::Alive,
    store::{Move, Replaced, Section, lock},
};

mod reader;

pub use reader::Reader;

/// A section that is always current.
///
/// Cheap to clone and to share. Keeps the client's tasks running. `Debug` shows the prefix, never the value.
pub struct Live<T> {
    section: Arc<Bound<T>>,
    /// What [`changed`](Self::changed) last told.
    told: Mutex<State<T>>,
    alive: Arc<Alive>,
}

/// The value that was current when [`Live::load`] was called.
///
/// Meant to be short-lived; what is kept for longer comes from [`Live::latest`].
pub struct Loaded<T>(Guard<Arc<T>>);

/// Both sides of a section that moved. `Debug` shows the keys, never the values.
#[non_exhaustive]
pub struct Change<T> {
    /// What this handle told last, or found when it was made.
    pub old: Arc<T>,
    /// What is running now.
    pub new: Arc<T>,
    /// The keys of the section that are different, as they are written, sorted.
    pub keys: Vec<String>,
    /// The version that is running now.
    pub version: Option<String>,
}

/// A value together with the configuration that it was read from.
struct State<T> {
    value: Arc<T>,
    snapshot: Snapshot,
}

/// A section that the store asks before it moves.
pub(crate) struct Bound<T> {
    recipe: Arc<Recipe<T>>,
    current: ArcSwap<T>,
    moved: watch::Sender<State<T>>,
}

impl<T> Live<T> {
    pub(crate) fn new(section: Arc<Bound<T>>, alive: Arc<Alive>) -> Self {
        let told = Mutex::new(section.moved.borrow().clone());
        Self {
            section,
            told,
            alive,
        }
    }

    /// Reads the current value without a lock, in half the time that a lock would take. Where even that counts, a thread
    /// takes a [`reader`](Self::reader).
    #[must_use]
    pub fn load(&self) -> Loaded<T> {
        Loaded(self.section.current.load())
    }

    /// The current value, to keep.
    #[must_use]
    pub fn latest(&self) -> Arc<T> {
        self.section.latest()
    }

    /// A handle on a part of the value, which moves only when that part does.
    ///
    /// ```
    /// # use confbus_client::{Live, Rejection, testing};
    /// # #[derive(serde::Deserialize, PartialEq)] struct Db { host: String, pool: u32 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Rejection> {
    /// # let (client, mut server) = testing::client([("db.host", "a"), ("db.pool", "1")]);
    /// let db: Live<Db> = client.bind("db").live()?;
    /// let host: Live<String> = db.map(|db| db.host.clone());
    /// server.push([("db.host", "a"), ("db.pool", "2")])?; // moves `db`, not `host`
    /// server.push([("db.host", "b"), ("db.pool", "2")])?;
    /// assert_eq!(host.changed().await.version.as_deref(), Some("test-2"));
    /// # Ok(()) }
    /// ```
    ///
    /// The function runs for every version; its panic refuses one.
    #[must_use]
    pub fn map<U, F>(&self, part: F) -> Live<U>
    where
        T: Send + Sync + 'static,
        U: PartialEq + Send + Sync + 'static,
        F: Fn(&T) -> U + Send + Sync + 'static,
    {
        let part = Arc::new(part);
        // Holds the whole, which must go on agreeing for its part to be right.
        let (whole, of_next) = (Arc::clone(&self.section), Arc::clone(&part));
        let recipe = Arc::new(Recipe::new(&self.section.recipe.prefix, move |next| {
            Ok(of_next(&whole.recipe.make(next)?))
        }));
        loop {
            let base = self.alive.store.base();
            let first = part(&self.section.current.load());
            let section = Arc::new(Bound::new(Arc::clone(&recipe), first, &base));
            if self.alive.store.install(&section, &base) {
                return Live::new(section, Arc::clone(&self.alive));
            }
        }
    }
}

impl<T: PartialEq> Live<T> {
    /// Waits until the value is another than this handle told last.
    ///
    /// Latest wins: several versions while nobody waits arrive as one change. Each clone tells for itself.
    /// Cancel-safe.
    pub async fn changed(&self) -> Change<T> {
        let mut moved = self.section.moved.subscribe();
        loop {
            let now = moved.borrow_and_update().clone();
            if let Some(change) = self.tell(now) {
                return change;
            }
            if moved.changed().await.is_err() {
                // The sender is in the section that we hold.
                std::future::pending::<()>().await;
            }
        }
    }

    fn tell(&self, now: State<T>) -> Option<Change<T>> {
        let mut told = lock(&self.told);
        if told.snapshot.is(&now.snapshot) {
            return None;
        }
        let old = std::mem::replace(&mut *told, now.clone());
        if old.value == now.value {
            return None;
        }
        Some(Change {
            keys: old
                .snapshot
                .keys_changed(&now.snapshot, &self.section.recipe.prefix),
            version: now.snapshot.version().map(str::to_owned),
            old: old.value,
            new: now.value,
        })
    }
}

impl<T> Bound<T> {
    pub(crate) fn new(recipe: Arc<Recipe<T>>, value: T, snapshot: &Snapshot) -> Self {
        let value = Arc::new(value);
        Self {
            recipe,
            current: ArcSwap::new(Arc::clone(&value)),
            moved: watch::Sender::new(State {
                value,
                snapshot: snapshot.clone(),
            }),
        }
    }

    pub(crate) fn latest(&self) -> Arc<T> {
        self.current.load_full()
    }
}

impl<T: PartialEq + Send + Sync + 'static> Section for Bound<T> {
    fn prepare(self: Arc<Self>, next: &Snapshot) -> Result<Option<Move>, Rejection> {
        let value = self.recipe.build(next)?;
        let is_same = guarded(&self.recipe.prefix, || Ok(value == **self.current.load()))?;
        if is_same {
            return Ok(None);
        }
        let (value, snapshot) = (Arc::new(value), next.clone());
        let probe = self.recipe.has_probes().then(|| {
            let (section, value, next) = (Arc::clone(&self), Arc::clone(&value), next.clone());
            async move {
                let Recipe { prefix, .. } = &*section.recipe;
                let asked = section.recipe.probe(&value, &next);
                asked.instrument(debug_span!("probe", prefix)).await
            }
            .boxed()
        });
        let swap = Box::new(move || -> Replaced {
            let current = self.current.swap(Arc::clone(&value));
            let moved = self.moved.send_replace(State { value, snapshot });
            Box::new((current, moved, self))
        });
        Ok(Some(Move { probe, swap }))
    }
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Clone for State<T> {
    fn clone(&self) -> Self {
        Self {
            value: Arc::clone(&self.value),
            snapshot: self.snapshot.clone(),
        }
    }
}

impl<T> Clone for Live<T> {
    fn clone(&self) -> Self {
        let told = Mutex::new(lock(&self.told).clone());
        Self {
            section: Arc::clone(&self.section),
            told,
            alive: Arc::clone(&self.alive),
        }
    }
}

impl<T> fmt::Debug for Live<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("prefix", &self.section.recipe.prefix)
            .finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> fmt::Debug for Change<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Change")
            .field("keys", &self.keys)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
