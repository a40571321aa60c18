//! The last word of an instance: that it ends, so that nobody waits for it.

use std::sync::Arc;

use confbus_protocol::{Outcome, Report};
use futures_util::future::join_all;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::{
    report::{About, WITHIN, post},
    servers::Servers,
    settings::Requests,
};

/// What it takes to end.
#[derive(Clone)]
pub(crate) struct Leave {
    /// Ends everything that works for the client.
    pub(crate) stop: CancellationToken,
    /// The way by which events came.
    #[cfg(feature = "metrics")]
    pub(crate) transport: &'static str,
    /// `None` when servers are told nothing.
    pub(crate) word: Option<Word>,
}

/// What servers are told at the end.
#[derive(Clone)]
pub(crate) struct Word {
    pub(crate) http: reqwest::Client,
    pub(crate) requests: Requests,
    pub(crate) servers: Arc<Servers>,
    pub(crate) report: Report,
}

impl Leave {
    /// Stops first, so that nothing is asked for in this name after the last word.
    pub(crate) async fn take(self) {
        self.stop.cancel();
        if let Some(word) = self.word {
            _ = timeout(WITHIN, word.say()).await;
        }
        // Last, since what was at work may have told something when it was stopped.
        #[cfg(feature = "metrics")]
        crate::metrics::left(self.transport);
    }
}

impl Word {
    /// Tells every server: each may have been asked once.
    async fn say(&self) {
        let all = self.servers.all();
        let all = all.iter().map(async |known| {
            let server = &known.server;
            let posted = post(&self.http, &self.requests, server, &self.report).await;
            match posted {
                Ok(status) => debug!(%server, %status, "the last report was posted"),
                Err(error) => {
                    debug!(%server, error = %error.without_url(), "the last report was not taken");
                }
            }
        });
        join_all(all).await;
    }
}

impl About {
    /// Says that this instance ends.
    pub(crate) fn last_report(&self) -> Report {
        let label = self.coordinates.labels.first().cloned().flatten();
        Report {
            instance: self.instance.clone(),
            application: self.coordinates.application.clone(),
            profiles: self.coordinates.profiles.clone(),
            label,
            version: None,
            running: None,
            outcome: Outcome::Leaving,
            transport: None,
            poll_seconds: None,
        }
    }
}
