use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tokio::sync::{Notify, futures::Notified};

/// Counts how often something that answers depend on was swapped: what was answered in one generation is the answer as
/// long as that generation lasts.
#[derive(Debug, Clone, Default)]
pub(super) struct Generation(Arc<Counter>);

#[derive(Debug, Default)]
struct Counter {
    number: AtomicU64,
    bell: Notify,
    crowd: Notify,
}

impl Generation {
    pub(super) fn now(&self) -> u64 {
        self.0.number.load(Ordering::Acquire)
    }

    /// To be called after the swap and before anybody is told of it.
    pub(super) fn advance(&self) {
        self.0.number.fetch_add(1, Ordering::AcqRel);
        self.0.bell.notify_one();
        self.tell();
    }

    /// Wakes all who wait for news: what is known of commits may have changed, though no generation begins.
    pub(super) fn tell(&self) {
        self.0.crowd.notify_waiters();
    }

    /// Resolves with the first news since this was called.
    pub(super) fn news(&self) -> Notified<'_> {
        self.0.crowd.notified()
    }

    /// Resolves when one begins, or has begun since this was last waited for; for one who waits.
    pub(super) async fn another(&self) {
        self.0.bell.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use crate::environment_repository::{Announce, testing::of_directory};

    #[tokio::test]
    async fn only_what_answers_depend_on_begins_another_generation() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("orders.yml");
        std::fs::write(&file, "a: 1").unwrap();
        let repository = of_directory(folder.path()).await;
        repository.look(None, Announce::No).await.unwrap();

        let before = repository.generation();
        repository.look(None, Announce::No).await.unwrap();
        assert_eq!(repository.generation(), before, "a look without news");
        std::fs::write(&file, "a: 20").unwrap();
        repository.look(None, Announce::No).await.unwrap();
        assert!(repository.generation() > before, "another file");
    }
}
