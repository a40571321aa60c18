//! The working directory, which belongs to the whole process.

use std::{
    env,
    path::Path,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

static DIRECTORY: RwLock<()> = RwLock::new(());

/// As long as it lives, the working directory stays as it is.
pub(crate) enum Directory {
    /// Shared by all who do not care where they are.
    Anywhere { _lock: RwLockReadGuard<'static, ()> },
    /// Of one server alone.
    Chosen {
        _lock: RwLockWriteGuard<'static, ()>,
    },
}

impl Directory {
    /// Waits until the directory is free.
    pub(crate) fn enter(wanted: Option<&Path>) -> anyhow::Result<Self> {
        let Some(wanted) = wanted else {
            let lock = DIRECTORY.read().unwrap_or_else(PoisonError::into_inner);
            return Ok(Self::Anywhere { _lock: lock });
        };
        let lock = DIRECTORY.write().unwrap_or_else(PoisonError::into_inner);
        let chosen = Self::Chosen { _lock: lock };
        env::set_current_dir(wanted)?;
        Ok(chosen)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if matches!(self, Self::Chosen { .. }) {
            // The chosen one goes away soon. This one was there when the test was built.
            _ = env::set_current_dir(env!("CARGO_MANIFEST_DIR"));
        }
    }
}
