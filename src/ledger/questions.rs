//! What somebody asks of the [`Ledger`]: answered from the records as they are once all that was told before is in them.

use std::sync::Arc;

use confbus_resolution::EnvironmentRequest;
use serde_json::Value;
use tokio::sync::oneshot;

use super::{
    Closed, FleetFilter, FleetSummary, FleetView, HistoryEntry, HistoryFilter, InstanceFilter,
    InstancesView, Ledger, RefreshDetails, RefreshesView, Removal, Sight, Standing, Tell, Wanted,
    entry::Entry, now, records::Records, standing, view,
};

impl Ledger {
    /// What is known of instances and readers, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn instances(
        &self,
        filter: InstanceFilter,
        sight: impl Sight + 'static,
    ) -> Result<InstancesView, Closed> {
        self.view(move |records, wanted| view::instances(records, &filter, &sight, now(), wanted))
            .await
    }

    /// How far the fleet is, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn fleet(
        &self,
        filter: FleetFilter,
        sight: impl Sight + 'static,
    ) -> Result<FleetView, Closed> {
        self.view(move |records, wanted| view::fleet(records, &filter, &sight, now(), wanted))
            .await
    }

    /// How many of each address stand where, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn summary(
        &self,
        sight: impl Sight + 'static,
    ) -> Result<FleetSummary, Closed> {
        self.view(move |records, wanted| view::summary(records, &sight, now(), wanted))
            .await
    }

    /// The moves of a label that are remembered, newest first, as far as somebody may see them.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn history(
        &self,
        filter: HistoryFilter,
        sight: impl Sight + 'static,
    ) -> Result<Vec<HistoryEntry>, Closed> {
        self.view(move |records, _| view::history(records, &filter, &sight, now()))
            .await
    }

    /// The newest move that is remembered to have taken a key away, as far as somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn removal(
        &self,
        filter: &HistoryFilter,
        key: &str,
        sight: &impl Sight,
    ) -> Result<Option<Removal>, Closed> {
        let records = self.records().await?;
        Ok(view::removal(&records, filter, key, sight))
    }

    /// Where the instances stand that ask for something that is meant.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn standings(
        &self,
        is_meant: impl Fn(&EnvironmentRequest) -> bool,
    ) -> Result<Vec<Standing>, Closed> {
        let records = self.records().await?;
        Ok(standing::standings(&records, is_meant, now()))
    }

    /// The refreshes that somebody may see, newest first.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refreshes(
        &self,
        sight: impl Sight + 'static,
    ) -> Result<RefreshesView, Closed> {
        self.newest_refreshes(usize::MAX, sight).await
    }

    /// So many of them.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn newest_refreshes(
        &self,
        most: usize,
        sight: impl Sight + 'static,
    ) -> Result<RefreshesView, Closed> {
        self.view(move |records, _| view::refreshes(records, most, &sight, now()))
            .await
    }

    /// One refresh with the keys that it changes, if it is known and somebody may see it.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn refresh(
        &self,
        id: String,
        sight: impl Sight + 'static,
    ) -> Result<Option<RefreshDetails>, Closed> {
        self.view(move |records, _| view::refresh(records, &id, &sight, now()))
            .await
    }

    /// What other servers are told, in parts that are messages each.
    ///
    /// # Errors
    /// [`Closed`] when the server is stopping.
    pub(crate) async fn tell(&self, what: Tell) -> Result<Vec<Value>, Closed> {
        let (reply, told) = oneshot::channel();
        let asked = self.entries.send(Entry::Tell(what, reply)).await;
        asked.map_err(|_| Closed)?;
        let told = told.await.map_err(|_| Closed)?;
        let parts = move || told.parts(now());
        tokio::task::spawn_blocking(parts).await.map_err(|_| Closed)
    }

    /// What is computed of the records, where that holds up nobody: thousands of coordinates may have to be resolved, or as many
    /// instances judged.
    async fn view<T: Send + 'static>(
        &self,
        view: impl FnOnce(&Records, &Wanted) -> T + Send + 'static,
    ) -> Result<T, Closed> {
        let records = self.records().await?;
        let shared = Arc::clone(&self.shared);
        let view = move || view(&records, &shared.wanted);
        tokio::task::spawn_blocking(view).await.map_err(|_| Closed)
    }

    /// The records, with everything in them that was recorded before.
    pub(super) async fn records(&self) -> Result<Arc<Records>, Closed> {
        let (reply, records) = oneshot::channel();
        let asked = self.entries.send(Entry::Show(reply)).await;
        asked.map_err(|_| Closed)?;
        records.await.map_err(|_| Closed)
    }
}
