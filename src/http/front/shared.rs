use std::sync::{Arc, Weak};

use quick_cache::sync::Cache;

use super::answers::{Key, KeyRef, Made, USUAL_WEIGHT};
use crate::http::keep::Kept;

/// What any core has made: the others need not make it again, and all keep the same bytes. Only who has no answer of its
/// own looks here; it holds nothing alive.
#[derive(Debug, Clone)]
pub(super) struct Shared(Arc<Cache<Key, (Weak<Kept>, Made)>>);

impl Shared {
    /// For so many bytes of answers on all cores.
    pub(super) fn new(room: usize) -> Self {
        Self(Arc::new(Cache::new(room / USUAL_WEIGHT)))
    }

    pub(super) fn insert(&self, key: Key, kept: &Arc<Kept>, made: Made) {
        self.0.insert(key, (Arc::downgrade(kept), made));
    }

    /// An answer of this generation that some core still keeps.
    pub(super) fn get(&self, key: &KeyRef<'_>, generation: u64) -> Option<(Arc<Kept>, Made)> {
        let (kept, made) = self.0.get(key)?;
        let kept = (made.generation == generation).then(|| kept.upgrade())?;
        Some((kept?, made))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use axum::body::Body;
    use http::Response;

    use super::*;
    use crate::http::{finished::Finished, keep::Keep, settings::Compression};

    async fn kept() -> Arc<Kept> {
        let response = Response::new(Body::from("{}"));
        let finished = Finished::of(response, false, &Compression::default()).await;
        Arc::new(Kept {
            finished: finished.expect("a body in memory is whole"),
            keep: Keep::default(),
            asked: crate::metrics::Asked::default(),
        })
    }

    #[tokio::test]
    async fn an_answer_is_found_in_its_generation_while_somebody_keeps_it() {
        let shared = Shared::new(1 << 20);
        let key = KeyRef::new("/foo/dev", b"*/*");
        let made = Made {
            generation: 1,
            at: Instant::now(),
            was_quick: true,
        };
        let one = kept().await;
        shared.insert(key.to_owned(), &one, made);
        let found = |generation| shared.get(&key, generation).map(|(kept, _)| kept);
        assert!(found(1).is_some_and(|kept| Arc::ptr_eq(&kept, &one)));
        assert!(found(2).is_none());
        assert!(shared.get(&KeyRef::new("/foo/qa", b"*/*"), 1).is_none());
        drop(one);
        assert!(found(1).is_none());
    }
}
