use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;

use super::{
    FindError, git_backend::RepositorySettings, opener::Opener, repository::Repository,
    upstream::Upstream,
};
use crate::git::Address;

/// Repositories that requests may open beside each other; each has a thread and a clone.
pub(super) const MAX_OPEN: usize = 64;

/// The repositories that an address with placeholders leads to, opened when somebody asks for them.
#[derive(Debug)]
pub(super) struct Pool {
    opener: Opener,
    /// Read without a lock; whoever opens one puts another map in its place.
    open: ArcSwap<Open>,
    /// Held by whoever opens one.
    opening: Mutex<()>,
    /// Counts requests, to tell who was not asked for longest.
    asked: AtomicU64,
}

type Open = HashMap<String, Arc<Slot>>;

#[derive(Debug)]
struct Slot {
    repository: Repository,
    last_asked: AtomicU64,
}

impl Pool {
    pub(super) fn new(opener: Opener) -> Self {
        Self {
            opener,
            open: ArcSwap::default(),
            opening: Mutex::default(),
            asked: AtomicU64::default(),
        }
    }

    /// The repository at an address; the first who asks for it starts its thread.
    ///
    /// # Errors
    /// When this is no address, or the system gives no thread.
    pub(super) fn repository(
        &self,
        uri: &str,
        settings: &RepositorySettings,
    ) -> Result<Repository, FindError> {
        let now = self.asked.fetch_add(1, Ordering::Relaxed);
        if let Some(repository) = self.asked_for(uri, now) {
            return Ok(repository);
        }
        let _opening = self.opening.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have been faster.
        if let Some(repository) = self.asked_for(uri, now) {
            return Ok(repository);
        }
        let mut open = Open::clone(&self.open.load());
        make_room(&mut open);
        let repository = self.open(uri, settings)?;
        let slot = Slot {
            repository: repository.clone(),
            last_asked: AtomicU64::new(now),
        };
        open.insert(uri.to_owned(), Arc::new(slot));
        self.open.store(Arc::new(open));
        Ok(repository)
    }

    fn asked_for(&self, uri: &str, now: u64) -> Option<Repository> {
        let open = self.open.load();
        let slot = open.get(uri)?;
        slot.last_asked.store(now, Ordering::Relaxed);
        Some(slot.repository.clone())
    }

    /// The repository at an address, if it is open.
    pub(super) fn serving_at(&self, uri: &str) -> Option<Repository> {
        let open = self.open.load();
        open.get(uri).map(|slot| slot.repository.clone())
    }

    fn open(&self, uri: &str, settings: &RepositorySettings) -> Result<Repository, FindError> {
        let address = Address::parse(uri).map_err(|_| FindError::NoRepository)?;
        let (git, settings) = settings.at(address, &self.opener.claims);
        let upstream = Upstream::git(git).map_err(|_| FindError::Busy)?;
        Ok(self.opener.open_on_demand(upstream, settings))
    }

    /// Those that have something to serve.
    pub(super) fn serving(&self) -> Vec<Repository> {
        let open = self.open.load();
        let all = open.values().map(|slot| &slot.repository);
        all.filter(|repository| repository.is_serving())
            .cloned()
            .collect()
    }
}

/// Those that have nothing to serve go first, then those that were not asked for longest.
fn make_room(open: &mut Open) {
    while open.len() >= MAX_OPEN {
        let rank = |(_, slot): &(&String, &Arc<Slot>)| {
            let last_asked = slot.last_asked.load(Ordering::Relaxed);
            (slot.repository.is_serving(), last_asked)
        };
        let Some(uri) = open.iter().min_by_key(rank).map(|(uri, _)| uri.clone()) else {
            return;
        };
        open.remove(&uri);
    }
}
