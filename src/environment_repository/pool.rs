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
        let was_serving = make_room(&mut open);
        let repository = self.open(uri, settings)?;
        let slot = Slot {
            repository: repository.clone(),
            last_asked: AtomicU64::new(now),
        };
        open.insert(uri.to_owned(), Arc::new(slot));
        self.open.store(Arc::new(open));
        if was_serving {
            // Nobody looks at it any more.
            self.opener.generation.advance();
        }
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
        let (git, settings) = settings.at(address, &self.opener.git);
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

/// Those that have nothing to serve go first, then those that were not asked for longest. Returns whether any that goes was
/// serving.
fn make_room(open: &mut Open) -> bool {
    let mut was_serving = false;
    while open.len() >= MAX_OPEN {
        let rank = |(_, slot): &(&String, &Arc<Slot>)| {
            let last_asked = slot.last_asked.load(Ordering::Relaxed);
            (slot.repository.is_serving(), last_asked)
        };
        let Some(uri) = open.iter().min_by_key(rank).map(|(uri, _)| uri.clone()) else {
            break;
        };
        let gone = open.remove(&uri);
        was_serving |= gone.is_some_and(|slot| slot.repository.is_serving());
    }
    was_serving
}

#[cfg(test)]
mod tests {
    use git2::Signature;

    use super::{super::opener::Hearers, *};
    use crate::{
        Settings, Sources,
        acceptance::Acceptance,
        environment_repository::{BackendSettings, Generation, Known, Unannounced},
        git,
        pins::{self, Pins},
        tasks::Tasks,
        waves::{self, Waves},
    };

    fn settings() -> RepositorySettings {
        let git = "spring.cloud.config.server.git";
        let arguments = [("uri", "file:///{application}"), ("refresh-rate", "-1")];
        let arguments = arguments.map(|(key, value)| (format!("{git}.{key}"), value.to_owned()));
        let sources = Sources {
            arguments: arguments.into(),
            ..Sources::default()
        };
        let repository = Settings::load(&sources).unwrap().repository;
        match repository.backends.into_iter().next() {
            Some(BackendSettings::Git(settings)) => settings.default,
            backend => panic!("{backend:?}"),
        }
    }

    fn opener() -> Opener {
        Opener {
            unannounced: Arc::new(Unannounced::default()),
            generation: Generation::default(),
            pins: Pins::open(pins::Settings::default()).0,
            waves: Waves::open(waves::Settings::default()).0,
            hearers: Hearers::none(),
            tasks: Tasks::default(),
            git: git::Common::default(),
            acceptance: Acceptance::default(),
            known: Known::default(),
        }
    }

    #[tokio::test]
    async fn answers_of_a_repository_that_had_to_go_are_not_given_again() {
        let folder = tempfile::tempdir().unwrap();
        let git = git2::Repository::init_bare(folder.path()).unwrap();
        let tree = git.treebuilder(None).unwrap().write().unwrap();
        let tree = git.find_tree(tree).unwrap();
        let ana = Signature::now("ana", "ana@localhost").unwrap();
        git.commit(Some("refs/heads/main"), &ana, &ana, "one", &tree, &[])
            .unwrap();

        let (opener, settings) = (opener(), settings());
        let pool = Pool::new(opener.clone());
        // All of them are the same repository.
        let open = |number: usize| {
            let slashes = "/".repeat(number);
            let uri = format!("file://{slashes}{}", folder.path().display());
            pool.repository(&uri, &settings).unwrap()
        };
        for number in 0..MAX_OPEN {
            let repository = open(number);
            repository.first_look().await;
            assert!(repository.is_serving());
        }
        let before = opener.generation.now();
        open(0);
        assert_eq!(opener.generation.now(), before, "it was open");
        open(MAX_OPEN);
        assert_eq!(opener.generation.now(), before + 1);
    }
}
