use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

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
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    repositories: HashMap<String, Slot>,
    /// Counts requests, to tell who was not asked for longest.
    asked: u64,
}

#[derive(Debug)]
struct Slot {
    repository: Repository,
    last_asked: u64,
}

impl Pool {
    pub(super) fn new(opener: Opener) -> Self {
        Self {
            opener,
            open: Mutex::default(),
        }
    }

    /// The repository at an address. Held only for a look into a map, or to start a thread.
    ///
    /// # Errors
    /// When this is no address, or the system gives no thread.
    pub(super) fn repository(
        &self,
        uri: &str,
        settings: &RepositorySettings,
    ) -> Result<Repository, FindError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.asked += 1;
        let now = open.asked;
        if let Some(slot) = open.repositories.get_mut(uri) {
            slot.last_asked = now;
            return Ok(slot.repository.clone());
        }
        open.make_room();
        let repository = self.open(uri, settings)?;
        let slot = Slot {
            repository: repository.clone(),
            last_asked: now,
        };
        open.repositories.insert(uri.to_owned(), slot);
        Ok(repository)
    }

    /// The repository at an address, if it is open.
    pub(super) fn serving_at(&self, uri: &str) -> Option<Repository> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.repositories
            .get(uri)
            .map(|slot| slot.repository.clone())
    }

    fn open(&self, uri: &str, settings: &RepositorySettings) -> Result<Repository, FindError> {
        let address = Address::parse(uri).map_err(|_| FindError::NoRepository)?;
        let (git, settings) = settings.at(address, &self.opener.claims);
        let upstream = Upstream::git(git).map_err(|_| FindError::Busy)?;
        Ok(self.opener.open_on_demand(upstream, settings))
    }

    /// Those that have something to serve.
    pub(super) fn serving(&self) -> Vec<Repository> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all = open.repositories.values().map(|slot| &slot.repository);
        all.filter(|repository| repository.is_serving())
            .cloned()
            .collect()
    }
}

impl Open {
    /// Those that have nothing to serve go first, then those that were not asked for longest.
    fn make_room(&mut self) {
        while self.repositories.len() >= MAX_OPEN {
            let rank =
                |(_, slot): &(&String, &Slot)| (slot.repository.is_serving(), slot.last_asked);
            let Some(uri) = self
                .repositories
                .iter()
                .min_by_key(rank)
                .map(|(uri, _)| uri.clone())
            else {
                return;
            };
            self.repositories.remove(&uri);
        }
    }
}
