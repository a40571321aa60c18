//! Waiting for things to come true.

use std::time::{Duration, Instant};

use anyhow::ensure;

use super::{APPLICATIONS, Rig, Walkers, reader};
use crate::history::Name;

/// Between two looks.
const GLANCE: Duration = Duration::from_millis(50);

impl Rig {
    /// Waits until every server answers with the last commit, and every client runs it; how long that took.
    ///
    /// # Errors
    /// After the deadline, with who is late.
    pub async fn settle(&self, within: Duration) -> anyhow::Result<Duration> {
        let since = self.recorder.now();
        wait("everybody at the last commit", within, || self.late(since)).await
    }

    /// Waits until everybody is at the last commit, and then until each of the walkers has read it, too: one may have waited in
    /// vain at a server that could not fetch.
    ///
    /// # Errors
    /// After the deadline, with who is late.
    pub async fn settle_with(&self, walkers: &Walkers, within: Duration) -> anyhow::Result<()> {
        self.settle(within).await?;
        let since = self.recorder.now();
        let late = || {
            let names = walkers.names().iter();
            let mut late = names.filter(|name| !self.has_read_the_last(name, since));
            late.next().map(ToString::to_string)
        };
        let what = "every reader at the last commit";
        wait(what, within, late).await.map(|_| ())
    }

    fn has_read_the_last(&self, name: &Name, since: u64) -> bool {
        APPLICATIONS.iter().any(|application| {
            let seen = reader::newest(&self.recorder, name, application, since);
            seen.is_some() && seen.as_ref() == self.repository.served(application).as_ref()
        })
    }

    /// Who is not at the last commit; nothing when everybody is.
    fn late(&self, since: u64) -> Option<String> {
        for application in APPLICATIONS {
            let wanted = self.repository.served(application);
            let wanted = wanted.as_ref();
            for server in self.servers.iter().filter(|server| server.is_running()) {
                let seen = reader::newest(&self.recorder, server.name(), application, since);
                if seen.is_none() || seen.as_ref() != wanted {
                    return Some(format!("{} on {application}", server.name()));
                }
            }
            let fits = self.repository.is_fit(application);
            let mut clients = self.clients.iter();
            if let Some(client) = clients.find(|client| {
                fits && client.application() == application && client.content().as_ref() != wanted
            }) {
                return Some(client.name().to_string());
            }
        }
        None
    }
}

/// Waits until nothing is missing any more; how long that took.
///
/// # Errors
/// After the deadline, with what is missing.
pub async fn wait(
    what: &str,
    within: Duration,
    mut missing: impl FnMut() -> Option<String>,
) -> anyhow::Result<Duration> {
    let began = Instant::now();
    while let Some(missing) = missing() {
        ensure!(
            began.elapsed() < within,
            "not within {} s: {what}; missing: {missing}",
            within.as_secs()
        );
        tokio::time::sleep(GLANCE).await;
    }
    Ok(began.elapsed())
}
