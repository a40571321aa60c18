//! A bounded number of places, of which each network, or whoever else is told from others, has but so many.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::network::Network;

/// Places, shared by all threads.
#[derive(Debug)]
pub(super) struct Places<W: Eq + Hash = Network> {
    all: Arc<Semaphore>,
    each: usize,
    taken: Mutex<HashMap<W, usize>>,
}

/// One place until it is dropped.
#[derive(Debug)]
pub(super) struct Place<W: Eq + Hash = Network> {
    of: Arc<Places<W>>,
    whose: Option<W>,
    _permit: OwnedSemaphorePermit,
}

impl<W: Eq + Hash + Clone> Places<W> {
    /// So many in all, and so many for each; where that is 0, as many as there are.
    pub(super) fn new(all: usize, each: usize) -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(all)),
            each,
            taken: Mutex::default(),
        })
    }

    /// A place if there is one; where nobody is said to ask, it is counted for nobody.
    pub(super) fn take(self: &Arc<Self>, whose: Option<W>) -> Option<Place<W>> {
        let permit = Arc::clone(&self.all).try_acquire_owned().ok()?;
        let whose = whose.filter(|_| self.each > 0);
        if let Some(whose) = &whose {
            let mut taken = self.taken();
            let count = taken.entry(whose.clone()).or_default();
            if *count >= self.each {
                return None;
            }
            *count += 1;
        }
        Some(Place {
            of: Arc::clone(self),
            whose,
            _permit: permit,
        })
    }

    /// Whether nobody gets a place any more.
    pub(super) fn are_taken(&self) -> bool {
        self.all.available_permits() == 0
    }
}

impl<W: Eq + Hash> Places<W> {
    fn taken(&self) -> MutexGuard<'_, HashMap<W, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Eq + Hash> Drop for Place<W> {
    fn drop(&mut self) {
        let Some(whose) = self.whose.take() else {
            return;
        };
        if let Entry::Occupied(mut count) = self.of.taken().entry(whose) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_so_many_and_others_have_theirs() {
        let network = |text: &str| Some(Network::of(text.parse().unwrap()));
        let places = Places::new(4, 2);
        let two = [(); 2].map(|()| places.take(network("10.0.0.7")).unwrap());
        assert!(places.take(network("10.0.0.7")).is_none());
        let other = places.take(network("10.0.0.8")).unwrap();
        assert!(!places.are_taken());
        let nobody = places.take(None).unwrap();
        assert!(places.are_taken() && places.take(network("10.0.0.8")).is_none());
        drop((two, other, nobody));
        assert!(places.taken().is_empty() && places.take(network("10.0.0.7")).is_some());
    }
}
