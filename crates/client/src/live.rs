use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex},
};

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;

use crate::{
    Rejection, Snapshot,
    bind::guarded,
    client::Alive,
    store::{Section, Swap, lock},
};

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
    prefix: String,
    build: Build<T>,
    current: ArcSwap<T>,
    moved: watch::Sender<State<T>>,
}

type Build<T> = Arc<dyn Fn(&Snapshot) -> Result<T, Rejection> + Send + Sync>;

impl<T> Live<T> {
    pub(crate) fn new(section: Arc<Bound<T>>, alive: Arc<Alive>) -> Self {
        let told = Mutex::new(section.moved.borrow().clone());
        Self {
            section,
            told,
            alive,
        }
    }

    /// Reads the current value without a lock.
    #[must_use]
    pub fn load(&self) -> Loaded<T> {
        Loaded(self.section.current.load())
    }

    /// The current value, to keep.
    #[must_use]
    pub fn latest(&self) -> Arc<T> {
        self.section.current.load_full()
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
                .keys_changed(&now.snapshot, &self.section.prefix),
            version: now.snapshot.version().map(str::to_owned),
            old: old.value,
            new: now.value,
        })
    }
}

impl<T> Bound<T> {
    pub(crate) fn new(
        prefix: &str,
        snapshot: &Snapshot,
        build: Build<T>,
    ) -> Result<Self, Rejection> {
        let value = Arc::new(guarded(prefix, || build(snapshot))?);
        Ok(Self {
            prefix: prefix.to_owned(),
            build,
            current: ArcSwap::new(Arc::clone(&value)),
            moved: watch::Sender::new(State {
                value,
                snapshot: snapshot.clone(),
            }),
        })
    }
}

impl<T: PartialEq + Send + Sync + 'static> Section for Bound<T> {
    fn prepare(self: Arc<Self>, next: &Snapshot) -> Result<Swap, Rejection> {
        let snapshot = next.clone();
        let value = guarded(&self.prefix, || {
            let value = (self.build)(next)?;
            Ok((value != **self.current.load()).then(|| Arc::new(value)))
        })?;
        Ok(match value {
            None => Box::new(|| {}),
            Some(value) => Box::new(move || {
                self.current.store(Arc::clone(&value));
                self.moved.send_replace(State { value, snapshot });
            }),
        })
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
            .field("prefix", &self.section.prefix)
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
