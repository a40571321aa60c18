//! What of a store that is looked up concerns the whole: looks, health and figures.

use super::{Announce, EnvironmentRepository, Figures, UpstreamHealth, backend::Backend};
use crate::{look::LookError, lookups::Lookups};

impl EnvironmentRepository {
    pub(super) fn lookups(&self) -> impl Iterator<Item = &Lookups> {
        self.inner.backends.iter().filter_map(Backend::lookups)
    }

    /// Looks everything up again that is kept of stores.
    pub(super) async fn look_up_again(&self, announce: Announce) -> Result<(), LookError> {
        let because = match announce {
            Announce::No => None,
            Announce::Yes(trigger) => Some(trigger),
        };
        let mut looked = Ok(());
        for lookups in self.lookups() {
            let looked_up = lookups.look(because).await;
            let looked_up = looked_up.map_err(|error| LookError::Unreachable(error.to_string()));
            looked = looked.and(looked_up);
        }
        looked
    }
}

/// The state of the store; nobody is asked for it.
pub(super) fn health(lookups: &Lookups) -> UpstreamHealth {
    UpstreamHealth {
        repository: lookups.shown().to_owned(),
        version: None,
        confirmed_seconds_ago: lookups.confirmed_ago().map(|ago| ago.as_secs()),
        error: lookups.error(),
        disk_error: lookups.disk_error(),
        cloning: None,
        problems: Vec::new(),
    }
}

/// What can be counted of it.
pub(super) fn figures(lookups: &Lookups) -> Figures {
    Figures {
        repository: lookups.shown().to_owned(),
        confirmed_ago: lookups.confirmed_ago(),
        labels: Vec::new(),
        mirror: None,
    }
}
