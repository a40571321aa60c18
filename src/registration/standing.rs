use std::{sync::Arc, time::Instant};

use arc_swap::ArcSwap;

/// How the server stands with a registry.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    registry: &'static str,
    now: Arc<ArcSwap<Known>>,
}

/// What is known of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Known {
    /// Who of the registry took it last, and when; `None` before the first time and after the last.
    pub(crate) taken: Option<(Arc<str>, Instant)>,
    /// What is wrong, in a sentence.
    pub(crate) error: Option<Arc<str>>,
}

impl Standing {
    pub(super) fn new(registry: &'static str) -> Self {
        Self {
            registry,
            now: Arc::default(),
        }
    }

    pub(crate) fn registry(&self) -> &'static str {
        self.registry
    }

    pub(crate) fn now(&self) -> Arc<Known> {
        self.now.load_full()
    }

    /// Whether the registry lists the server, as far as its last answer says.
    pub(crate) fn is_listed(&self) -> bool {
        let now = self.now.load();
        now.taken.is_some() && now.error.is_none()
    }

    pub(super) fn taken(&self, by: &str) {
        self.now.store(Arc::new(Known {
            taken: Some((by.into(), Instant::now())),
            error: None,
        }));
    }

    /// It may still be on the list.
    pub(super) fn failed(&self, why: &str) {
        self.now.store(Arc::new(Known {
            taken: self.now().taken.clone(),
            error: Some(why.into()),
        }));
    }

    /// It is on no list.
    pub(super) fn gone(&self) {
        self.now.store(Arc::default());
    }
}
