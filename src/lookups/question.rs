use std::sync::atomic::Ordering;

use confbus_protocol::PropertySource;
use confbus_resolution::EnvironmentRequest;
use tokio::{sync::SemaphorePermit, time::timeout};

use super::{Inner, LookupError};

/// A question and what came of it.
pub(super) struct Asked {
    pub(super) for_whom: ForWhom,
    pub(super) found: Result<Vec<PropertySource>, LookupError>,
}

pub(super) enum ForWhom {
    /// Those who wait.
    First(EnvironmentRequest),
    /// The round; without a request the store was only greeted.
    Round(Option<EnvironmentRequest>),
}

impl ForWhom {
    pub(super) fn request(&self) -> Option<&EnvironmentRequest> {
        match self {
            Self::First(request) => Some(request),
            Self::Round(request) => request.as_ref(),
        }
    }
}

impl Inner {
    /// Asks when its turn comes, and from then on within the deadline; without a request the store is only greeted.
    pub(super) async fn ask(
        &self,
        request: Option<&EnvironmentRequest>,
    ) -> Result<Vec<PropertySource>, LookupError> {
        let _turn = self.turn().await?;
        let asking = async {
            match request {
                Some(request) => self.store.find(request).await,
                None => self.store.greet().await.map(|()| Vec::new()),
            }
        };
        let found = timeout(self.deadline, asking).await;
        let found = found.unwrap_or_else(|_| Err(self.late()));
        if found.is_ok() {
            self.answers.fetch_add(1, Ordering::Relaxed);
        }
        found
    }

    /// Where others were answered meanwhile, whoever waited in vain met a crowd of our own, and no trouble of the store.
    async fn turn(&self) -> Result<SemaphorePermit<'_>, LookupError> {
        let answers = || self.answers.load(Ordering::Relaxed);
        let before = answers();
        match timeout(self.deadline, self.turns.acquire()).await {
            Ok(Ok(turn)) => Ok(turn),
            _ if answers() != before => Err(LookupError::Busy),
            _ => Err(self.late()),
        }
    }

    fn late(&self) -> LookupError {
        LookupError::Late {
            kind: self.kind,
            within: self.deadline,
        }
    }
}
