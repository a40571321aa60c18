use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::sync::watch;

use crate::{Rejection, Snapshot};

/// What is running now, and who has to agree before something else does.
pub(crate) struct Store {
    current: ArcSwap<Snapshot>,
    sections: Mutex<Vec<Weak<dyn Section>>>,
    /// One application of a configuration at a time.
    applying: Mutex<()>,
    announced: watch::Sender<Snapshot>,
}

/// A part of the configuration that was bound to a type.
pub(crate) trait Section: Send + Sync {
    /// Builds the next value aside; the returned step only swaps it in.
    fn prepare(self: Arc<Self>, next: &Snapshot) -> Result<Swap, Rejection>;
}

pub(crate) type Swap = Box<dyn FnOnce() + Send>;

impl Store {
    pub(crate) fn new(first: Snapshot) -> Self {
        Self {
            current: ArcSwap::from_pointee(first.clone()),
            sections: Mutex::default(),
            applying: Mutex::default(),
            announced: watch::Sender::new(first),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        Snapshot::clone(&self.current.load())
    }

    pub(crate) fn announced(&self) -> watch::Receiver<Snapshot> {
        self.announced.subscribe()
    }

    /// Moves everyone to the next configuration, or nobody.
    pub(crate) fn apply(&self, next: &Snapshot) -> Result<(), Rejection> {
        let _one_at_a_time = lock(&self.applying);
        lock(&self.sections).retain(|section| section.strong_count() > 0);
        let mut swaps = Vec::new();
        loop {
            // The application's own checks run without the lock, so they may bind; what they bind is asked, too.
            let unasked = lock(&self.sections)
                .get(swaps.len()..)
                .unwrap_or_default()
                .to_vec();
            for section in unasked {
                swaps.push(
                    section
                        .upgrade()
                        .map(|section| section.prepare(next))
                        .transpose()?,
                );
            }
            let sections = lock(&self.sections);
            if sections.len() == swaps.len() {
                self.current.store(Arc::new(next.clone()));
                swaps.into_iter().flatten().for_each(|swap| swap());
                drop(sections);
                break;
            }
        }
        self.announced.send_replace(next.clone());
        Ok(())
    }

    /// Builds a section for the configuration that is running, and has it asked from then on.
    pub(crate) fn install<S: Section + 'static>(
        &self,
        build: impl Fn(&Snapshot) -> Result<S, Rejection>,
    ) -> Result<Arc<S>, Rejection> {
        loop {
            let base = self.snapshot();
            let section = Arc::new(build(&base)?);
            let mut sections = lock(&self.sections);
            // The configuration may have moved while the section was built.
            if self.current.load().is(&base) {
                let weak: Weak<S> = Arc::downgrade(&section);
                sections.push(weak);
                return Ok(section);
            }
        }
    }
}

/// No code runs under our locks that could leave something half done, so a poisoned one is as good as any.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
